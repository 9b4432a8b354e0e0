"""What is learned from a view."""
