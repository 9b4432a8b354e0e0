"""Contract: our modules in a project that knows mmseg alone, with the scripts of its wheel."""
import json

import pytest
import tiny_training
import torch

HEADS = dict(channels=8, num_classes=19, align_corners=False, dropout_ratio=0.1,
             norm_cfg=dict(type='BN', requires_grad=True),
             loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=False, loss_weight=1.0))
SEGFORMER = dict(
    backbone=dict(type='MixVisionTransformer', embed_dims=8, num_layers=[1, 1, 1, 1],
                  num_heads=[1, 2, 5, 8]),
    decode_head=dict(type='SegformerHead', in_channels=[8, 16, 40, 64], in_index=[0, 1, 2, 3],
                     **HEADS))
FCN = dict(
    backbone=dict(type='ResNet', depth=18, base_channels=8, stem_channels=8,
                  norm_cfg=dict(type='BN', requires_grad=True)),
    decode_head=dict(type='FCNHead', in_channels=64, in_index=3, num_convs=1, **HEADS),
    auxiliary_head=dict(type='FCNHead', in_channels=32, in_index=2, num_convs=1,
                        concat_input=False, **HEADS))


def sections(data, model):
    """What a project of mmseg has in its config, with one line of ours."""
    config = tiny_training.schedule(2)
    config['optimizer'] = dict(type='SGD', lr=0.01, momentum=0.9)
    config['log_config']['interval'] = 1
    config['evaluation'] = dict(interval=2, metric='mIoU', pre_eval=True)
    config.update(model=model, optimizer_config=dict(),
                  data=dict(tiny_training.data_section(data, tiny_training.gta(data)),
                            workers_per_gpu=1))
    return config


@pytest.mark.parametrize('model', [SEGFORMER, FCN], ids=['MiT+SegFormer', 'ResNet+FCN'])
def test_ssr_encoder_decoder_trains_with_the_stock_script(data, config_file, stock, tmp_path,
                                                          monkeypatch, model):
    monkeypatch.chdir(tmp_path)
    both = dict(model, type='SSREncoderDecoder', regularizer=tiny_training.tiny_regularizer(),
                train_cfg=dict(), test_cfg=dict(mode='whole'))
    config = config_file(sections(data, both))
    stock('train.py', config, '--work-dir', 'run', '--seed', '0')
    log = [json.loads(line)
           for line in next((tmp_path / 'run').glob('*.log.json')).read_text().splitlines()]
    losses = [line for line in log if line.get('mode') == 'train'][-1]
    assert losses['decode.loss_ce'] > 0 and losses['enhanced.loss_ce'] > 0

    plain = dict(model, type='EncoderDecoder', train_cfg=dict(), test_cfg=dict(mode='whole'))
    plain_config = sections(data, plain)
    del plain_config['custom_imports']
    plain_config['data']['train'] = plain_config['data']['test']  # GTADataset is ours
    output = stock('test.py', config_file(plain_config, 'plain.py'), 'run/latest.pth',
                   '--eval', 'mIoU')
    assert 'unexpected key' not in output and 'missing keys' not in output
    assert 'mIoU' in output


def test_a_method_trains_with_the_stock_script(data, config_file, stock, tmp_path, monkeypatch):
    """mmseg knows no key ``uda``: there the method is the model, around the segmentor."""
    monkeypatch.chdir(tmp_path)
    config = tiny_training.ssr_config(data, 2)
    config['model'] = dict(config.pop('uda'), model=config['model'], max_iters=2)
    config['data']['workers_per_gpu'] = 1
    stock('train.py', config_file(config), '--work-dir', 'run', '--seed', '0', '--no-validate')
    state = torch.load(tmp_path / 'run' / 'latest.pth', weights_only=True)['state_dict']
    assert all(name.startswith(('backbone.', 'decode_head.')) for name in state)


def test_our_runner_in_the_stock_script_saves_the_regularizer(data, config_file, stock, tmp_path,
                                                              monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = sections(data, dict(
        SEGFORMER, type='SSREncoderDecoder', regularizer=tiny_training.tiny_regularizer(),
        train_cfg=dict(), test_cfg=dict(mode='whole')))
    config['runner']['type'] = 'SelfTrainingRunner'
    path = config_file(config)
    stock('train.py', path, '--work-dir', 'run', '--seed', '0', '--no-validate')
    first = torch.load(tmp_path / 'run' / 'iter_2.pth', weights_only=True)
    # Another seed: a regularizer that was not restored would be another one.
    stock('train.py', path, '--work-dir', 'run', '--seed', '5', '--no-validate', '--resume-from',
          'run/iter_2.pth', '--cfg-options', 'runner.max_iters=3')
    second = torch.load(tmp_path / 'run' / 'iter_3.pth', weights_only=True)
    assert second['meta']['iter'] == 3
    before, after = (content['training_state']['regularizer'] for content in (first, second))
    assert all(torch.allclose(before[name], after[name], atol=0.02) for name in before) and before
