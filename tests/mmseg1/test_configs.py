"""configs1: every file is read and built, and is what the converter makes of its counterpart."""
import dataclasses
import inspect
import re
from pathlib import Path

import pytest
import tiny_mmseg1
import torch
from mmengine.config import Config
from mmengine.registry import HOOKS, PARAM_SCHEDULERS
from mmseg.registry import DATASETS, MODELS, TRANSFORMS

from mmseg_ssr.commands import migrate
from mmseg_ssr.errors import ConfigError
from mmseg_ssr.methods import method
from mmseg_ssr.migration.to_mmseg1 import to_mmseg1

ROOT = tiny_mmseg1.ROOT
CONFIGS = sorted(path.relative_to(ROOT / 'configs1').with_suffix('').as_posix()
                 for path in (ROOT / 'configs1').glob('*/*.py') if path.parent.name != '_base_')
#: Configs whose counterpart has another name.
NAMES = {'sam/gta2cs_daformer_sam_vit_b': 'sam/daformer_sam_vit_b',
         'sam/gta2cs_daformer_mic_sam_vit_b': 'sam/daformer_mic_sam_vit_b'}
#: Sections that say how a training runs. Other names at the top are variables.
SECTIONS = ('model', 'train_dataloader', 'val_dataloader', 'test_dataloader', 'val_evaluator',
            'test_evaluator', 'optim_wrapper', 'param_scheduler', 'train_cfg', 'default_hooks',
            'custom_hooks', 'model_wrapper_cfg', 'env_cfg', 'log_processor', 'test_pipeline',
            'randomness', 'load_from', 'resume')
OLD = sorted(path for path in (ROOT / 'configs').glob('*/*.py') if path.parent.name != '_base_')
#: What has no counterpart.
WITHOUT = ('ACDCDataset', 'CamVidDataset', 'CrossCityDataset', 'one data set of', 'Mask2Former',
           'SARFormer', 'optimizer.constructor', 'AntialiasedResize', 'encoder_maps')


def read(path: Path) -> Config:
    return Config.fromfile(str(path))


def keys_of(model: dict) -> method.MethodKeys:
    """The keys of a method with their defaults. Without masks their weight does not matter."""
    keys = method.MethodKeys.read({name: value for name, value in model.items()
                                   if name not in (*method.BUILDER_KEYS, 'type')})
    masked = keys.masked_consistency
    return keys if masked.mask_mode else dataclasses.replace(keys, masked_consistency=None)


def test_there_are_configs():
    assert len(CONFIGS) >= 8 and len(OLD) > 80


@pytest.mark.parametrize('name', CONFIGS)
def test_a_config_is_what_the_converter_makes(name):
    ours = read(ROOT / f'configs1/{name}.py').to_dict()
    made = to_mmseg1(read(ROOT / f'configs/{NAMES.get(name, name)}.py').to_dict())
    assert keys_of(ours['model']) == keys_of(made['model'])
    for part in ('type', 'model', 'data_preprocessor'):
        assert ours['model'][part] == made['model'][part]
    for section in SECTIONS[1:]:
        assert ours.get(section) == made.get(section), section


@pytest.mark.parametrize('name', CONFIGS)
def test_a_config_is_tested_with_flips_too(name):
    cfg = read(ROOT / f'configs1/{name}.py')
    assert cfg.tta_model.type == 'SegTTAModel'
    (resize,), flips, *_ = cfg.tta_pipeline[-1].transforms
    assert resize == next(step for step in cfg.test_pipeline if step.type == 'Resize')
    assert [flip.prob for flip in flips] == [0, 1]


@pytest.mark.parametrize('path', OLD, ids=lambda path: f'{path.parent.name}/{path.stem}')
def test_every_config_is_converted_or_refused_by_name(path):
    try:
        made = to_mmseg1(read(path).to_dict())
    except ConfigError as error:
        assert any(name in str(error) for name in WITHOUT), error
        return
    for dataset in datasets_in(made):
        check_arguments(DATASETS.get(dataset['type']), dataset)
        for step in dataset.get('pipeline', ()):
            check_arguments(TRANSFORMS.get(step['type']), step)
    for scheduler in made['param_scheduler']:
        check_arguments(PARAM_SCHEDULERS.get(scheduler['type']), scheduler)
    for hook in made.get('custom_hooks', ()):
        assert HOOKS.get(hook['type'])
    check_arguments(MODELS.get(made['model']['type']), made['model'])
    check_arguments(MODELS.get('SegDataPreProcessor'), made['model']['data_preprocessor'])


def datasets_in(made: dict) -> list:
    found = []
    for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        dataset = made.get(loader, {}).get('dataset')
        if dataset:
            found += [dataset, *(dataset[part] for part in ('source', 'target') if part in dataset)]
    return found


def check_arguments(kind: type, config: dict) -> None:
    """The constructors of a class take the keys of a config. The margins are a pair's key."""
    names = [name for name in config if name not in ('type', 'crop_pseudo_margins')]
    taken = [parameter for base in kind.__mro__ if '__init__' in vars(base)
             for parameter in inspect.signature(base.__init__).parameters]
    if 'resize_kwargs' in taken:  # the arguments of mmseg's Resize
        taken += inspect.signature(TRANSFORMS.get('Resize')).parameters
    assert set(names) <= set(taken), kind


@pytest.mark.parametrize('name', ['daformer/gta2cs_daformer_mitb5', 'hrda/gta2cs_hrda_mitb5',
                                  'demo/daformer_ssr'])
def test_a_network_is_built(name):
    """For inference, and without memory."""
    config = read(ROOT / f'configs1/{name}.py').model
    config.train_cfg, config.max_iters, config.model.pretrained = None, None, None
    with torch.device('meta'):
        built = MODELS.build(config)
    assert built.model.decode_head.num_classes == 19


def test_the_command_writes_a_config_that_mmseg_reads(tmp_path, capsys):
    output = tmp_path / 'out.py'
    migrate.main([str(ROOT / 'configs/demo/daformer_ssr.py'), str(output)])
    assert f'{output} is ' in capsys.readouterr().out
    made = to_mmseg1(read(ROOT / 'configs/demo/daformer_ssr.py').to_dict())
    assert read(output).to_dict() == Config(made).to_dict()


def test_the_command_refuses_in_one_line(tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        migrate.main([str(ROOT / 'configs1/demo/daformer.py'), str(tmp_path / 'out.py')])
    assert ended.value.code == 2 and 'is a config of mmseg 1.x already' in capsys.readouterr().err
    assert not (tmp_path / 'out.py').exists()


@pytest.mark.parametrize('text, message', [
    ('a = b', r'cannot be read .*name .b. is not defined'),
    ('import nothing_here', 'cannot be read .*nothing_here'),
    ('model = dict(', 'cannot be read .*never closed'),
    ('runner = dict(max_iters=3)', 'model must be a dict, got None'),
    ('data = None', 'data must be a dict, got None'),
    ('optimizer = None', 'optimizer must be a dict, got None'),
    ('uda = dict(_delete_=True, alpha=1)', r"uda must be a dict\(type=...\), got {'alpha': 1}"),
    ('runner = dict(max_iters="many")', "cannot be converted .*'many'"),
    ('data = dict(train=dict(source=dict(pipeline=None)))', 'cannot be converted .* see that it'),
])
def test_broken_configs_end_the_command_in_one_line(tmp_path, capsys, text, message):
    (tmp_path / 'in.py').write_text(text if 'max_iters=3' in text else (
        f"_base_ = ['{ROOT / 'configs/demo/daformer_ssr.py'}']\n{text}\n"))
    with pytest.raises(SystemExit) as ended:
        migrate.main([str(tmp_path / 'in.py'), str(tmp_path / 'out.py')])
    line, = capsys.readouterr().err.splitlines()
    assert ended.value.code == 2 and re.search(message, line)
