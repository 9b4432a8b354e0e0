"""Trainings: one config, a table of them, and their results."""
