"""Configs of mmseg 0.x in the words of mmseg 1.x and back, as plain dicts without OpenMMLab."""
