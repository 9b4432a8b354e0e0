"""Numbers measured from the published code of VFM-UDA++ against this code."""
