"""The views of an iteration, and how each is made."""
