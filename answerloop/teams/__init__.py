"""The formats of Microsoft Teams, as pure functions."""
