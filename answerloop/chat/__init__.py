"""What all chat platforms show alike: the sentences of the frame, and where sources can be read."""
