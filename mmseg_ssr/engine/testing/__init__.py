"""Testing: predictions, scores, files for a benchmark server."""
