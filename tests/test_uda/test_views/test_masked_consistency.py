import pytest
import torch
from tiny_networks import maker_of

from mmseg_ssr.errors import ConfigError
from mmseg_ssr.methods.segmentor import batch_of
from mmseg_ssr.uda import (
    Batch,
    BlockMask,
    Draws,
    MaskedConsistency,
    PseudoLabel,
    StrongAugmentation,
    View,
)
from mmseg_ssr.uda.views.masked_consistency import (
    MASK_MODES,
    MaskedConsistencyKeys,
    half_and_half,
)

MEAN, STD = torch.full((1, 3, 1, 1), 120.), torch.full((1, 3, 1, 1), 60.)


def test_hides_blocks_where_the_number_does_not_exceed_the_ratio():
    class Grid(Draws):
        def block_grid(self, image, shape, device):
            assert (image, *shape) == (0, 2, 3)
            return torch.tensor([[0.71, 0.7, 0.1], [0.9, 0.2, 0.8]])

    img = torch.ones(1, 3, 32, 48)
    masked = BlockMask(0.7, 16)(img, Grid())
    kept = masked[0, 0, ::16, ::16].bool().tolist()
    assert kept == [[True, False, False], [True, False, True]]
    assert torch.equal(masked[0, 0, :16, :16], torch.ones(16, 16))


def test_hides_about_its_ratio():
    mask = BlockMask(0.7, 4).mask(torch.zeros(2, 3, 256, 256), Draws(0))
    assert abs(mask.mean().item() - 0.3) < 0.02


@pytest.mark.parametrize('options', [dict(mask_ratio=1.5, mask_block_size=8),
                                     dict(mask_ratio=0.5, mask_block_size=0)])
def test_bad_values(options):
    with pytest.raises(ValueError, match='mask_(ratio|block_size) must be'):
        BlockMask(**options)


def view(mode, pseudo=True, ratio=0.):
    """The masked view of source images of ones, labeled 0, and target images of twos, labeled 1
    with a weight of 0.25."""
    consistency = MaskedConsistency(mode, BlockMask(ratio, 8), StrongAugmentation())
    source, target = torch.ones(2, 3, 16, 16), torch.full((2, 3, 16, 16), 2.)
    label = torch.zeros(2, 1, 16, 16).long()
    labels = PseudoLabel(torch.ones(2, 1, 16, 16).long(), torch.full((2, 16, 16), 0.25))
    return consistency(Batch(source, label, MEAN, STD, target), labels if pseudo else None,
                       Draws(1))


# mode -> of both images: value, label, weight
CHOICES = {'separatesrc': ([1, 1], [0, 0], None), 'separatetrg': ([2, 2], [1, 1], [0.25, 0.25]),
           'separate': ([1, 2], [0, 1], [1, 0.25])}


@pytest.mark.parametrize('mode', MASK_MODES)
def test_the_modes_choose_images_labels_and_weights(mode):
    values, labels, weights = CHOICES[mode.removesuffix('aug')]
    got = view(mode)
    if mode.endswith('aug'):
        assert (got.img.mean((1, 2, 3)) != torch.tensor(values)).all()
    else:
        assert got.img.mean((1, 2, 3)).tolist() == values
    assert got.label.float().mean((1, 2, 3)).tolist() == labels
    assert got.weight is None if weights is None else got.weight.mean((1, 2)).tolist() == weights


@pytest.mark.parametrize('mode', MASK_MODES)
def test_every_mode_masks_last(mode):
    img = view(mode, ratio=0.5).img
    hidden = (img == 0).all(1)  # an augmentation behind the mask would leave no zeros
    blocks = hidden.unfold(1, 8, 8).unfold(2, 8, 8).flatten(3)
    assert (blocks.all(-1) == blocks.any(-1)).all() and 0 < blocks[..., 0].sum() < 8


@pytest.mark.parametrize('mode', MASK_MODES)
def test_without_pseudo_labels_the_source_is_masked(mode):
    got = view(mode, pseudo=False)
    assert not got.label.any() and got.weight is None
    assert mode.endswith('aug') or (got.img == 1).all()


@pytest.mark.parametrize('images, sources', [(1, 1), (3, 2), (4, 2)])
def test_an_odd_batch_has_the_larger_half_from_the_source(images, sources):
    batch = [View('masked', torch.full((images, 3, 4, 4), value), torch.zeros(images, 1, 4, 4),
                  torch.ones(images, 4, 4)) for value in (1., 2.)]
    expected = [1] * sources + [2] * (images - sources)
    assert half_and_half(*batch).img[:, 0, 0, 0].tolist() == expected


def test_an_unknown_mode_is_an_error():
    with pytest.raises(ConfigError, match="mask_mode must be 'separate', .*, got 'target'"):
        MaskedConsistencyKeys(mask_mode='target')


@pytest.mark.parametrize('options, own', [
    (dict(), None), (dict(mask_alpha=0.999, mask_pseudo_threshold=0.097), None),
    (dict(mask_alpha=0.5), (0.5, 0.097)), (dict(mask_pseudo_threshold=0.5), (0.999, 0.5)),
    (dict(mask_alpha=0.9, mask_pseudo_threshold=0.7), (0.9, 0.7))])
def test_numbers_of_its_own_make_a_teacher_of_its_own(method, options, own):
    masked = maker_of(method(mic=True, **options), 'masked')
    teacher = masked.teacher
    assert own is None if teacher is None else (teacher.alpha, masked.threshold) == own


@pytest.mark.parametrize('mode', ['separatetrg', 'separate'])
def test_a_teacher_of_its_own_labels_the_masked_images(method, batch, mode):
    segmentor = method(mic=True, mask_mode=mode, mask_alpha=0.5, mask_pseudo_threshold=0.)
    masked, seen, labeled = maker_of(segmentor, 'masked'), [], []
    with torch.no_grad():  # it is sure that all is a bus, the host's teacher is not
        bias = torch.zeros(19).index_fill(0, torch.tensor(15), 100.)
        masked.teacher.network.decode_head.conv_seg.bias.copy_(bias)
    masked.teacher.update = lambda student: None
    masked.teacher.network.backbone.register_forward_hook(lambda *args: labeled.append(1))
    make = masked.forward
    masked.forward = lambda *args: seen.append(make(*args)) or seen[0]
    segmentor.train_step(batch, torch.optim.SGD(segmentor.parameters(), lr=0.))
    assert len(labeled) == 1
    assert (seen[0].label[-1] == 15).all() and (seen[0].weight[-1] == 1).all()


@pytest.mark.parametrize('options', [dict(mask_mode='separatesrc'), dict(source_only=True)])
def test_no_teacher_of_its_own_where_it_would_label_nothing(method, batch, options):
    segmentor = method(mic=True, mask_alpha=0.5, mask_pseudo_threshold=0., **options)
    masked, seen = maker_of(segmentor, 'masked'), []
    assert masked.teacher is None
    make = masked.forward
    masked.forward = lambda *args: seen.append(make(*args)) or seen[0]
    segmentor.train_step(batch, torch.optim.SGD(segmentor.parameters(), lr=0.))
    assert torch.equal(seen[0].label, batch['gt_semantic_seg']) and seen[0].weight is None


def test_a_teacher_of_its_own_goes_where_the_method_goes(method):
    segmentor = method(mic=True, mask_alpha=0.5).double()
    assert len(segmentor.teachers) == 2
    for teacher in segmentor.teachers:
        assert next(teacher.network.parameters()).dtype == torch.float64


def test_a_threshold_of_its_own_weighs_its_own_labels(method, batch):
    segmentor = method(mic=True, mask_pseudo_threshold=0.)
    views = {view.name: view for view in segmentor.make_views(batch_of(batch))}
    assert (views['masked'].weight == 1).all() and views['mix'].weight.min() < 1


def test_a_mask_is_of_square_blocks_the_nearest_number_of_them():
    class Noting(Draws):
        def block_grid(self, image, shape, device):
            drawn.append((image, *shape))
            return super().block_grid(image, shape, device)

    drawn = []
    for size in ((32, 48), (44, 60), (5, 90)):
        mask = BlockMask(0.5, 16).mask(torch.zeros(2, 3, *size), Noting(1))
        assert mask.shape == (2, 1, *size)
    assert drawn == [(0, 2, 3), (1, 2, 3), (0, 3, 4), (1, 3, 4), (0, 1, 6), (1, 1, 6)]


def test_the_view_has_its_weight_and_augments_with_the_batchs_colors():
    given = []

    def augment(*args):
        given.append(args)
        return args[0] + 5

    batch = Batch(torch.ones(2, 3, 16, 16), torch.zeros(2, 1, 16, 16), MEAN, STD,
                  torch.full((2, 3, 16, 16), 2.))
    labels = PseudoLabel(torch.ones(2, 1, 16, 16).long(), torch.full((2, 16, 16), 0.25))
    for mode in MASK_MODES:
        made = MaskedConsistency(mode, BlockMask(0., 8), augment, 0.3)(batch, labels, Draws(1))
        assert (made.name, made.scale, made.regularized) == ('masked', 0.3, False)
        assert made.img.max() == CHOICES[mode.removesuffix('aug')][0][1] + 5 * mode.endswith('aug')
        assert made.label.dtype == torch.int64
    assert len(given) == 3 and all(args[1] is MEAN and args[2] is STD for args in given)


@pytest.mark.parametrize('rank, sources', [(0, 3), (1, 2), (2, 0)])
def test_halves_are_those_of_all_processes(monkeypatch, rank, sources):
    """Three processes of three images: five of the nine are of the source."""
    monkeypatch.setattr('mmseg_ssr.distributed.world_size', lambda: 3)
    monkeypatch.setattr('mmseg_ssr.distributed.rank', lambda: rank)
    batch = [View('masked', torch.full((3, 3, 4, 4), value), torch.full((3, 1, 4, 4), value),
                  torch.full((3, 4, 4), 0.5)) for value in (1., 2.)]
    made = half_and_half(*batch)
    expected = [1] * sources + [2] * (3 - sources)
    assert made.img[:, 0, 0, 0].tolist() == made.label[:, 0, 0, 0].tolist() == expected
    assert made.weight[:, 0, 0].tolist() == [1.] * sources + [0.5] * (3 - sources)


@pytest.mark.parametrize('mode, shared, has_targets, own', [
    ('separatetrg', True, True, False), ('separatetrg', False, True, True),
    ('separatetrg', False, False, False), ('separatesrc', False, True, False)])
def test_a_teacher_of_its_own_is_made_where_it_is_needed(mode, shared, has_targets, own):
    keys = MaskedConsistencyKeys(mode, mask_generator=dict(
        type='block', mask_ratio=0.7, mask_block_size=16))
    student = torch.nn.Conv2d(3, 3, 1)
    built = keys.build(student, StrongAugmentation(), 0.9, 0.8, shared, has_targets)
    assert (built.teacher is not None) == own and built.threshold == 0.8
    assert not own or built.teacher.alpha == 0.9


def test_images_may_be_enlarged_before_they_are_masked():
    img = torch.randn(1, 3, 16, 24)
    masked = BlockMask(0., 8, input_size=32)(img, Draws(0))
    expected = torch.nn.functional.interpolate(img, (32, 32), mode='bilinear')
    torch.testing.assert_close(masked, expected)
    kept = (BlockMask(0.5, 8, input_size=32)(img + 9, Draws(0))[0, 0] != 0).view(4, 8, 4, 8)
    blocks = kept[:, 0, :, 0]
    assert 0 < blocks.sum() < 16  # the blocks are whole on the enlarged image
    assert torch.equal(kept, blocks[:, None, :, None].expand_as(kept))


def test_the_size_of_masked_images_is_checked():
    with pytest.raises(ValueError, match='input_size must be at least 1 pixel or None, got 0'):
        BlockMask(0.5, 8, input_size=0)
    keys = MaskedConsistencyKeys(mask_mode='separatetrg', mask_generator=dict(
        type='block', mask_ratio=0.5, mask_block_size=8, input_size=32))
    with pytest.raises(ConfigError, match='uda.joint_views: masked images have a size of their'):
        keys.check_joint_views()
    MaskedConsistencyKeys().check_joint_views()
