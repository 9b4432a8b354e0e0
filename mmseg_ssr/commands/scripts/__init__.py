"""The scripts of a clone whose arguments differ from those of the command line."""
