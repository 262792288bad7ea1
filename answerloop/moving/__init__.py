"""The state of an installation as one file: out of one installation and into another."""
