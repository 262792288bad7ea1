"""What all our web pages stand on: who is there, what a request must pass, how errors look, the frame of pages."""
