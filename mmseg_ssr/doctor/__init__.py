"""Faults of an installation, of weights and of data, in the order in which to mend them.

``mmseg-ssr doctor`` is the command. :mod:`.machine`, :mod:`.weights` and :mod:`.dataset` (with
:mod:`.pairs`, :mod:`.files` and :mod:`.statistics`) give findings. :mod:`.finding` orders them.
"""
from .dataset import examine_dataset, examine_datasets, examine_maps
from .finding import Finding, Stage, in_order
from .machine import examine_machine
from .weights import examine_weights

__all__ = ['Finding', 'Stage', 'examine_dataset', 'examine_datasets', 'examine_machine',
           'examine_maps', 'examine_weights', 'in_order']
