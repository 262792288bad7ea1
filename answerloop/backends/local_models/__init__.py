"""What the local backends share: weights on disk, and the parts of the transformers generator."""
