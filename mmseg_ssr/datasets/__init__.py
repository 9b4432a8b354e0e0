"""Data sets of domain adaptation. Importing this package registers them with mmseg."""
from .build import build_dataset
from .camvid import CamVidDataset
from .driving import (
    ACDCDataset,
    BDD100KDataset,
    CityscapesSynthiaDataset,
    CrossCityDataset,
    GTADataset,
    MapillaryDataset,
    SynscapesDataset,
    SynthiaDataset,
    WildDashDataset,
)
from .folder import FolderDataset
from .pipelines import (
    AntialiasedResize,
    FormatValidPseudoMask,
    PseudoLabelMargins,
    ResizeForScore,
)
from .uda_dataset import UDADataset

__all__ = ['ACDCDataset', 'AntialiasedResize', 'BDD100KDataset', 'CamVidDataset',
           'CityscapesSynthiaDataset', 'CrossCityDataset', 'FolderDataset',
           'FormatValidPseudoMask', 'GTADataset', 'MapillaryDataset', 'PseudoLabelMargins',
           'ResizeForScore', 'SynscapesDataset', 'SynthiaDataset', 'UDADataset',
           'WildDashDataset', 'build_dataset']
