"""The recommendations of the data's README, which it derives from runs with other settings."""

#: Maps, queries, classes, masks, scores; largest difference / largest entry.
OUTPUT = 3e-5
#: Losses of a single step, relative.
LOSS = 1e-5
GRADIENT = 1e-4
#: Share of pixels whose class differs.
PIXELS = 1e-3
#: 08: losses, norm of the gradient, parameters.
STEP_LOSS, STEP_NORM, STEP_PARAMETER = 2e-4, 3e-3, 3e-4
