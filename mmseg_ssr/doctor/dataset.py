"""Checks of a config's data sets: folders, pairs, files, counts, class statistics."""
import os
from dataclasses import dataclass, field
from typing import Callable, Dict, Iterable, Iterator, List, Mapping, Optional, Tuple

from mmcv import Config

from ..datasets.build import build_dataset, missing_image_folders
from ..datasets.class_presence import hint_at_255
from ..datasets.pipelines.checked_loading import leaf_datasets
from ..datasets.pipelines.encoder_maps import FOLDER
from ..datasets.pipelines.image_loading import split_pipeline
from ..domains.published import ORIGINS, published_at
from ..engine.config.values import dataset_configs
from ..engine.whole_image_maps import check
from ..errors import UserError, one_line
from ..labels.statistics import EMPTY_SHARE
from ..utils.parallel import Progress, parallel_map
from .files import Examiner, Pair, Seen, empty_share
from .finding import Finding, Stage
from .pairs import labels_alone, other_endings, pairs_of
from .statistics import class_shares, examine_statistics


@dataclass
class Report:
    """The state of a data set.

    Attributes:
        key: key in the config, such as ``data.train.source``.
        name: type of the data set.
        images, labels: number of images and of labels.
        read: number of pairs that were read.
        pixels: class -> its share of the labeled pixels that were read, empty without labels.
    """

    key: str
    name: str
    images: int = 0
    labels: int = 0
    read: int = 0
    pixels: Dict[str, float] = field(default_factory=dict)
    findings: List[Finding] = field(default_factory=list)


def examine_datasets(configs: Iterable[Config], workers: int = 1, sample: Optional[int] = None,
                     progress: Optional[Callable[[str], Progress]] = None) -> Iterator[Report]:
    """Examine all data sets that configs name, each of them once.

    Args:
        workers: number of processes that read files.
        sample: number of pairs of a data set to read, evenly spread; None reads all. Names are
            compared in any case.
        progress: makes a progress bar for the key of a data set.
    """
    for key, config in _once(configs):
        yield examine_dataset(key, config, workers, sample, progress and progress(key))


def _once(configs: Iterable[Config]) -> Iterable[Tuple[str, Dict]]:
    """(key, config) of each data set, reduced to the settings that reading its files depends on."""
    chosen: Dict[str, Tuple[str, Dict]] = {}
    for cfg in configs:
        for key, config in dataset_configs(cfg):
            unread = {'pipeline', 'test_mode', 'crop_pseudo_margins', FOLDER}
            if '.target' in key:
                unread.add('ann_dir')  # training never reads it
            loading = split_pipeline(config.get('pipeline') or [])
            config = {name: value for name, value in config.items() if name not in unread}
            config['pipeline'] = [*loading.images, *loading.own_labels]
            files = repr(sorted(config.items()))
            # the data set refuses labels that are loaded in a way that does not fit
            config['pipeline'] = [*loading.images, *loading.labels]
            if files not in chosen or '.source' in key:  # a source's statistics are examined
                chosen[files] = key, config
    return chosen.values()


def examine_maps(configs: Iterable[Config]) -> Iterator[Finding]:
    """Yield faults of the encoder's maps. Missing ones are none: a training makes them."""
    for cfg in configs:
        try:
            check(cfg, made=False)
        except UserError as error:
            yield Finding(Stage.FOLDERS, 'maps cannot be used', cfg.filename, one_line(error),
                          'maps that this config can use, or none yet',
                          'change the config or the folder as the error says')


def examine_dataset(key: str, config: Mapping, workers: int = 1, sample: Optional[int] = None,
                    progress: Optional[Progress] = None) -> Report:
    """Examine one data set, see :func:`examine_datasets`. A source's statistics are included."""
    report = Report(key, config['type'])
    try:
        report.findings = [Finding(
            Stage.FOLDERS, 'image folder is missing', folder, f'no such folder, {key} names it',
            f'the images of {report.name}', f'put the data set there{published_at(report.name)}')
            for folder in missing_image_folders(config)]
        if not report.findings:
            dataset = build_dataset(config, test_mode=True, need_labels=False)
            for leaf in leaf_datasets(dataset):
                _examine_leaf(leaf, config, report, workers, sample, progress)
    except UserError as error:
        report.findings.append(Finding(Stage.FOLDERS, 'data set cannot be used', key,
                                       one_line(error), 'images that are there', 'as it says'))
    return report


def published_images(config: Mapping) -> Optional[int]:
    """Published number of images in the folder of a data set's config."""
    folder = '/' + str(config.get('img_dir', '')).strip('/')
    origin = ORIGINS.get(config['type'])
    fitting = {end: n for end, n in (origin.images if origin else {}).items()
               if folder.endswith(f'/{end}')}
    return fitting[max(fitting, key=len)] if fitting else None


def _examine_leaf(dataset, config: Mapping, report: Report, workers: int, sample: Optional[int],
                  progress: Optional[Progress]) -> None:
    """Examine one data set over files, without wrappers."""
    examiner = Examiner.of(dataset)
    pairs, findings = pairs_of(dataset, examiner)
    findings += _compare_counts(dataset, config, len(pairs))
    chosen = pairs if sample is None else _spread(pairs, sample)
    seen = parallel_map(examiner, chosen, workers, progress)
    findings += [finding for one in seen for finding in one.findings]
    labels = [pair.label for pair in pairs if pair.label is not None]
    trained = {pair.label: one.trained for pair, one in zip(chosen, seen)
               if one.trained is not None}
    report.images += len(pairs)
    report.labels += len(labels)
    report.read += len(chosen)
    if trained:
        report.pixels = class_shares(dataset, trained)
        findings += _look_at_all(dataset, report, seen, whole=len(trained) == len(pairs))
    findings += _compare_sizes(dataset, chosen, seen)
    if '.source' in report.key and labels:
        findings += examine_statistics(dataset, labels, trained, examiner)
    report.findings += findings


def _spread(pairs: List[Pair], count: int) -> List[Pair]:
    """``count`` of the pairs, evenly spread, or all if there are fewer."""
    count = min(count, len(pairs))
    return [pairs[i * len(pairs) // count] for i in range(count)]


def _compare_counts(dataset, config: Mapping, images: int) -> List[Finding]:
    findings = []
    published = published_images(config)
    if published not in (None, images) and not _takes_a_part(dataset):
        findings.append(Finding(
            Stage.FOLDERS, 'another number of images than published', dataset.img_dir,
            f'{images} images', f'{published} images', 'unless it is a part on purpose, unpack all '
            f'archives of {ORIGINS[config["type"]].published}', True))
    if _takes_all_of_its_folders(dataset, config):
        findings += [*other_endings(dataset), *labels_alone(dataset)]
    return findings


def _takes_a_part(dataset) -> bool:
    """Whether it leaves out files on purpose."""
    return dataset.split is not None or getattr(dataset, 'takes_a_part', False)


def _takes_all_of_its_folders(dataset, config: Mapping) -> bool:
    """Whether it uses all files: no list, condition or rule selects, and folders are not shared."""
    folder = os.path.join(dataset.data_root or '', str(config.get('img_dir')))
    return (folder == dataset.img_dir and not _takes_a_part(dataset) and not (
        dataset.ann_dir and os.path.realpath(dataset.ann_dir) == os.path.realpath(folder)))


def _compare_sizes(dataset, pairs: List[Pair], seen: List[Seen]) -> List[Finding]:
    """Compare with the published image size, in one finding: usually a whole copy is smaller."""
    origin = ORIGINS.get(type(dataset).__name__)
    if origin is None or origin.size is None:
        return []
    others = [(pair.image, one.size) for pair, one in zip(pairs, seen)
              if one.size not in (None, origin.size)]
    if not others:
        return []
    sizes = ['{} x {} pixels'.format(*size) for size in (others[0][1], origin.size)]
    return [Finding(
        Stage.CONTENT, 'images of another size than published', dataset.img_dir,
        f'{len(others)} of {len(pairs)} that were read, the first: {others[0][0]} of {sizes[0]}',
        sizes[1], 'unless it is a copy of another size on purpose, whose scores are not '
        'comparable, unpack the archives again', True)]


def _look_at_all(dataset, report: Report, seen: List[Seen], whole: bool) -> List[Finding]:
    """Findings that only all labels together show."""
    findings = []
    share = empty_share(seen)
    if share > EMPTY_SHARE:
        findings.append(Finding(
            Stage.CONTENT, 'most labels are all ignored', dataset.ann_dir,
            f'{100 * share:.0f} % of the labels that were read hold no class',
            'classes to learn from', 'check the format of the published labels, delete the train '
            'labels and make them anew'))
    origin = ORIGINS.get(type(dataset).__name__)
    absent = [name for name, pixels in report.pixels.items()
              if not pixels and not (origin and name in origin.absent)]
    if whole and absent:
        findings.append(Finding(
            Stage.CONTENT, 'a class never occurs', dataset.ann_dir, f'no pixel of '
            f'{", ".join(absent)}', f'all {len(dataset.CLASSES)} classes', 'nothing if the data '
            'set has none of it; else ' + (hint_at_255(dataset, absent)
                                           or 'look at the ids in the labels'), True))
    return findings
