"""CamVid in its true layouts: sequences, classes, scores, and the benchmarks on it."""
import numpy as np
import pytest
import tiny_training
from PIL import Image
from tiny_data import training_steps, write_image

from mmseg_ssr.datasets import build_dataset
from mmseg_ssr.errors import ConfigError, DataError, MissingFile
from mmseg_ssr.labels.camvid import CLASSES, GROUPS, PALETTE, ids_of


def camvid(root, split='train', **changes):
    return dict(dict(type='CamVidDataset', data_root=str(root), img_dir=split,
                     ann_dir=f'{split}annot', pipeline=training_steps()), **changes)


def names(dataset):
    return [info['filename'] for info in dataset.img_infos]


def test_all_sequences_are_used_by_default(layouts):
    dataset = build_dataset(camvid(layouts / 'camvid'))
    assert names(dataset) == ['0001TP_000000.png', '0001TP_000001.png', '0006R0_f00000.png',
                              '0016E5_00000.png']
    assert tuple(dataset.CLASSES) == CLASSES and dataset.PALETTE == [list(c) for c in PALETTE]
    assert dataset[0]['gt_semantic_seg'].data.shape[0] == 1


def test_sequences_are_chosen_by_name(layouts):
    dataset = build_dataset(camvid(layouts / 'camvid', sequences=['0006R0', '0016E5']))
    assert names(dataset) == ['0006R0_f00000.png', '0016E5_00000.png']


def test_an_unknown_sequence_is_named(layouts):
    with pytest.raises(ConfigError, match="sequences holds '0006RO', did you mean '0006R0'"):
        build_dataset(camvid(layouts / 'camvid', sequences=['0006RO']))


@pytest.mark.parametrize('wrong', [[], '0001TP'])
def test_sequences_are_a_list(layouts, wrong):
    with pytest.raises(ConfigError, match='sequences must be a list of some of 0001TP, '):
        build_dataset(camvid(layouts / 'camvid', sequences=wrong))


def test_the_classes_are_no_option(layouts):
    with pytest.raises(ConfigError, match="unexpected keyword argument 'classes'"):
        build_dataset(camvid(layouts / 'camvid', classes=['road', 'car']))


def test_a_sequence_that_the_folder_lacks(layouts):
    with pytest.raises(MissingFile, match=r"val holds no frame of sequences=\['0001TP'\], only of "
                                          r"\['0016E5'\]"):
        build_dataset(camvid(layouts / 'camvid', 'val', sequences=['0001TP']))


def test_missing_data_names_its_address(tmp_path):
    with pytest.raises(MissingFile, match='published at https://github.com/alexgkendall/SegNet'):
        build_dataset(camvid(tmp_path))


def test_values_are_the_classes_and_11_is_ignored(tmp_path):
    write_image(tmp_path / 'train/0001TP_006690.png', 4, 12)
    (tmp_path / 'trainannot').mkdir()
    path = tmp_path / 'trainannot/0001TP_006690.png'
    values = np.tile(np.arange(12, dtype=np.uint8), (4, 1))
    Image.fromarray(values).save(path)
    dataset = build_dataset(camvid(tmp_path), test_mode=True)
    assert dataset.get_gt_seg_map_by_idx(0)[0].tolist() == [*range(11), 255]
    Image.fromarray(values + 1).save(path)
    with pytest.raises(DataError, match="holds id 12, which the data set does not know: expected "
                                         "SegNet's ids 0 to 11"):
        dataset.get_gt_seg_map_by_idx(0)


def test_the_colors_of_the_own_release(tmp_path):
    write_image(tmp_path / '701_StillsRaw_full/0016E5_00390.png', 1, 32)
    (tmp_path / 'LabeledApproved_full').mkdir()
    colors = [(value, color) for value, name in enumerate(CLASSES)
              for color in GROUPS[name].values()] + [(255, (0, 0, 0))]
    Image.fromarray(np.array([[color for _, color in colors]] * 1, np.uint8).repeat(2, 0)).save(
        tmp_path / 'LabeledApproved_full/0016E5_00390_L.png')
    dataset = build_dataset(camvid(
        tmp_path, img_dir='701_StillsRaw_full', ann_dir='LabeledApproved_full',
        seg_map_suffix='_L.png'), test_mode=True)
    assert dataset.get_gt_seg_map_by_idx(0)[0].tolist() == [value for value, _ in colors]


def scores(dataset, wrong):
    predictions = []
    for i in range(len(dataset)):
        label = dataset.get_gt_seg_map_by_idx(i).astype(np.int64)
        predictions.append(np.full_like(label, 4) if i == wrong else np.where(label == 255, 0,
                                                                              label))
    return dataset.evaluate(dataset.pre_eval(predictions, list(range(len(dataset)))), 'mIoU',
                            'silent')


def test_each_sequence_has_a_score(layouts):
    dataset = build_dataset(camvid(layouts / 'camvid', 'test'), test_mode=True)
    assert names(dataset) == ['0001TP_000000.png', 'Seq05VD_f00000.png']
    values = scores(dataset, wrong=0)
    assert values['mIoU.Seq05VD'] == 1 > values['mIoU'] > values['mIoU.0001TP']
    alone = build_dataset(camvid(layouts / 'camvid', 'test', sequences=['0001TP']), test_mode=True)
    assert not [name for name in scores(alone, wrong=0) if name.startswith('mIoU.')]


@pytest.fixture
def benchmark(layouts, tmp_path):
    """The data section of a benchmark over drawn copies, a sixteenth as large."""

    def read(name):
        for link, folder in (('camvid', 'camvid'), ('streets_480x360/gta', 'gta')):
            (tmp_path / link).parent.mkdir(exist_ok=True)
            if not (tmp_path / link).exists():
                (tmp_path / link).symlink_to(layouts / folder)
        return tiny_training.benchmark_data(tmp_path, name)

    return read


@pytest.mark.parametrize('name, source, target, test', [
    ('uda_camvid_dusk', ['0006R0_f00000.png', '0016E5_00000.png'],
     ['0001TP_000000.png', '0001TP_000001.png'], ['0001TP_000000.png']),
    ('uda_streets_to_camvid', ['00001.png', '00002.png'],
     ['0001TP_000000.png', '0001TP_000001.png', '0006R0_f00000.png', '0016E5_00000.png'],
     ['0001TP_000000.png', 'Seq05VD_f00000.png'])])
def test_the_benchmarks_load(benchmark, name, source, target, test):
    cfg = benchmark(name)
    pairs = build_dataset(cfg.data.train, need_labels=False)
    score = build_dataset(cfg.data.test, test_mode=True)
    assert (names(pairs.source), names(pairs.target), names(score)) == (source, target, test)
    assert 'ann_dir' not in cfg.data.train.target
    sample = pairs[0]
    assert sample['img'].data.shape == sample['target_img'].data.shape == (3, 12, 16)
    found = set(sample['gt_semantic_seg'].data.unique().tolist())
    assert found <= {*range(11), 255} and min(found) < 255
    assert tuple(pairs.CLASSES) == tuple(score.CLASSES) == CLASSES


def test_streets_is_read_in_the_classes_of_camvid(benchmark):
    classes = benchmark('uda_streets_to_camvid').data.train.source.classes
    assert [(c.name, tuple(c.color), tuple(c.ids)) for c in classes] == [
        (name, color, ids_of(name)) for name, color in zip(CLASSES, PALETTE)]
