"""Tables of trainings."""
