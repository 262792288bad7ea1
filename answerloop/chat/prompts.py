"""Questions that people are offered to begin with."""

from __future__ import annotations

PROMPTS = (
    ("Leave", "How many days of annual leave do I get?"),
    ("Expenses", "How do I claim my expenses?"),
    ("IT help", "What can I do when the VPN does not connect?"),
)
"""What stands on the button, and what it asks."""
