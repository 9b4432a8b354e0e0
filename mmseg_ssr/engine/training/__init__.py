"""Training: from a config to its last checkpoint."""
