import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mmseg_ssr.errors import ConfigError
from mmseg_ssr.uda import AdversarialAdaptation
from mmseg_ssr.uda.losses.adversarial import AdversarialKeys


def build(**options):
    torch.manual_seed(0)
    return AdversarialAdaptation(3, dict(main=0.1, aux=0.02), **options)


@pytest.fixture
def logits():
    return {level: torch.randn(2, 3, 32, 32, requires_grad=True) for level in ('main', 'aux')}


@pytest.mark.parametrize('kind, loss', [
    ('LS', lambda answer, domain: (answer - domain).square().mean()),
    ('Vanilla', lambda answer, domain: -(F.logsigmoid(answer) if domain else
                                         F.logsigmoid(-answer)).mean())])
def test_losses_are_those_of_the_paper(logits, kind, loss):
    part = build(kind=kind)
    answers = {level: part.network[level](logits[level].softmax(1)) for level in logits}
    assert answers['main'].shape == (2, 1, 1, 1)
    expected = {'G_trg.loss.main': 0.1 * loss(answers['main'], 0),
                'G_trg.loss.aux': 0.02 * loss(answers['aux'], 0),
                'D_trg.loss.main': loss(answers['main'], 1) / 2,
                'D_trg.loss.aux': loss(answers['aux'], 1) / 2}
    torch.testing.assert_close(part(logits), expected)
    torch.testing.assert_close(part.source_losses(logits), {
        f'D_src.loss.{level}': loss(answer, 0) / 2 for level, answer in answers.items()})


def test_student_and_discriminators_get_gradients_of_their_own_losses_alone(logits):
    part = build()
    losses = part(logits)
    (losses['G_trg.loss.main'] + losses['G_trg.loss.aux']).backward()
    assert all(value.grad.abs().sum() > 0 for value in logits.values())
    assert all(p.grad is None for p in part.network.parameters())
    before = {level: value.grad.clone() for level, value in logits.items()}
    losses = {**part(logits), **part.source_losses(logits)}
    sum(losses[f'D_{domain}.loss.{level}'] for domain in ('src', 'trg')
        for level in logits).backward()
    assert all(p.grad.abs().sum() > 0 for p in part.network.parameters())
    assert all(torch.equal(value.grad, before[level]) for level, value in logits.items())


def test_discriminators_learn_to_tell_the_domains(logits):
    part = build(rate=1e-3)
    other = {level: value.detach() * 5 for level, value in logits.items()}
    first = last = None
    for _ in range(8):
        part.optimizer.zero_grad()
        losses = {**part.source_losses(logits), **part(other)}
        last = sum(value for name, value in losses.items() if name.startswith('D_'))
        first = first if first is not None else last.item()
        last.backward()
        part.optimizer.step()
    assert last.item() < 0.7 * first


def rate(part):
    return part.optimizer.param_groups[0]['lr']


def test_the_rate_follows_the_student_or_a_schedule_of_its_own():
    student = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.5)
    part = build(rate=1e-4, rate_min=1e-5)
    part.set_rate(7, student)
    assert rate(part) == pytest.approx(1e-4)  # no schedule
    student.param_groups[0].update(initial_lr=0.5, lr=0.1)
    part.set_rate(7, student)
    assert rate(part) == pytest.approx(1e-5 + 0.2 * 9e-5)
    part = build(rate=1e-4, rate_power=0.9, max_iters=40)
    part.set_rate(10, student)
    assert rate(part) == pytest.approx(1e-4 * 0.75 ** 0.9)


def test_nobody_but_its_own_optimizer_sees_the_discriminators():
    part = build()
    assert not list(part.parameters()) and not part.state_dict()
    assert part.to(torch.float64).network['main'][0].weight.dtype is torch.float64


@pytest.mark.parametrize('options, message', [
    (dict(discriminator_type='GAN'), "discriminator_type must be 'LS' or 'Vanilla', got 'GAN'"),
    (dict(lr_D=0.), 'lr_D must be above 0'), (dict(lr_D_min=1.), 'lr_D_min must be at most lr_D'),
    (dict(lambda_adv_target=-1.), 'lambda_adv_target must be at least 0'),
    (dict(lambda_adv_target=dict(aux=-1.)), 'lambda_adv_target.aux must be at least 0')])
def test_wrong_values(options, message):
    with pytest.raises(ConfigError, match=message):
        AdversarialKeys(**options)
