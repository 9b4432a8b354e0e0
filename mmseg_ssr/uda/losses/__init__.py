"""The loss terms on the views of an iteration."""
