"""What belongs to which part of an iteration."""
import pytest
import torch

from mmseg_ssr.benchmark.measure import flop_counter
from mmseg_ssr.benchmark.parts import PartMeter, measure_parts


def test_inner_parts_are_not_counted_twice():
    reading = 0.

    def work(amount):
        nonlocal reading
        reading += amount

    meter = PartMeter(lambda: reading)
    work(1)
    with meter.part('outer'):
        work(2)
        meter.within('inner', work)(4)
        work(8)
    work(16)
    meter.account()
    assert meter.totals == dict(other=17, outer=10, inner=4)


def test_a_part_ends_with_an_error():
    reading = 0.
    meter = PartMeter(lambda: reading)
    with pytest.raises(ValueError), meter.part('outer'):
        raise ValueError
    reading = 1.
    meter.account()
    assert meter.totals['other'] == 1 and meter.totals['outer'] == 0


@pytest.fixture
def parts(method, batch):
    """The counted operations of an iteration by part, and their sum."""

    def count(**options):
        segmentor = method(**options)
        optimizer = torch.optim.SGD(segmentor.parameters(), 0.1)
        with flop_counter() as counter:
            found = measure_parts(segmentor, optimizer,
                                  lambda: segmentor.train_step(batch, optimizer),
                                  counter.get_total_flops)
            return found, counter.get_total_flops()

    return count


def test_every_operation_belongs_to_a_part(parts):
    found, total = parts(ssr=True, mic=True)
    assert sum(found.values()) == total
    assert set(found) >= {
        'SAM encoder', 'source backbone', 'mix backbone', 'masked backbone', 'head',
        'enhanced attention', 'enhanced head', 'feature distance', 'backward', 'teacher update',
        'teacher forward', 'optimizer', 'other'}
    assert found['source backbone'] == found['mix backbone'] == found['masked backbone'] > 0
    # three views go through the head, two of them once more enhanced
    assert found['head'] * 2 == found['enhanced head'] * 3 > 0
    assert found['SAM encoder'] > 0 and found['backward'] > found['source backbone']
    assert found['teacher forward'] > found['source backbone']  # backbone and head
    assert found['other'] < 0.01 * total


def test_joint_views_are_one_pass(parts):
    one_by_one, total = parts(mic=True)
    joint, joint_total = parts(mic=True, joint_views=True)
    assert joint['joint backbone'] == sum(
        one_by_one[f'{view} backbone'] for view in ('source', 'mix', 'masked'))
    assert joint_total == total


def test_the_target_view_is_one_of_its_own(parts):
    found, _ = parts(lambda_ent=0.1)
    assert found['source backbone'] == found['mix backbone'] == found['target backbone'] > 0


def test_without_a_teacher_there_is_one_view(parts):
    found, _ = parts(source_only=True, imnet_feature_dist_lambda=0)
    assert {name for name in found if name.endswith('backbone')} == {'source backbone'}


def test_nothing_stays_replaced(method):
    segmentor = method()
    optimizer = torch.optim.SGD(segmentor.parameters(), 0.1)
    backward = torch.autograd.backward
    measure_parts(segmentor, optimizer, lambda: None, lambda: 0.)
    assert torch.autograd.backward is backward
    assert segmentor.model.backbone._compiled_call_impl is None
    assert 'update' not in vars(segmentor.teacher)
