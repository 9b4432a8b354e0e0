"""Bad input of every kind: each case ends in success or in one clear line, see oracle.py."""
