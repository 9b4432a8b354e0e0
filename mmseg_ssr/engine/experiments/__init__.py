"""Experiments: trainings with their tests, and tables of results."""
