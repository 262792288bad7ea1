"""From a company's files to chunks in the index."""
