"""Rows of the published tables train and test on drawn data in the true layouts, made small."""
import json
from dataclasses import replace

import pytest

from mmseg_ssr import experiments

TOOL = 'scripts.run_experiments'
SIZE, CROP = (64, 32), (32, 32)
#: DeepLabV2 on a narrow ResNet-18, for two iterations on small images.
TINY = {
    'model.pretrained': None, 'model.backbone.depth': 18, 'model.backbone.base_channels': 8,
    'model.backbone.stem_channels': 8, 'model.decode_head.in_channels': 64,
    'runner.max_iters': 2, 'checkpoint_config.interval': 2, 'evaluation.interval': 2,
    'data.workers_per_gpu': 0, 'report': False,
    'data.train.source.pipeline.2.img_scale': SIZE,
    'data.train.target.pipeline.1.img_scale': SIZE,
    **{f'data.{split}.pipeline.1.img_scale': SIZE for split in ('val', 'test')}}
CROPS = {
    'data.train.source.pipeline.3.crop_size': CROP, 'data.train.source.pipeline.6.size': CROP,
    'data.train.target.pipeline.2.crop_size': CROP, 'data.train.target.pipeline.5.size': CROP}


@pytest.fixture
def trained(tool, tmp_path, monkeypatch, capsys):
    """Trains rows of a table, made small, and returns the table of results and what was printed."""

    def train(id, data, rows, **overrides):
        monkeypatch.chdir(tmp_path)
        (tmp_path / 'data').symlink_to(data)
        table = experiments.by_id()[id]
        small = tuple(replace(row, seeds=(0, ), overrides={**row.overrides, **TINY, **overrides})
                      for row in table.rows if row.name in rows)
        monkeypatch.setattr(experiments, 'EXPERIMENTS', [replace(table, rows=small)])
        tool(TOOL).main(['--exp', id])
        printed = capsys.readouterr().out
        tool(TOOL).main(['--exp', id, '--results', '--json', 'all.json'])
        return (json.loads((tmp_path / 'all.json').read_text())['rows'],
                printed, capsys.readouterr().out)

    return train


def measured(row):
    return row['measured'][row['metric']]['mean']


def test_synthia_in_two_stages_over_16_and_13_classes(trained, layouts, tmp_path):
    rows, printed, results = trained('maxsquare-synthia', layouts, [
        'source', 'source_13', 'maxsquare_iw', 'maxsquare_iw_13'])
    assert printed.count(' is finished') == 2  # the rows of 13 classes train nothing
    assert sorted(path.name for path in (tmp_path / 'work_dirs/maxsquare-synthia').iterdir()
                  ) == ['maxsquare_iw_s0', 'source_s0']
    for sixteen, thirteen in (rows[:2], rows[2:]):
        ious = {name: score['mean'] for name, score in sixteen['measured'].items()
                if name.startswith('IoU.')}
        assert len(ious) <= 16 and not {'IoU.terrain', 'IoU.truck', 'IoU.train'} & set(ious)
        assert measured(sixteen) == pytest.approx(sum(ious.values()) / len(ious), abs=0.02)
        left = [iou for name, iou in ious.items() if name[4:] not in ('wall', 'fence', 'pole')]
        assert measured(thirteen) == pytest.approx(sum(left) / len(left), abs=0.02)
    assert '| maxsquare_iw_13 - source_13 | +12.6 | 0: ' in results
    assert '| maxsquare_iw | mIoU | 40.4 | ' in results


def test_cities_share_the_first_stage(trained, layouts, tmp_path):
    rows, printed, results = trained('maxsquare-crosscity', layouts, [
        'rome_source', 'rio_source', 'rio_maxsquare'])
    rome, source, rio = rows
    assert printed.count(' is finished') == 1
    assert (rome['metric'], source['metric'], rio['metric']) == ('0_mIoU', '1_mIoU', 'mIoU')
    gain = measured(rio) - measured(source)
    assert f'| rio_maxsquare - rio_source | +3.1 | 0: {gain:+.2f} |' in results
    folder = tmp_path / 'work_dirs/maxsquare-crosscity/rio_maxsquare_s0'
    logs = ''.join(log.read_text() for log in folder.glob('*.log'))  # the test may have its own
    assert 'load weights from work_dirs/maxsquare-crosscity/source_s0/latest.pth' in logs
    result = json.loads((folder / 'result.json').read_text())
    assert sum(name.startswith('IoU.') for name in result['scores']) == 13


def test_dacs_is_tested_with_corrected_predictions_too(trained, data, tmp_path):
    rows, printed, results = trained('label-shift', data, ['dacs', 'dacs_label_shift'], **CROPS)
    plain, shifted = rows
    assert [path.name for path in (tmp_path / 'work_dirs/label-shift').iterdir()] == ['dacs_s0']
    assert printed.count(' is finished') == 1
    assert f'\nlabel-shift_mIoU {measured(shifted):.2f} (published: 59.3)\n' in printed
    gain = measured(shifted) - measured(plain)
    assert f'| dacs_label_shift - dacs | +1.5 | 0: {gain:+.2f} |' in results
    assert '(92.9)' in results and '(95.0)' in results  # published IoU of the road
