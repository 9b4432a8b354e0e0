"""Logs, progress and pictures of a run."""
