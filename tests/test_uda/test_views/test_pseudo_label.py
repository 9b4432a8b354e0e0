import pytest
import torch

from mmseg_ssr.errors import ConfigError
from mmseg_ssr.uda import EMATeacher, PseudoLabeler, pseudo_label
from mmseg_ssr.uda.encoder_maps import EncoderMaps
from mmseg_ssr.uda.views.pseudo_label import PseudoLabelKeys

from .. import toy_student
from ..toy_student import Student


def logits():
    """Two 2 x 2 images of 2 classes; 3 of the 8 pixels are confident."""
    odds = torch.tensor([[[4., 0.], [0., -4.]], [[0., 0.], [4., 0.]]])
    return torch.stack([odds, torch.zeros_like(odds)], dim=1)


def test_weight_is_the_confident_share_of_the_whole_batch():
    label, weight, _ = pseudo_label(logits(), threshold=0.9)
    assert weight.shape == (2, 2, 2) and torch.equal(weight, torch.full((2, 2, 2), 3 / 8))
    assert label[0, 0].tolist() == [[0, 0], [0, 1]]


def test_ignored_rows_get_no_weight_but_count_in_the_share():
    _, weight, _ = pseudo_label(logits(), threshold=0.9, ignore_top=1)
    assert not weight[:, 0].any() and torch.equal(weight[:, 1], torch.full((2, 2), 3 / 8))
    _, weight, _ = pseudo_label(logits(), threshold=0.9, ignore_bottom=1)
    assert not weight[:, 1].any() and weight[:, 0].all()


def test_the_valid_mask_multiplies():
    mask = torch.tensor([[[[1, 0], [1, 1]]], [[[0, 0], [0, 1]]]])
    _, weight, _ = pseudo_label(logits(), threshold=0.9, valid_mask=mask)
    assert torch.equal(weight > 0, mask.squeeze(1).bool())


def test_a_pixel_as_sure_as_the_threshold_counts():
    even = torch.zeros(1, 2, 2, 2)
    assert (pseudo_label(even, threshold=0.5).weight == 1).all()
    assert not pseudo_label(even, threshold=0.51).weight.any()


def test_the_valid_mask_scales_the_weight_of_any_shape_and_dtype():
    mask = torch.tensor([[[1, 0], [1, 1]], [[0, 0], [0, 1]]], dtype=torch.uint8)
    for shape in ((2, 2, 2), (2, 1, 2, 2)):
        _, weight, _ = pseudo_label(logits(), threshold=0.9, ignore_top=1,
                                    valid_mask=mask.view(shape))
        expected = torch.tensor([[[0, 0], [1, 1]], [[0, 0], [0, 1]]]) * 3 / 8
        assert torch.equal(weight, expected)


def test_a_label_is_what_the_teacher_says_of_the_target_image():
    teacher, batch = EMATeacher(Student()), toy_student.batch()
    maps = teacher.network.extract_feat(batch.target_img)
    expected = torch.nn.functional.interpolate(
        teacher.network.decode_head(maps), (16, 16), mode='bilinear')
    for options in (dict(), dict(ignore_top=3, ignore_bottom=4)):
        label, weight, _ = PseudoLabeler(0.4, **options)(teacher, batch)
        found = pseudo_label(expected, 0.4, **options)
        assert torch.equal(label, found.label)
        torch.testing.assert_close(weight, found.weight)
        assert not (label.requires_grad or weight.requires_grad)
    assert 0 < weight.max() < 1


def test_rows_and_the_batchs_valid_mask_get_no_weight():
    valid = torch.ones(2, 1, 16, 16)
    valid[:, :, :, :5] = 0
    batch = toy_student.batch(valid_mask=valid)
    _, weight, _ = PseudoLabeler(0., ignore_top=3, ignore_bottom=4)(EMATeacher(Student()), batch)
    expected = torch.zeros(2, 16, 16)
    expected[:, 3:12, 5:] = 1
    assert torch.equal(weight, expected)


def test_another_threshold_than_the_labelers():
    labeler = PseudoLabeler(1.)
    teacher, batch = EMATeacher(Student()), toy_student.batch()
    assert not labeler(teacher, batch).weight.any()
    assert (labeler(teacher, batch, 0.).weight == 1).all()


def test_the_regularized_branch_labels_with_the_map_of_the_target_image():
    teacher, regularizer, batch = EMATeacher(Student()), toy_student.regularizer(), \
        toy_student.batch()
    label, _, _ = PseudoLabeler(0., maps=EncoderMaps(regularizer))(teacher, batch)
    assert regularizer.encoder.seen == [batch.target_img]
    maps = regularizer(teacher.network.extract_feat(batch.target_img),
                       regularizer.encode(batch.target_img))
    logits = torch.nn.functional.interpolate(
        teacher.network.decode_head(maps), (16, 16), mode='bilinear')
    assert torch.equal(label, logits.argmax(1, keepdim=True))


def test_windows_of_an_image_share_its_map():
    regularizer, img = toy_student.regularizer(), torch.randn(2, 3, 16, 16)
    enhance = PseudoLabeler(maps=EncoderMaps(regularizer))._enhancement(img)
    windows = [torch.randn(6, 4, size, size) for size in (4, 2)]  # three windows of two images
    context = regularizer.encode(img)
    expected = regularizer(windows, torch.cat([context] * 3))
    for maps, own in zip(expected, enhance(windows)):
        torch.testing.assert_close(own, maps)
    assert PseudoLabeler()._enhancement(img) is None


def test_keys_become_the_labelers_numbers():
    keys = PseudoLabelKeys(0.7, 3, 4, 'regularized')
    teacher, maps = EMATeacher(Student()), EncoderMaps(toy_student.regularizer())
    made = keys.build(teacher, maps)
    assert (made.threshold, made.ignore_top, made.ignore_bottom) == (0.7, 3, 4)
    assert made.maps is maps
    assert PseudoLabelKeys().build(teacher, maps).maps is None


@pytest.mark.parametrize('rows', [
    dict(ignore_top=2), dict(ignore_bottom=2), dict(ignore_top=1, ignore_bottom=1)])
def test_a_crop_without_any_row_left_is_refused(rows):
    with pytest.raises(ConfigError, match='no row of the crops, which are 2 pixels high'):
        pseudo_label(logits(), threshold=0.9, **rows)


def test_the_mirror_image_has_its_say():
    teacher, batch = EMATeacher(Student()), toy_student.batch()
    answers = []
    for img in (batch.target_img, batch.target_img.flip(3)):
        logits = teacher.network.decode_head(teacher.network.extract_feat(img))
        answers.append(torch.nn.functional.interpolate(logits, (16, 16), mode='bilinear'))
    mean = (answers[0].softmax(1) + answers[1].softmax(1).flip(3)) / 2
    threshold = mean.amax(1).median().item()
    label, weight, _ = PseudoLabeler(threshold, mirror=True)(teacher, batch)
    assert torch.equal(label, mean.argmax(1, keepdim=True))
    assert weight.unique().item() == pytest.approx(0.5, abs=0.01)
    assert not torch.equal(label, PseudoLabeler(threshold)(teacher, batch).label)
    assert PseudoLabelKeys(pseudo_label_mirror=True).build(teacher, EncoderMaps()).mirror
