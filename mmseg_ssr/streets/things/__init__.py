"""What stands on a street, each thing as a drawing."""
