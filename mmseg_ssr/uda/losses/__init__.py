"""What is learnt from a view."""
