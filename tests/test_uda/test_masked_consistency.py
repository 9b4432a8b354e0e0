import pytest
import torch

from mmseg_ssr.uda import BlockMask, Draws, MaskedConsistency, PseudoLabel, StrongAugmentation

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


def view(mode, pseudo=True):
    consistency = MaskedConsistency(mode, BlockMask(0., 8), StrongAugmentation())
    source, target = torch.ones(2, 3, 16, 16), torch.full((2, 3, 16, 16), 2.)
    label = torch.zeros(2, 1, 16, 16).long()
    labels = PseudoLabel(torch.ones(2, 1, 16, 16).long(), torch.full((2, 16, 16), 0.25))
    return consistency.view(source, label, target, labels if pseudo else None, MEAN, STD, Draws(1))


def test_the_modes_choose_images_labels_and_weights():
    target = view('separatetrg')
    assert target.img.mean() == 2 and target.label.all() and (target.weight == 0.25).all()
    source = view('separatesrc')
    assert source.img.mean() == 1 and not source.label.any() and source.weight is None
    both = view('separate')
    assert both.img.mean((1, 2, 3)).tolist() == [1, 2]
    assert both.label.float().mean((1, 2, 3)).tolist() == [0, 1]
    assert both.weight.mean((1, 2)).tolist() == [1, 0.25]


def test_without_pseudo_labels_the_source_is_masked():
    assert view('separatetrg', pseudo=False).img.mean() == 1


def test_aug_modes_augment_first():
    assert view('separatetrgaug').img.mean() != 2


def test_an_unknown_mode_is_an_error():
    with pytest.raises(ValueError, match="mask_mode must be one of .*, got 'target'"):
        MaskedConsistency('target', BlockMask(0.5, 8), StrongAugmentation())


def test_a_teacher_of_its_own_goes_where_the_method_goes(method):
    segmentor = method(mic=True, mask_alpha=0.5).double()
    assert len(segmentor.teachers) == 2
    for teacher in segmentor.teachers:
        assert next(teacher.network.parameters()).dtype == torch.float64
