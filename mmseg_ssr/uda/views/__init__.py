"""The views of an iteration and their makers."""
