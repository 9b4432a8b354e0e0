"""Terms of one's own in the step: what they are given, and what comes of what they return."""
from copy import deepcopy
from functools import partial

import pytest
import tiny_training
import torch
from mmcv import ConfigDict
from mmseg.models.builder import LOSSES
from torch import nn

from mmseg_ssr.engine.config.validate import validate
from mmseg_ssr.errors import ConfigError
from mmseg_ssr.uda import LossTerm
from mmseg_ssr.uda.training_state import load_training_state, training_state


@LOSSES.register_module()
class SumOfLogits(LossTerm):
    """Notes what it sees; its gradient is known. Has a weight of its own to train."""

    def __init__(self, views=('source', 'mix', 'target', 'masked'), factor=0.5):
        super().__init__()
        self.views, self.factor = views, factor
        self.scale = nn.Parameter(torch.ones(()))
        self.seen = {}

    def forward(self, view, feature, logits):
        self.seen[view.name] = (view, feature, logits)
        value = self.scale * logits['main'].mean()
        return {'loss_sum': self.factor * value, 'sum': value.detach()}


@pytest.fixture
def method(method):
    """The same methods on a smaller network."""
    return partial(method, model=ConfigDict(tiny_training.tiny_model()))


def sgd(segmentor, rate=0.):
    return torch.optim.SGD(segmentor.parameters(), lr=rate)


def own(**options):
    return [dict(type='SumOfLogits', **options)]


def test_it_sees_the_views_that_it_asks_for(method, batch):
    segmentor = method(mic=True, loss_terms=own())
    log = segmentor.train_step(batch, sgd(segmentor))['log_vars']
    term = segmentor.loss_terms[0]
    assert set(term.seen) == {'source', 'mix', 'target', 'masked'}
    assert {'loss_sum', 'mix.loss_sum', 'target.loss_sum', 'masked.loss_sum', 'sum'} <= set(log)
    for view, feature, logits in term.seen.values():
        assert logits['main'].shape == (2, 19, 64, 64) and feature.shape == (2, 64, 2, 2)
        assert (view.label is None) == (view.name == 'target')
    assert torch.equal(term.seen['target'][0].img, batch['target_img'])
    assert log['loss'] == pytest.approx(sum(log[name] for name in log if 'loss_' in name))


def test_only_the_views_that_it_asks_for(method, batch):
    segmentor = method(loss_terms=own(views=['mix']))
    log = segmentor.train_step(batch, sgd(segmentor))['log_vars']
    assert set(segmentor.loss_terms[0].seen) == {'mix'}
    assert 'mix.loss_sum' in log and 'loss_sum' not in log
    assert not any(name.startswith('target.') for name in log)


def test_its_gradients_are_added(method, batch):
    weights = []
    for terms in ((), own(views=['source'], factor=0.5)):
        segmentor = method(loss_terms=terms, imnet_feature_dist_lambda=0)
        segmentor.train_step(deepcopy(batch), sgd(segmentor))
        weights.append(segmentor.model.decode_head.conv_seg.bias.grad)
    # the mean over classes and pixels: each class's bias counts 1/19
    torch.testing.assert_close(weights[1] - weights[0], torch.full((19, ), 0.5 / 19),
                               atol=1e-6, rtol=1e-4)


def test_losses_of_one_name_are_added(method, batch):
    logs = []
    for count in (1, 2):
        segmentor = method(loss_terms=count * own(views=['source']))
        logs.append(segmentor.train_step(deepcopy(batch), sgd(segmentor))['log_vars'])
    assert logs[1]['loss_sum'] == pytest.approx(2 * logs[0]['loss_sum'])


def test_the_masked_view_weighs_it(method, batch):
    logs = []
    for weight in (1., 0.25):
        segmentor = method(mic=True, mask_lambda=weight, loss_terms=own(views=['masked']))
        logs.append(segmentor.train_step(deepcopy(batch), sgd(segmentor))['log_vars'])
    assert logs[1]['masked.loss_sum'] == pytest.approx(0.25 * logs[0]['masked.loss_sum'])


def test_its_parameters_are_trained_and_resumed_and_not_in_the_student(method, batch):
    segmentor = method(loss_terms=own())
    segmentor.train_step(batch, sgd(segmentor, 0.1))
    scale = segmentor.loss_terms[0].scale.detach().clone()
    assert scale != 1 and not any('loss_terms' in name for name in segmentor.state_dict())
    state = deepcopy(training_state(segmentor))
    other = method(loss_terms=own())
    load_training_state(other, state)
    assert other.loss_terms[0].scale == scale
    with pytest.raises(ValueError, match='has other loss_terms'):
        load_training_state(method(), state)
    del state['loss_terms']  # of a checkpoint that is older than the key
    with pytest.raises(ValueError, match='has other loss_terms'):
        load_training_state(method(loss_terms=own()), state)


@pytest.mark.parametrize('terms, options, message', [
    ([dict(type='SumOfLogit')], {}, "unknown uda.loss_terms.0.type 'SumOfLogit', did you mean"),
    ([dict(type='CrossEntropyLoss')], {}, 'CrossEntropyLoss is no mmseg_ssr.uda.LossTerm; .*'
                                          'decode_head.loss_decode'),
    (own(views=['sorce']), {}, "looks at the view 'sorce', did you mean 'source'"),
    (own(views=['masked']), {}, 'looks at masked, but the views of this method are source, mix'),
    (own(views=['target']), dict(source_only=True, imnet_feature_dist_lambda=0),
     'looks at target, but the views of this method are source$'),
])
def test_what_is_wrong_is_named(method, terms, options, message):
    with pytest.raises(ConfigError, match=message):
        method(loss_terms=terms, **options)


@pytest.mark.parametrize('terms, message', [
    ([dict(type='SumOfLogits', facto=1)], r'uda.loss_terms.0.facto, did you mean .factor'),
    ([dict(factor=1)], "uda.loss_terms.0 needs the key 'type'"),
    (dict(type='SumOfLogits'), 'uda.loss_terms must be a list'),
])
def test_keys_are_checked_when_the_config_is_read(config, data, terms, message):
    with pytest.raises(ConfigError, match=message):
        validate(config(tiny_training.method_config(data, loss_terms=terms)))


@LOSSES.register_module()
class OnlyLogged(LossTerm):
    """Something to look at, nothing to minimize."""

    views = ('source', 'target')

    def forward(self, view, feature, logits):
        return {'largest': logits['main'].max()}


def test_it_may_minimize_nothing(method, batch):
    segmentor = method(loss_terms=[dict(type='OnlyLogged')])
    log = segmentor.train_step(batch, sgd(segmentor))['log_vars']
    assert {'largest', 'target.largest'} <= set(log)
    assert log['loss'] == pytest.approx(sum(log[name] for name in log if 'loss_' in name))


def test_without_target_images_it_sees_the_others(method, batch):
    segmentor = method(source_only=True, imnet_feature_dist_lambda=0,
                       loss_terms=own(views=['source', 'target']))
    del batch['target_img'], batch['target_img_metas']
    segmentor.train_step(batch, sgd(segmentor))
    assert set(segmentor.loss_terms[0].seen) == {'source'}


def test_a_skipped_iteration_leaves_no_trace_in_its_buffers(method, batch):
    @LOSSES.register_module(force=True)
    class RunningMean(LossTerm):
        views = ('source', )

        def __init__(self):
            super().__init__()
            self.register_buffer('mean', torch.zeros(()))

        def forward(self, view, feature, logits):
            self.mean += logits['main'].detach().mean()
            return {'loss_mean': 0 * logits['main'].mean() + self.mean}

    segmentor = method(loss_terms=[dict(type='RunningMean')], not_finite='skip')
    segmentor.finite_check.warn = lambda line: None
    before = segmentor.loss_terms[0].mean.clone()
    spoilt = dict(batch, img=torch.full_like(batch['img'], float('nan')))
    assert segmentor.train_step(spoilt, sgd(segmentor))['log_vars']['skipped_updates'] == 1
    assert torch.equal(segmentor.loss_terms[0].mean, before)
    assert segmentor.train_step(batch, sgd(segmentor))['log_vars']['skipped_updates'] == 1
