"""The command lines, a module for each. The scripts in ``tools/`` start them."""
