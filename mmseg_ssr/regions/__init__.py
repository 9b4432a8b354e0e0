"""Frozen sources of the regions from which SARFormer makes its queries."""
from .boxes import tidied
from .clusters import ClusterRegions
from .detectors import BoxSource, TorchvisionBoxes, build_box_source, register_box_source
from .regions import Regions
from .sam import SAMRegions
from .source import NoRegions, RegionSource, build_region_source, register_region_source

__all__ = ['BoxSource', 'ClusterRegions', 'NoRegions', 'RegionSource', 'Regions', 'SAMRegions',
           'TorchvisionBoxes',
           'build_box_source', 'build_region_source', 'register_box_source',
           'register_region_source', 'tidied']
