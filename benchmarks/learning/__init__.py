"""What an adapter brings after so many corrections."""
