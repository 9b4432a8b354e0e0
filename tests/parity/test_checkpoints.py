"""Contract C2: state dicts with the published names load fully and infer the published logits."""
import json
from pathlib import Path

import pytest
import torch
from mmcv import Config
from mmseg.models.builder import SEGMENTORS

from mmseg_ssr.engine.checkpoint.weights import check_fit, load_weights, network_weights
from mmseg_ssr.regularizer import build_regularizer

from .cases import OWN_DATA, find_cases
from .differences import Differences, report
from .fill import fill, shapes_of
from .inference import build_segmentor, compare_inference
from .kinds import TRAINING
from .published_names import SAM, STUDENT, TEACHER, named_networks, regularizer_name
from .training_run import MODES, build_model

MANIFEST = json.loads((OWN_DATA / 'manifest.json').read_text(encoding='utf-8'))
CONFIGS = Path(__file__).parents[2] / 'configs' / '_base_' / 'models'


def training_cases(folder=None):
    """Cases that train with a method."""
    return [case for case in find_cases(folder)
            if case.name.startswith(TRAINING) and 'uda' in case.config]


METHODS = training_cases()
NAMES = [case.name for case in METHODS]


def network_of(model_config):
    """A segmentor's config without what does not change its weights."""
    return {key: value for key, value in model_config.items()
            if key not in ('train_cfg', 'test_cfg')}


def published_shapes(case):
    """{published name: shape} of the checkpoint that the published code writes in a training."""
    model = build_model(case, MODES['sequential'])
    shapes = {prefix + name: shape for prefix, network in named_networks(model).items()
              for name, shape in shapes_of(network.state_dict()).items()}
    shapes.update({f'imnet_model.{name}': shape  # the published code keeps the unused head, too
                   for name, shape in shapes_of(model.model.state_dict()).items()})
    if model.regularizer is not None:
        shapes.update({regularizer_name(name): shape for name, shape in
                       shapes_of(model.regularizer.state_dict()).items()})
    named = {name for key in ('student', 'student_buffer', 'teacher', 'teacher_buffer')
             for name in case.facts.get(f'{key}_names', ())
             if name.startswith((STUDENT, TEACHER))}
    assert named <= set(shapes)
    return shapes


def checkpoint_file(case, seed, wrapper, folder):
    state = {wrapper + name: torch.from_numpy(fill(seed, name, tuple(shape)))
             for name, shape in published_shapes(case).items()}
    path = str(folder / 'published.pth')
    torch.save(dict(meta=dict(mmseg_version='0.16.0', iter=40000), state_dict=state), path)
    return path


@pytest.mark.parametrize('wrapper', ['', 'module.'])
@pytest.mark.parametrize('training', METHODS, ids=NAMES)
def test_inference_with_a_published_checkpoint(training, wrapper, tmp_path):
    cases = [case for case in find_cases() if case.name.startswith('06_')
             and network_of(case.config) == network_of(training.config['model'])]
    if not cases:
        pytest.skip('no inference case has this network')
    path = checkpoint_file(training, cases[0].seed, wrapper, tmp_path)
    for case in cases:
        segmentor = build_segmentor(case)
        load_weights(segmentor, path)
        differences = Differences(case)
        compare_inference(case, differences, segmentor)
        assert not differences.outside, report(differences.outside)


def test_teacher_of_a_published_checkpoint(tmp_path):
    training = next(case for case in training_cases(OWN_DATA) if 'teacher_names' in case.facts)
    segmentor = SEGMENTORS.build(Config(training.config).model)
    load_weights(segmentor, checkpoint_file(training, 1, '', tmp_path), role='teacher')
    for name, value in segmentor.state_dict().items():
        assert torch.equal(value, torch.from_numpy(fill(1, TEACHER + name, tuple(value.shape))))


def test_methods_of_the_own_folder():
    networks = {(case.config['uda']['type'], case.config['uda']['mask_mode'] is not None,
                 case.config['model']['type']) for case in training_cases(OWN_DATA)}
    assert networks >= {('DACS', False, 'EncoderDecoder'), ('DACS', False, 'HRDAEncoderDecoder'),
                        ('DACS', True, 'EncoderDecoder'), ('SSR', False, 'EncoderDecoder')}


@pytest.mark.parametrize('config, head', [
    ('daformer_mitb5.py', {}), ('hrda_mitb5.py', MANIFEST['hrda_decode_head'])])
def test_full_size_checkpoint_loads(config, head):
    model = Config.fromfile(str(CONFIGS / config)).model
    segmentor = SEGMENTORS.build(model).to('meta')
    shapes = {name: shape for name, shape in MANIFEST['segmentor'].items()
              if not head or name.startswith('backbone.')}
    shapes.update(head)
    names = {f'{prefix}{name}': shape for prefix in (STUDENT, TEACHER, 'imnet_model.')
             for name, shape in shapes.items()}
    names.update({SAM + name: shape for name, shape in MANIFEST['sam_image_encoder'].items()})
    names.update(MANIFEST['ssr'])
    state = {name: torch.empty(shape, device='meta', dtype=(
        torch.long if name.endswith('num_batches_tracked') else None))
        for name, shape in names.items()}
    for role in ('student', 'teacher'):
        check_fit(network_weights(dict(state_dict=state), role), segmentor, 'manifest')
    assert sum(p.numel() for p in segmentor.backbone.parameters()) == \
        MANIFEST['numbers_of_parameters']['backbone']


def test_full_size_branch_has_the_published_names():
    segmentor = SEGMENTORS.build(Config.fromfile(str(CONFIGS / 'daformer_mitb5.py')).model)
    regularizer = build_regularizer(segmentor, dict(variant='vit_b', checkpoint=None))
    own = {regularizer_name(name): list(shape) for name, shape in
           shapes_of(regularizer.state_dict()).items()}
    assert own == MANIFEST['ssr']
    encoder = shapes_of(regularizer.encoder.network.state_dict())
    assert {name: list(shape) for name, shape in encoder.items()} == \
        MANIFEST['sam_image_encoder']
