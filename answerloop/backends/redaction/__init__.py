"""The parts of the redactor: which words are people's names."""
