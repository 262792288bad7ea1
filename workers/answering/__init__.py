"""One step of an answer in each file; `pipeline` strings them together."""
