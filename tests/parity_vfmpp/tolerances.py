"""The recommendations of the data's README, which it derives from runs with other settings."""

#: 10, 14, 15, 16, 18, 22, and 12, 13 in eval mode: largest difference / largest entry.
OUTPUT = 5e-6
#: 11 outputs and gradients.
SPATIAL_PRIOR = 1e-5
#: 12, 13 maps in training mode.
TRAINING_MAP = 5e-5
#: 12 L2 of gradients, relative, where it is above LARGE_GRADIENT: median and largest.
GRADIENT_MEDIAN, GRADIENT_LARGEST, LARGE_GRADIENT = 5e-6, 2e-3, 1e-2
#: 13 samples and L2 of gradients, largest difference / largest entry.
PATCH16_SAMPLES, PATCH16_GRADIENT = 5e-2, 1e-3
#: 20, 21 relative.
RATE = 1e-12
#: 23 by iteration.
LOSS = [5e-6, 2e-5, 1e-4]
STEP_GRADIENT_MEDIAN = [2e-6, 5e-6, 1e-3]
STEP_GRADIENT_LARGEST = [1e-4, 1e-2, 5e-2]
#: 23: 99 % of the parameters, absolute.
STEP_PARAMETER = [1e-8, 2e-6, 2e-5]
#: 23: running statistics and logits of a test after three iterations, as parameters then differ.
STATISTICS, TEST_LOGITS = 1e-4, 1e-3
