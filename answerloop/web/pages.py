"""The frame of the pages that the server writes itself: documents, errors, the sign-in."""

from __future__ import annotations

from html import escape


def page(title: str, body: str, script: str = "") -> str:
    """`body` is HTML that is safe already; `title` is plain text."""
    module = f'<script type="module" src="/static/{script}"></script>' if script else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{escape(title)}</title>"
        '<link rel="icon" href="/static/icon.svg" type="image/svg+xml">'
        '<script src="/static/theme.js"></script>'
        '<link rel="stylesheet" href="/static/base.css"><link rel="stylesheet" href="/static/document.css">'
        f"{module}</head><body>{body}</body></html>"
    )
