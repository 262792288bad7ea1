"""What employees see: takes a question in, takes feedback in. Never loads a model."""
