"""The tables of the papers and of this repository as data: configs, seeds and expected numbers."""
from typing import Dict, List

from . import camvid, gta, other_benchmarks, sarformer, streets, target_losses, vfmpp
from .table import NOT_CHECKED, Experiment, Row

__all__ = ['EXPERIMENTS', 'Experiment', 'NOT_CHECKED', 'Row', 'by_id']

#: All tables, in the order in which they are listed.
EXPERIMENTS: List[Experiment] = [
    *streets.EXPERIMENTS, *camvid.EXPERIMENTS, *gta.EXPERIMENTS,
    *target_losses.EXPERIMENTS, *other_benchmarks.EXPERIMENTS,
    *sarformer.EXPERIMENTS, *vfmpp.EXPERIMENTS]


def by_id() -> Dict[str, Experiment]:
    """Return the experiments by their ids."""
    return {experiment.id: experiment for experiment in EXPERIMENTS}
