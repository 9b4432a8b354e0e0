"""The value of the pixels in label images that count nowhere: no loss, score or statistic."""
IGNORE_INDEX = 255
