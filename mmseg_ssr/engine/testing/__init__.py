"""Testing: predictions, scores, and files for benchmark servers."""
