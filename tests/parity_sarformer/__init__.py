"""Numbers measured from the published code of SARFormer against this code."""
