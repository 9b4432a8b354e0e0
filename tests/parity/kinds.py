"""Which check runs a case, by the beginning of its name."""
from functools import partial
from typing import Callable, Dict

from . import inference, method_parts, networks, schedules, training
from .cases import Case
from .differences import Differences
from .training_run import modes_of

Check = Callable[[Case, Differences], None]

KINDS: Dict[str, Check] = {
    '01_': networks.check_backbone,
    '02_': networks.check_head,
    '03_sam_encoder': networks.check_sam_encoder,
    '03_ssr_branch': networks.check_ssr_branch,
    '04_block_mask': method_parts.check_block_mask,
    '04_class_mix': method_parts.check_class_mix,
    '04_ema': method_parts.check_ema,
    '04_feature_distance': method_parts.check_feature_distance,
    '04_learning_rate': schedules.check_learning_rate,
    '04_optimizer': schedules.check_optimizer,
    '04_pseudo_label': method_parts.check_pseudo_label,
    '04_rare_class_sampling': method_parts.check_rare_class_sampling,
    '04_strong_augmentation': method_parts.check_strong_augmentation,
    '06_': inference.check_inference,
}
TRAINING = '05_'


def checks_of(case: Case) -> Dict[str, Check]:
    """The checks of a case by their test id; trainings are run in several modes.

    Raises:
        LookupError: nobody knows this kind of case.
    """
    if case.name.startswith(TRAINING):
        return {f'{case.name}-{mode}': partial(training.check_training, mode=settings)
                for mode, settings in modes_of(case).items()}
    for beginning, check in KINDS.items():
        if case.name.startswith(beginning):
            return {case.name: check}
    raise LookupError(f'{case.path} is of no known kind: {sorted(KINDS)} or {TRAINING}')
