"""A message is right when following it mends the fault: each is followed here."""
import re

import pytest
import tiny_training

from mmseg_ssr.engine.checkpoint.files import read_checkpoint

HEAD = dict(channels=8, num_classes=19, align_corners=False, dropout_ratio=0.1,
            norm_cfg=dict(type='BN', requires_grad=True))
TWO_HEADS = [
    dict(type='FCNHead', in_channels=64, in_index=3, num_convs=1, concat_input=False, **HEAD),
    dict(type='OCRHead', in_channels=64, in_index=3, ocr_channels=8, **HEAD)]
ENC_HEAD = dict(type='EncHead', in_channels=[8, 16, 40, 64], in_index=[0, 1, 2, 3], num_codes=4,
                loss_se_decode=dict(type='CrossEntropyLoss', use_sigmoid=True), **HEAD)


@pytest.fixture
def trains(tool, fails, config_file, tmp_path):
    """Trains for two iterations, or returns the error that ends it."""
    arguments = ['--device', 'cpu', '--no-validate']

    def run(sections, *options, mended=False, folder='run'):
        command = [config_file(sections), '--work-dir', str(tmp_path / folder), *options]
        if not mended:
            return fails('scripts.train', *command, *arguments)
        tool('scripts.train').main([*command, *arguments])
        return ''

    return run


def change(sections, path, value):
    *parts, last = path.split('.')
    for part in parts:
        sections = sections[int(part) if part.isdigit() else part]
    sections[last] = value


METHOD, PLAIN = tiny_training.method_config, tiny_training.supervised_config
FUSION = 'model.decode_head.decoder_params.fusion_cfg'


@pytest.mark.parametrize('make, fault, message, mend', [
    (METHOD, {'model.decode_head.loss_decode.class_weight': [1.] * 5},
     r'model.decode_head.loss_decode.class_weight has 5 numbers, but model.decode_head.num_classes '
     'is 19: give one for each class', {'model.decode_head.loss_decode.class_weight': [1.] * 19}),
    (PLAIN, {'model.decode_head.loss_decode.class_weight': [1.] * 20},
     'class_weight has 20 numbers', {'model.decode_head.loss_decode.class_weight': [1.] * 19}),
    (METHOD, {'model.type': 'CascadeEncoderDecoder', 'model.decode_head': TWO_HEADS,
              'model.num_stages': 2},
     r'CascadeEncoderDecoder has 2 decode heads \(FCNHead, OCRHead\).*remove uda and train on the '
     'source alone', {'uda': None, 'data.train': 'source', 'optimizer_config': {}}),
    (METHOD, {'uda': None}, 'data.train is a UDADataset, .*set data.train to its source',
     {'data.train': 'source', 'optimizer_config': {}}),
    (METHOD, {'model.decode_head': dict(ENC_HEAD, use_se_loss=True)},
     r'EncHead gives 2 outputs .*turn the others off \(EncHead: use_se_loss=False\)',
     {'model.decode_head.use_se_loss': False}),
    (PLAIN, {'optimizer_config': dict(type='Fp16OptimizerHook', loss_scale=512.)},
     "optimizer_config.type asks for mmcv's mixed precision.*uda=dict",
     {'optimizer_config': None, 'uda': dict(type='DACS', source_only=True,
                                            amp=dict(dtype='bfloat16'))}),
    (PLAIN, {'fp16': dict(loss_scale=512.)}, "fp16 asks for mmcv's mixed precision",
     {'fp16': None, 'optimizer_config': None,
      'uda': dict(type='DACS', source_only=True, amp=dict(dtype='bfloat16'))}),
    (PLAIN, {f'{FUSION}.pool': True, 'data.samples_per_gpu': 1},
     'a batch norm gets one value per channel.*set data.samples_per_gpu to at least 2',
     {'data.samples_per_gpu': 2}),
    (METHOD, {f'{FUSION}.pool': True, 'data.samples_per_gpu': 1}, 'turn the pooling off',
     {f'{FUSION}.pool': False}),
    (PLAIN, {f'{FUSION}.pool': True, 'data.samples_per_gpu': 1}, 'give that head norm_cfg=None',
     {f'{FUSION}.norm_cfg': None}),
    (PLAIN, {'model.decode_head.in_channels': [8, 16, 40, 65]},
     'compare in_channels and in_index of the heads with the backbone',
     {'model.decode_head.in_channels': [8, 16, 40, 64]}),
    (PLAIN, {'optimizer.lr': 1e30, 'runner.max_iters': 4}, r'clip gradients '
     r'\(optimizer_config.grad_clip=dict\(max_norm=10\)\) or leave such updates out '
     r"\(optimizer_config.not_finite='skip'\)", {'optimizer_config.not_finite': 'skip'}),
    (METHOD, {'optimizer.lr': 1e30}, r"leave such updates out \(uda.not_finite='skip'\)",
     {'uda.not_finite': 'skip'}),
    (PLAIN, {'optimizer_config.grad_clip': dict(max_norm='a')},
     r'optimizer_config.grad_clip.max_norm must be a number above 0, .*\(optimizer_config in ',
     {'optimizer_config.grad_clip': dict(max_norm=1)}),
])
def test_following_it_mends_the_fault(data, trains, make, fault, message, mend):
    sections = make(data)
    for path, value in fault.items():
        change(sections, path, value)
    assert re.search(message, trains(sections))
    for path, value in mend.items():
        source = sections['data']['train'].get('source')
        change(sections, path, source if value == 'source' else value)
    trains(sections, mended=True, folder='mended')


@pytest.fixture
def begun(data, trains, tmp_path):
    trains(PLAIN(data, 2), mended=True, folder='begun')
    return str(tmp_path / 'begun' / 'iter_2.pth')


@pytest.mark.parametrize('optimizer, message', [
    (dict(type='SGD', lr=0.01), r'another optimizer \(AdamW\) than this config has \(SGD\)'),
    (dict(type='Adam', lr=0.01), r'another optimizer \(AdamW\) than this config has \(Adam\)'),
    (dict(type='AdamW', lr=0.01), r'groups of \[\d+, \d+\] parameters, this config makes groups of '
                                  r'\[\d+\]: set optimizer.paramwise_cfg'),
])
def test_resuming_with_another_optimizer(data, begun, trains, optimizer, message):
    sections = PLAIN(data, 4)
    former, sections['optimizer'] = sections['optimizer'], optimizer
    error = trains(sections, '--resume-from', begun)
    assert re.search(message, error) and 'with --load-from' in error
    trains(sections, '--load-from', begun, mended=True, folder='new')
    trains(dict(sections, optimizer=former), '--resume-from', begun, mended=True)


def classes(sections, *names):
    sections['model']['decode_head']['num_classes'] = len(names)
    for split in ('train', 'val', 'test'):
        part = sections['data'][split]
        for dataset in (part.get('source', part), part.get('target', part)):
            dataset['classes'] = names
    return sections


def wider(sections):
    sections['model']['decode_head']['channels'] = 16
    return sections


@pytest.mark.parametrize('other, method, part', [
    (lambda sections: classes(sections, 'road', 'sky'), PLAIN, 'decode_head.conv_seg'),
    (lambda sections: classes(sections, 'road', 'sky'), METHOD, 'decode_head.conv_seg'),
    (wider, PLAIN, 'decode_head')])
def test_another_head_may_start_new(data, begun, trains, tmp_path, other, method, part):
    sections = other(method(data, 2))
    error = trains(sections, '--load-from', begun)
    option = re.search(f'--cfg-options "(new_parts=.*{part}.*?)"', error)
    assert option and 'test it' not in error
    trains(sections, '--load-from', begun, '--cfg-options', option[1], mended=True, folder='new')
    log = next((tmp_path / 'new').glob('*.log')).read_text()
    assert f'these start new: {part}.' in log and 'backbone' not in log.split('start new: ')[1]
    assert read_checkpoint(str(tmp_path / 'new' / 'iter_2.pth'))['meta']['iter'] == 2


def test_parts_that_are_none(data, begun, trains):
    sections = dict(PLAIN(data, 2), new_parts=['decode_head.conv_sge'])
    assert "does not have, did you mean 'decode_head.conv_seg'?" in trains(
        sections, '--load-from', begun)


def test_another_backbone_cannot_be_left_out(data, begun, trains):
    sections = PLAIN(data, 2)
    sections['model']['backbone']['embed_dims'] = 16
    sections['model']['decode_head']['in_channels'] = [16, 32, 80, 128]
    assert 'give a checkpoint of the same backbone, or leave --load-from away' in trains(
        sections, '--load-from', begun)
    assert 'resume with the config it was started with' in trains(sections, '--resume-from', begun)
