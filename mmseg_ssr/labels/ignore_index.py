"""The value of ignored pixels in label images: no loss, score or statistic counts them."""
IGNORE_INDEX = 255
