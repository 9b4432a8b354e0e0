"""Where the data sets are published and how their labels are made, for messages."""
from dataclasses import dataclass
from typing import Dict, Optional


@dataclass(frozen=True)
class Origin:
    """What a user has to know who lacks the files of a data set.

    Attributes:
        published: page and archives.
        converter: command that makes the train labels, followed by the data set's folder.
        raw_suffix: end of the names of the labels as published, which the converter reads.
    """

    published: str
    converter: Optional[str] = None
    raw_suffix: Optional[str] = None


#: Type of the data set in a config -> its origin.
ORIGINS: Dict[str, Origin] = {
    'GTADataset': Origin(
        published='https://download.visinf.tu-darmstadt.de/data/from_games/ '
                  '(01_images.zip..10_images.zip, 01_labels.zip..10_labels.zip)',
        converter='python tools/convert_datasets/gta.py', raw_suffix='.png'),
    'CityscapesDataset': Origin(
        published='https://www.cityscapes-dataset.com/downloads/ '
                  '(leftImg8bit_trainvaltest.zip, gtFine_trainvaltest.zip)',
        converter='python tools/convert_datasets/cityscapes.py',
        raw_suffix='_gtFine_labelIds.png'),
}
