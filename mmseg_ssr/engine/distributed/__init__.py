"""Several processes that share one training or test."""
