"""Data sets of domain adaptation. Importing this package registers them with mmseg."""
from .build import build_dataset
from .camvid import CamVidDataset
from .driving import (
    ACDCDataset,
    CityscapesSynthiaDataset,
    CrossCityDataset,
    GTADataset,
    SynthiaDataset,
)
from .folder import FolderDataset
from .pipelines.pseudo_margins import FormatValidPseudoMask, PseudoLabelMargins
from .uda_dataset import UDADataset

__all__ = ['ACDCDataset', 'CamVidDataset', 'CityscapesSynthiaDataset', 'CrossCityDataset',
           'FolderDataset', 'FormatValidPseudoMask', 'GTADataset', 'PseudoLabelMargins',
           'SynthiaDataset', 'UDADataset', 'build_dataset']
