"""docs/examples/ssr_step.py trains as the registered method SSR does."""
import ast
import importlib
from copy import deepcopy
from types import SimpleNamespace

import pytest
import torch
from mmcv import ConfigDict
from mmseg.models.builder import SEGMENTORS
from tiny_training import NORM, ROOT, tiny_model, tiny_regularizer
from torch import nn

from mmseg_ssr.uda.draws import Draws

EXAMPLE = ROOT / 'docs' / 'examples' / 'ssr_step.py'
ITERATIONS = 3
ALPHA = 0.6  # below 1 - 1/3: the third update of the teacher uses it
THRESHOLD = 0.5  # a part of the pixels is that confident
SEED = 5
LOSSES = ('decode.loss_ce', 'enhanced.loss_ce', 'mix.decode.loss_ce', 'enhanced_mix.loss_ce')
#: Of float32, relative. Measured with 40 seeds: losses 3e-7, running variances 4e-6, all else
#: below. The two add the gradients of the four losses up in another order. In float64 the weights
#: agree to 1e-14.
TOLERANCE = 1e-5


@pytest.fixture
def example(monkeypatch):
    """The example as a module."""
    monkeypatch.syspath_prepend(str(EXAMPLE.parent))
    return importlib.import_module('ssr_step')


def make_batches():
    """Two random images of each domain an iteration, labels in patches with a row of ignore."""
    for _ in range(ITERATIONS):
        label = torch.randint(0, 19, (2, 1, 2, 2))
        label = label.repeat_interleave(32, 2).repeat_interleave(32, 3)
        label[:, :, :4] = 255
        yield dict(img=torch.randn(2, 3, 64, 64), gt_semantic_seg=label, img_metas=[
            dict(img_norm_cfg=NORM)], target_img=torch.randn(2, 3, 64, 64))


def make_optimizer(parameters):
    """SGD: where a gradient is 0 but for noise, as of the biases of keys, AdamW steps by noise."""
    return torch.optim.SGD(parameters, lr=0.01, momentum=0.9)


def largest_difference(found, expected):
    """Of tensors by name, relative to the largest value of each."""
    assert found.keys() == expected.keys()
    return max(((found[name] - value).abs().max() / value.abs().max().clamp(min=1e-3)).item()
               for name, value in expected.items())


@pytest.fixture(scope='module')
def trained():
    """The method's parts before three iterations, its batches, and what came of them."""
    torch.manual_seed(0)
    model = ConfigDict(tiny_model())
    model.backbone.drop_path_rate = model.decode_head.dropout_ratio = 0.
    method = SEGMENTORS.build(dict(
        type='SSR', model=model, regularizer=tiny_regularizer(), max_iters=ITERATIONS, seed=SEED,
        alpha=ALPHA, pseudo_threshold=THRESHOLD, color_jitter_probability=1, blur=False)).train()
    nn.init.normal_(method.model.decode_head.conv_seg.weight)  # predictions that differ
    before = deepcopy((method.model, method.regularizer))
    batches, losses = list(make_batches()), {}
    optimizer = make_optimizer(method.parameters())
    for t, batch in enumerate(batches):
        log = method.train_step(batch, optimizer)['log_vars']
        losses.update({f'{name} {t}': torch.tensor(log[name]) for name in LOSSES})
    return SimpleNamespace(before=before, batches=batches, losses=losses,
                           student=method.model.state_dict(),
                           teacher=method.teacher.network.state_dict(),
                           regularizer=method.regularizer.state_dict())


def differences(example, trained):
    """Train by the example as the method did; the largest difference of each part."""
    student, regularizer = deepcopy(trained.before)
    teacher = example.make_teacher(student)
    optimizer = make_optimizer([*student.parameters(), *regularizer.parameters()])
    losses = {}
    for t, batch in enumerate(trained.batches):

        def class_keys(image, classes, t=t):
            draws = Draws(SEED)
            draws.start_iteration(t)
            return draws.class_keys(image, classes.device)[classes]

        found = example.ssr_step(
            t, batch['img'], batch['gt_semantic_seg'].squeeze(1), batch['target_img'], student,
            teacher, regularizer.encoder, regularizer.projections.values(),
            regularizer.attentions.values(), optimizer, ALPHA, THRESHOLD, class_keys=class_keys)
        losses.update({f'{name} {t}': loss.detach() for name, loss in zip(LOSSES, found)})
    return dict(losses=largest_difference(losses, trained.losses),
                student=largest_difference(student.state_dict(), trained.student),
                teacher=largest_difference(teacher.state_dict(), trained.teacher),
                regularizer=largest_difference(regularizer.state_dict(), trained.regularizer))


def test_three_iterations_are_those_of_the_method(example, trained):
    found = differences(example, trained)
    assert max(found.values()) < TOLERANCE, found


def detached(regularize):
    return lambda maps, *parts: regularize([feature.detach() for feature in maps], *parts)


def without_residual(regularize):
    return lambda maps, *parts: [enhanced - feature for enhanced, feature in
                                 zip(regularize(maps, *parts), maps)]


def mean_of_labeled(loss):
    return lambda logits, label, weight: (
        loss(logits, label, weight) * label.numel() / (label != 255).sum())


def trusted(pseudo_label):
    return lambda *args: (pseudo_label(*args)[0], torch.tensor(1.))


def classes_of_first_image(mask):
    return lambda label, keys: mask(label, lambda image, classes: keys(0, classes))


def without_warm_up(update):
    return lambda teacher, student, t, alpha: update(teacher, student, t + 1000, alpha)


def in_eval_mode(make_teacher):
    return lambda student: make_teacher(student).eval()


@pytest.mark.parametrize('name, change', [
    ('regularize', detached), ('regularize', without_residual),
    ('weighted_cross_entropy', mean_of_labeled), ('pseudo_label', trusted),
    ('class_mix_mask', classes_of_first_image), ('update_teacher', without_warm_up),
    ('make_teacher', in_eval_mode)], ids=lambda value: getattr(value, '__name__', None))
def test_another_method_differs_by_far_more(example, trained, monkeypatch, name, change):
    monkeypatch.setattr(example, name, change(getattr(example, name)))
    found = differences(example, trained)
    assert max(found.values()) > 1000 * TOLERANCE, found


class Toy(nn.Module):
    """A student that is no segmentor of mmseg: one stage of four channels, three classes."""

    def __init__(self):
        super().__init__()
        self.stage, self.classifier = nn.Conv2d(3, 4, 4, stride=4), nn.Conv2d(4, 3, 1)

    def backbone(self, img):
        return [self.stage(img)]

    def decode_head(self, maps):
        return self.classifier(maps[0])


def test_any_student_learns_and_mixed_images_alone_are_augmented(example):
    label, img, target_img = torch.randint(0, 3, (2, 16, 16)), *torch.randn(2, 2, 3, 16, 16)
    losses = {}
    for name, options in dict(plain={}, augmented=dict(augment=torch.zeros_like)).items():
        torch.manual_seed(0)
        toy, projection = Toy(), nn.Linear(3, 4)
        before = deepcopy(toy.state_dict())
        losses[name] = example.ssr_step(
            0, img, label, target_img, toy, example.make_teacher(toy), nn.AvgPool2d(8),
            [projection], [lambda query, context: context.mean(1, keepdim=True).expand_as(query)],
            make_optimizer([*toy.parameters(), *projection.parameters()]), **options)
        assert projection.weight.grad.any()
        assert not any(torch.equal(before[key], value) for key, value in toy.state_dict().items())
    same = [one == two for one, two in zip(*losses.values())]
    assert same == [True, True, False, False]


def test_it_is_one_page_of_torch():
    text = EXAMPLE.read_text(encoding='utf-8')
    assert len(text.splitlines()) <= 130
    imported = [alias.name if isinstance(node, ast.Import) else node.module
                for node in ast.walk(ast.parse(text))
                if isinstance(node, (ast.Import, ast.ImportFrom)) for alias in node.names]
    assert {name.partition('.')[0] for name in imported} == {'copy', 'torch'}
