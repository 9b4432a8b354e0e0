"""An image and its label, read and compared in worker processes."""
import os
import re
from dataclasses import dataclass, field
from typing import Callable, Dict, List, NamedTuple, Optional, Tuple

from PIL import Image, UnidentifiedImageError

from ..datasets.pipelines.antialiased_resize import same_aspect
from ..datasets.pipelines.checked_loading import image_step
from ..datasets.pipelines.image_loading import CheckedImage, load_file, picture
from ..datasets.source_statistics import as_trained, label_counter
from ..domains.published import ORIGINS
from ..errors import RefusedFile, UnknownValue, UserError, one_line, said
from ..labels.conversion import CITYSCAPES, CONVERTED, SYNTHIA, Format
from ..labels.files import image_size
from ..labels.image_header import OtherBands
from ..labels.statistics import Counts
from ..utils.paths import check_file
from .finding import Finding, Stage

#: Formats of published labels that are not read as those of Cityscapes.
FORMATS: Dict[str, Format] = {'SynthiaDataset': SYNTHIA}
NO_IMAGE = 'no image'
#: Start of the advice in our messages about labels.
REST = re.compile(r', (?:expected|which|whose|it is) ')


class Pair(NamedTuple):
    """Paths of an image, of its label, and of the published label if there is no other yet."""

    image: str
    label: Optional[str] = None
    raw: Optional[str] = None


@dataclass
class Seen:
    """The content of an image and its label."""

    findings: List[Finding] = field(default_factory=list)
    size: Optional[Tuple[int, int]] = None
    counts: Optional[Counts] = None
    trained: Optional[Counts] = None


@dataclass
class Meaning:
    """Turns the values in labels into classes. Processes exchange it faster than a data set."""

    CLASSES: Tuple[str, ...]
    label_map: Optional[Dict[int, int]]
    reduce_zero_label: bool
    class_table: Optional[object]
    ignore_index: int
    loading: Tuple


@dataclass
class Examiner:
    """Reads pairs. It can be pickled.

    Attributes:
        load: loads an image as the data set's pipeline does.
        count: counts the values in a label file, see :func:`.label_counter`.
        meaning: turns these values into classes.
        published: format of published labels.
        fetch: how to download published files again.
        convert: how to convert a label again, or None if published labels are used directly.
        resizes: whether labels may be smaller than their images.
    """

    load: CheckedImage
    count: Callable
    meaning: Meaning
    published: Format
    fetch: str
    convert: Optional[str]
    resizes: bool = False

    @classmethod
    def of(cls, dataset) -> 'Examiner':
        """Make an examiner for the files of a built data set."""
        name = type(dataset).__name__
        meaning = Meaning(tuple(dataset.CLASSES), getattr(dataset, 'label_map', None),
                          getattr(dataset, 'reduce_zero_label', False),
                          getattr(dataset, 'class_table', None), dataset.ignore_index,
                          getattr(dataset, 'loading', (None, None)))
        origin = ORIGINS.get(name)
        fetch = (f'unpack the files again, they are published at {origin.published}' if origin
                 else 'copy the files again from where they are whole')
        makes = (origin and origin.converter and dataset.ann_dir
                 and dataset.seg_map_suffix.endswith(CONVERTED))
        return cls(image_step(dataset), label_counter(dataset), meaning,
                   FORMATS.get(name, CITYSCAPES), fetch,
                   origin.command(dataset) if makes else None,
                   getattr(dataset, 'resizes_labels', False))

    def __call__(self, pair: Pair) -> Seen:
        seen = Seen()
        self._image(pair.image, seen)
        if pair.raw is not None:
            self._published_label(pair.raw, seen)
        if pair.label is not None:
            self._label(pair, seen)
        return seen

    def _image(self, path: str, seen: Seen) -> None:
        try:
            image = load_file(self.load, path)['img']
            fault = damage(path)
            fault = None if fault == NO_IMAGE else fault  # of a kind that Pillow does not know
        except (OtherBands, RefusedFile) as error:
            self._add_told(error, 'image', path, seen)
            return
        except UserError as error:
            fault = damage(path) or _what(error, path)
        if fault:
            seen.findings.append(Finding(
                Stage.FILES, 'image cannot be read', path, fault, 'a whole image', self.fetch))
            return
        seen.size = image.shape[1], image.shape[0]
        # A few pixels suffice to recognize nearly all images that have more than one color.
        if all((part == image[0, 0]).all() for part in (image[::16, ::16], image)):
            seen.findings.append(Finding(
                Stage.CONTENT, 'image is of a single color', path,
                f'all pixels are {picture(image)[0, 0].tolist()}', 'a scene',
                'leave it if it was published so; a list of the other images as split=FILE in the '
                'config leaves it out', True))

    def _published_label(self, path: str, seen: Seen) -> None:
        """Check that the converter can read the label."""
        try:
            self.published.read(path)
        except UserError as error:
            seen.findings.append(Finding(
                Stage.FILES, 'published label cannot be read', path, _what(error, path),
                'a label as published', self.fetch))

    def _label(self, pair: Pair, seen: Seen) -> None:
        path, fault = pair.label, None
        try:
            check_file(path, 'label')
            fault = damage(path)
            if not fault:
                seen.counts = self.count(path)
                seen.trained = as_trained(seen.counts, self.meaning, path)
        except UnknownValue as error:
            seen.findings.append(Finding(
                Stage.CONTENT, 'label holds values that are no class', path, _what(error, path),
                'classes and what is ignored', self._other_label()
                if self.meaning.class_table is None else
                'name the value in classes or ignore of the config, or mend the label'))
        except RefusedFile as error:
            self._add_told(error, 'label', path, seen)
            return
        except UserError as error:
            fault = _what(error, path)
        if fault:
            self._add_unusable(path, fault, seen)
            return
        self._compare_sizes(pair, seen)
        if seen.trained == {}:
            seen.findings.append(Finding(
                Stage.CONTENT, 'label is all ignored', path, 'no pixel of any class', 'classes',
                'look at it: a label of the wrong format looks like this, an empty scene too',
                True))

    @staticmethod
    def _add_told(error: UserError, what: str, path: str, seen: Seen) -> None:
        """Add a fault whose error says what to do."""
        found, _, mend = one_line(error).removeprefix(f'{what} {path} ').partition(': ')
        seen.findings.append(Finding(
            Stage.FILES, f'{what} is not read', path, found,
            f'{"an image of colors" if what == "image" else "a label"} of 8 bits', mend))

    def _add_unusable(self, path: str, fault: str, seen: Seen) -> None:
        stage = Stage.CONVERSION if self.convert else Stage.FILES
        seen.findings.append(Finding(
            stage, 'label cannot be used', path, fault,
            'a whole PNG of one 8-bit channel' + (
                '' if self.meaning.class_table is None else ', or of 16 bits, or of colors'),
            self._other_label()))

    def _compare_sizes(self, pair: Pair, seen: Seen) -> None:
        size = image_size(pair.label, turned=False)
        if seen.size is None or size == seen.size or (
                self.resizes and same_aspect(size, seen.size)):
            return
        seen.findings.append(Finding(
            Stage.CONTENT, 'label and image differ in size', pair.label,
            f'{size[0]} x {size[1]} pixels, its image {pair.image} has {seen.size[0]} x '
            f'{seen.size[1]}', 'one size', self.fetch + (
                f', delete the train labels and run: {self.convert}' if self.convert else '')))

    def _other_label(self) -> str:
        """How to get a label in place of a wrong one."""
        if self.convert:
            return f'delete the files named here, then run: {self.convert}'
        return self.fetch


def damage(path: str) -> Optional[str]:
    """Why an image file cannot be read to its end, or None if it can.

    OpenCV silently returns the rows before the damage, and no image reader compares the checksums
    of PNG's parts.
    """
    try:
        with open(path, 'rb') as file, Image.open(file) as image:
            if image.format == 'PNG':
                image.verify()
            else:
                image.load()
    except UnidentifiedImageError:
        return NO_IMAGE if os.path.getsize(path) else 'an empty file'
    except Exception as error:  # damage makes Pillow raise errors of any kind
        return getattr(error, 'strerror', None) or said(error)
    return None


def _what(error: UserError, path: str) -> str:
    """The fault alone, without the name of the file and the advice."""
    text = one_line(error)
    for start in (f'label {path} ', f'image {path} '):
        text = text.removeprefix(start)
    return REST.split(text)[0]


def empty_share(seen: List[Seen]) -> float:
    """Share of labels without any class, among the readable ones."""
    labels = [one.trained for one in seen if one.trained is not None]
    return sum(not counts for counts in labels) / len(labels) if labels else 0.0
