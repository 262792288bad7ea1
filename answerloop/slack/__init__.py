"""Slack's formats, as pure functions."""
