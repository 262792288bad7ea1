"""The web chat: a page, its API, an event stream for each open answer, and the documents behind the sources."""
