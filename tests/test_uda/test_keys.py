from dataclasses import dataclass
from typing import Optional

import numpy as np
import pytest
import torch
from mmseg.models.builder import SEGMENTORS

from mmseg_ssr.errors import ConfigError
from mmseg_ssr.uda import View, ViewMaker
from mmseg_ssr.uda.keys import KeyGroup, key, range_of
from mmseg_ssr.uda.method_keys import MethodKeys, fields


@dataclass(frozen=True)
class Group(KeyGroup):
    share: float = key(0.5, 'A share.', least=0, below=1)
    size: Optional[int] = key(None, 'A size.', above=0)
    mode: str = key('fast', 'How.', choices=('fast', 'slow'))
    alpha: object = key('same', 'Either.', choices=('same', ), least=0, most=1)

    def check(self):
        if self.mode == 'slow' and self.size is None:
            raise ConfigError('uda.mode: slow needs a size')


@pytest.mark.parametrize('values', [
    dict(), dict(share=0), dict(size=3), dict(mode='slow', size=1), dict(alpha=1),
    dict(size=None), dict(size=10 ** 400), dict(share=np.float32(0.5), size=np.int64(2))])
def test_values_within_the_bounds(values):
    assert Group(**values)


@pytest.mark.parametrize('values, message', [
    (dict(share=1), r'uda.share must be in \[0, 1\), got 1'),
    (dict(share='half'), r"uda.share must be a number in \[0, 1\), got 'half'"),
    (dict(share=float('nan')), r'uda.share must be a number in \[0, 1\), got nan'),
    (dict(size=0), 'uda.size must be above 0, got 0'),
    (dict(size=float('inf')), 'uda.size must be a number above 0, got inf'),
    (dict(size=True), 'uda.size must be a number above 0, got True'),
    (dict(mode='slw'), "uda.mode must be 'fast' or 'slow', got 'slw', did you mean 'slow'"),
    (dict(alpha='sam'), r"must be 'same' or a number in \[0, 1\], got 'sam', did you mean 'same'"),
    (dict(alpha=2), r"must be 'same' or in \[0, 1\], got 2"),
    (dict(share=None), r'uda.share must be a number in \[0, 1\), got None'),
    (dict(mode=None), "uda.mode must be 'fast' or 'slow', got None"),
    (dict(mode='slow'), 'uda.mode: slow needs a size')])
def test_other_values_are_named(values, message):
    with pytest.raises(ConfigError, match=message):
        Group(**values)


def test_all_wrong_values_of_a_group_are_said_at_once():
    with pytest.raises(ConfigError) as error:
        Group(share=2, size=-1, mode='slow')
    assert [line.split()[0] for line in error.value.problems] == ['uda.share', 'uda.size']
    with pytest.raises(ConfigError) as error:
        Group(share=2, mode='slow')
    assert [line.split()[0] for line in error.value.problems] == ['uda.share', 'uda.mode:']


@pytest.mark.parametrize('limits, words', [
    (dict(least=0, most=1), 'in [0, 1]'), (dict(above=0, below=1), 'in (0, 1)'),
    (dict(least=0), 'at least 0'), (dict(most=5), 'at most 5'), (dict(below=2), 'below 2')])
def test_ranges_in_words(limits, words):
    assert range_of(limits) == words


def test_problems_of_all_groups_are_said_at_once():
    with pytest.raises(ConfigError) as error:
        MethodKeys.read(dict(alpha=2, mask_mod='separate', mix='cut', lambda_ent=-1, amp='half'))
    found = {line.split(' must')[0].split(',')[0] for line in error.value.problems}
    assert found == {'unknown key uda.mask_mod', 'uda.alpha', 'uda.mix', 'uda.lambda_ent',
                     'uda.amp'}
    assert "did you mean 'mask_mode'" in error.value.problems[0]


def test_every_key_has_a_sentence_and_a_name_of_its_own():
    names = [field.name for group in MethodKeys.__dataclass_fields__.values()
             for field in group.type.__dataclass_fields__.values()]
    assert len(names) == len(set(names)) == len(fields()) > 45
    for field in fields().values():
        assert field.metadata['meaning'].endswith('.'), field.name
        MethodKeys.read({field.name: field.default})


class Flipped(ViewMaker):
    """The source image, mirrored."""

    name = 'flipped'

    def __init__(self, name='flipped'):
        super().__init__()
        self.name, self.brightness = name, torch.nn.Parameter(torch.zeros(()))

    def forward(self, batch, pseudo, draws):
        return View(self.name, batch.img.flip(3) + self.brightness, batch.label.long().flip(3),
                    regularized=True)


def test_a_view_of_ones_own_is_trained_on_and_resumed(method, batch):
    segmentor = method(ssr=True, views=[Flipped()])
    sgd = torch.optim.SGD(segmentor.parameters(), lr=1.)
    log = segmentor.train_step(batch, sgd)['log_vars']
    assert {'flipped.decode.loss_ce', 'enhanced_flipped.loss_ce'} <= set(log)
    moved = segmentor.view_makers[-1].brightness
    assert moved != 0 and not any('view_makers' in name for name in segmentor.state_dict())
    resumed = method(ssr=True, views=[Flipped()])
    resumed.load_training_state(segmentor.training_state())
    assert resumed.view_makers[-1].brightness == moved
    with pytest.raises(ValueError, match='has other views'):
        method(ssr=True).load_training_state(segmentor.training_state())


@pytest.mark.parametrize('views, message', [
    ([Flipped('mix')], 'uda.views.0: Flipped needs a name of its own, other than source, mix'),
    ([Flipped(), Flipped()], 'uda.views.1: Flipped needs a name of its own'),
    ([Flipped('')], "needs a name of its own.*got ''"),
    (dict(type='GrayView'), 'uda.views must be a list'),
    ([torch.nn.Identity()], 'uda.views.0 must be a ViewMaker, got Identity'),
    ([dict(type='GrayViw')], "unknown uda.views.0.type 'GrayViw'"),
    ([dict(type='FCNHead', in_channels=4, channels=4, num_classes=2)],
     'uda.views.0: FCNHead is no mmseg_ssr.uda.ViewMaker')])
def test_a_view_needs_a_name_of_its_own(method, views, message):
    with pytest.raises(ConfigError, match=message):
        method(views=views)


def test_a_view_that_needs_targets_goes_not_with_source_only(method):
    class OnTarget(Flipped):
        needs_target = True

    with pytest.raises(ConfigError, match='uda.views.0: OnTarget needs target images, which'):
        method(source_only=True, imnet_feature_dist_lambda=0, views=[OnTarget()])


@pytest.mark.parametrize('key, value', [('distillation_weight', 1.), ('mixed_maps', 'composed')])
def test_keys_of_the_mixed_view_go_not_with_source_only(method, key, value):
    with pytest.raises(ConfigError, match=f'uda.{key}.* is for the mixed view, which'):
        method(ssr=True, source_only=True, imnet_feature_dist_lambda=0, **{key: value})


def test_a_view_has_the_name_of_its_maker(method, batch):
    segmentor = method(views=[Flipped()])
    segmentor.view_makers[-1].forward = lambda batch, *args: View('source', batch.img, batch.label)
    with pytest.raises(ConfigError, match="Flipped makes the view 'source', but its name is 'fl"):
        segmentor.train_step(batch, torch.optim.SGD(segmentor.parameters(), lr=0.))


@pytest.mark.parametrize('kind, keys, lines', [
    ('SSR', dict(alpha=2), ['uda: SSR needs', 'uda.alpha must']),
    ('MinEnt', dict(alpha=2), ['uda: this method needs lambda_ent', 'uda.alpha must'])])
def test_what_a_method_lacks_is_said_with_the_rest(kind, keys, lines):
    with pytest.raises(ConfigError) as error:
        SEGMENTORS.get(kind).check_keys(keys)
    assert len(error.value.problems) == 2
    assert all(map(str.startswith, error.value.problems, lines))


def test_a_misspelled_key_is_an_error_for_testing_too(daformer_b0):
    with pytest.raises(ConfigError, match="unknown key uda.alhpa, did you mean 'alpha'"):
        SEGMENTORS.build(dict(type='DACS', model=daformer_b0, train_cfg=None, alhpa=0.9))


def test_a_part_that_fails_makes_no_other_part_fail(method):
    with pytest.raises(ConfigError) as error:
        method(ssr=True, stop_stage=[9], pseudo_label_branch='regularized',
               imnet_feature_dist_encoder='regularizer')
    line, = error.value.problems
    assert 'regularizer: stages must be some of' in line
