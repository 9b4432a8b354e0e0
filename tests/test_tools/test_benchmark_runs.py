"""Benchmarks from training to score and archive, and their scores in mmseg's own test script."""
import json
import re
import zipfile

import pytest
import tiny_training
import torch

from mmseg_ssr.engine.build import build_test_dataset, build_test_model
from mmseg_ssr.engine.experiments.run import train_and_test

TOOL = 'test'
SETS = {
    'synthia': dict(type='CityscapesSynthiaDataset', img_dir='leftImg8bit/val',
                    ann_dir='gtFine/val'),
    'acdc': dict(type='ACDCDataset', img_dir='rgb_anon/val', ann_dir='gt/val'),
    'dark_zurich': dict(type='DarkZurichDataset', img_dir='rgb_anon/val', ann_dir='gt/val'),
}


@pytest.fixture
def untrained(layouts, config, tmp_path):
    """``untrained(name)``: config file and checkpoint of a random network for a data set."""

    def make(name):
        folder = 'cityscapes' if name == 'synthia' else name
        val = dict(SETS[name], data_root=f'{layouts}/{folder}',
                   pipeline=tiny_training.test_steps())
        cfg = config(dict(tiny_training.schedule(2), model=tiny_training.tiny_model(),
                          data=dict(samples_per_gpu=1, workers_per_gpu=0, val=val, test=val)))
        torch.manual_seed(0)
        dataset = build_test_dataset(cfg)
        torch.save(dict(meta=dict(CLASSES=dataset.CLASSES, PALETTE=dataset.PALETTE),
                        state_dict=build_test_model(cfg).state_dict()), tmp_path / 'net.pth')
        return cfg.filename, str(tmp_path / 'net.pth')

    return make


@pytest.mark.parametrize('name, classes, score', [
    ('uda_synthia_to_cityscapes_512x512', 19, 'mIoU16'),
    ('uda_cityscapes_to_acdc_512x512', 19, 'mIoU.night'),
    ('uda_cityscapes_to_darkzurich_512x512', 19, 'mIoU'),
    ('uda_cityscapes_to_crosscity_512x512', 13, 'IoU.bicycle'),
    ('uda_own_512x512', 7, 'IoU.vehicle'),
    ('uda_synthiaHR_to_cityscapesHR_1024x1024_vfmudapp', 19, '1_mIoU16'),
    ('uda_cityscapesHR_to_darkzurichHR_1024x1024_vfmudapp', 19, '0_mIoU'),
    ('uda_synth_to_real_1024x1024_vfmudapp', 19, '3_mIoU')])
def test_two_iterations_of_each(layouts, config, tmp_path, name, classes, score):
    sections = tiny_training.method_config(layouts, 2)
    sections['data'] = tiny_training.benchmark_data(layouts, name).data.to_dict()
    sections['model']['decode_head']['num_classes'] = classes
    result = train_and_test(config(sections), str(tmp_path / 'run'), torch.device('cpu'))
    assert 0 <= result['scores'][score] <= 100 and result['iterations'] == 2


def run(tool, *arguments):
    tool(TOOL).main([str(argument) for argument in arguments])


def test_synthia_has_three_means_in_the_stock_script_too(untrained, tool, stock, capfd):
    files = untrained('synthia')
    run(tool, *files, '--eval', 'mIoU')
    means = re.compile(r'\| +(mIoU\d*) +\| +(\d+) +\| +([\d.]+) +\| +([\d.]+) +\|')
    ours = means.findall(capfd.readouterr().out)
    assert [row[:2] for row in ours] == [('mIoU', '19'), ('mIoU16', '16'), ('mIoU13', '13')]
    assert float(ours[1][2]) > 0
    output = stock('test.py', *files, '--eval', 'mIoU', '--cfg-options', 'data.workers_per_gpu=1',
                   '--work-dir', files[1] + '.scores')
    assert means.findall(output) == ours


def test_acdc_has_a_score_for_each_condition(untrained, tool, capfd, tmp_path):
    run(tool, *untrained('acdc'), '--eval', 'mIoU', '--work-dir', tmp_path)
    assert re.search('class .* fog .* night .* rain .* snow .* all', capfd.readouterr().out)
    metric = json.loads((tmp_path / 'eval.json').read_text())['metric']
    assert {'mIoU', 'mIoU.fog', 'mIoU.night', 'mIoU.rain', 'mIoU.snow'} <= set(metric)


@pytest.mark.parametrize('name, count', [('acdc', 4), ('dark_zurich', 3)])
def test_the_archive_of_the_test_split(untrained, tool, capfd, tmp_path, monkeypatch, name, count):
    monkeypatch.chdir(tmp_path)
    run(tool, *untrained(name), '--test-set', '--format-only', '--zip', 'a.zip')
    with zipfile.ZipFile('a.zip') as archive:
        assert len(archive.namelist()) == count
    assert 'a.zip is checked and packed' in capfd.readouterr().out


def test_the_archive_needs_predictions_and_a_server(untrained, fails, layouts):
    files = untrained('acdc')
    assert '--zip packs what --format-only writes' in fails(
        TOOL, *files, '--eval', 'mIoU', '--zip', 'a.zip')
    assert 'no server for CrossCityDataset' in fails(
        TOOL, *files, '--format-only', '--zip', 'a.zip', '--cfg-options',
        'data.test.type=CrossCityDataset', f'data.test.data_root={layouts}/NTHU_Datasets/Rio',
        'data.test.img_dir=Images/Test')
