"""How far a number may be from the published one: the recommendations of the data's README.

The README derives them from four runs of the reference (two thread counts, without oneDNN, in
float64). Where it recommends nothing, the tolerance is stated here with the noise it rests on.
"""
from typing import Sequence

#: 01, 03, 06: outputs, logits, gradients; largest difference / largest entry.
NETWORK = 2e-5
#: 01, 03: a sum that cancels, absolute.
SCALAR = 2e-3
#: 02: logits, losses; batch norm statistics after one step (measured 9e-8).
HEAD = 1e-5
#: 02: gradients, where a ReLU that flips moves a few entries; relative L2, largest.
HEAD_GRADIENT_L2 = 1e-3
HEAD_GRADIENT = 1e-2
#: Integers, masks, labels, classes: number of entries that differ.
EXACT = 0
#: Learning rates, relative.
RATE = 1e-12
#: 04: floats; colors after augmentation; probabilities of rare class sampling.
PART = 1e-6
AUGMENTATION = 2e-5
PROBABILITY = 3e-5
#: 06: share of pixels whose class differs.
PREDICTION = 1e-3

# 05, for iterations 0, 1, ...; rounding grows through Adam, batch norm, ReLU and ties of labels.
#: Every loss, relative.
LOSS = (2e-4, 2e-4, 3e-4, 5e-4, 1e-3)
#: Accuracy, in points of percent.
ACCURACY = 0.1
#: L2 of a parameter's gradient, relative: the median parameter and the worst one.
GRADIENT_MEDIAN = (3e-4, 1e-3, 2e-3, 4e-3, 6e-3)
GRADIENT = (5e-3, 1e-2, 1e-2, 3e-2, 4e-2)
#: Entries of gradients / the largest of all: as the worst parameter (measured 9e-4 to 8e-3).
GRADIENT_SAMPLES = GRADIENT
#: Parameters after the step, absolute: 99 % of the samples, all of them.
PARAMETER_MOST = (1e-9, 2e-5, 5e-5, 8e-5, 1e-4)
PARAMETER = (1e-9, 1e-4, 3e-4, 4e-4, 6e-4)
#: The teacher's logits; largest difference / largest entry.
TEACHER_LOGITS = (2e-5, 2e-5, 5e-5, 3e-4, 6e-4)
#: Pixels of an iteration: number above the threshold, number of another pseudo-label.
PSEUDO_SHARE_PIXELS = 4
PSEUDO_LABEL_PIXELS = 6
#: After the last iteration, absolute: teacher parameters, batch norm statistics.
TEACHER = 2e-4
BATCH_NORM = 1e-3
#: Mean, deviation and L2 of all parameters / the largest of these (measured 6e-6).
FINAL_STATISTICS = 2e-5

#: bf16 autocast, iteration 0: every loss, relative. Ours: bf16 has 8 bits, one rounding is 4e-3.
BF16_LOSS = 2e-2


def at(tolerances: Sequence[float], iteration: int) -> float:
    """The tolerance of an iteration; the last one holds for all that follow."""
    return tolerances[min(iteration, len(tolerances) - 1)]
