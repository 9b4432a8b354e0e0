import cv2
import numpy as np
import pytest
import torch
from mmseg.models.builder import SEGMENTORS

from mmseg_ssr.deploy.predictor import read_image
from mmseg_ssr.regularizer import build_regularizer
from mmseg_ssr.report import regularization
from mmseg_ssr.report.predictions import Checkpointed
from mmseg_ssr.report.runs import read_run

CPU = torch.device('cpu')


@pytest.fixture(scope='module')
def trained(runs):
    return Checkpointed(read_run(str(runs.ssr)), CPU)


@pytest.fixture(scope='module')
def branches(trained):
    return regularization.both_branches(trained, [1])[0]


def test_attention_is_over_the_encoders_map_in_every_stage(branches):
    assert list(branches.attention) == [0, 1, 2, 3]
    for maps in branches.attention.values():
        assert maps.shape == (len(branches.points), 2, 2)  # the tiny encoder's
        np.testing.assert_allclose(maps.sum(axis=(1, 2)), 1, rtol=1e-5)
        assert 1 <= regularization.looked_at(maps) <= 4


def test_the_shadow_branch_is_what_is_tested(trained, branches):
    predicted = next(trained.predictions([1]))
    assert predicted.label.shape == branches.shadow.shape
    assert (predicted.label == branches.shadow).mean() > 0.99
    different, right, other = regularization.shares(branches)
    assert different > 0 and branches.distance > 0
    counted = branches.truth != 255
    assert right == pytest.approx(100 * (predicted.label == predicted.truth)[counted].mean(), abs=1)
    assert 0 <= other <= 100


def test_a_branch_that_adds_nothing_does_not_differ(trained, monkeypatch):
    load = torch.nn.Module.load_state_dict

    def without_output(module, state, *args, **kwargs):
        load(module, state, *args, **kwargs)
        for attention in getattr(module, 'attentions', {}).values():
            torch.nn.init.zeros_(attention.proj.weight)
            torch.nn.init.zeros_(attention.proj.bias)

    monkeypatch.setattr('mmseg_ssr.regularizer.FeatureRegularizer.load_state_dict', without_output)
    same, = regularization.both_branches(trained, [0])
    assert same.distance == 0 and regularization.shares(same)[0] == 0


def test_points_are_of_the_rarest_classes_that_are_large_enough():
    truth = np.zeros((40, 40), np.uint8)
    truth[:, 30:] = 2
    truth[10:20, 5:15] = 7
    truth[0, 0] = 9  # too small
    truth[39] = 255
    points = regularization.chosen_points(truth)
    assert [c for c, *_ in points] == [7, 2, 0]
    assert all(truth[row, column] == c for c, row, column in points)
    row, column = points[0][1:]
    assert 13 <= row <= 16 and 8 <= column <= 11  # in the middle of it
    assert regularization.chosen_points(np.full((4, 6), 255, np.uint8)) == [(255, 2, 3)]


def test_cells_of_the_points():
    cells = regularization._cells([(0, 0, 0), (0, 39, 79), (0, 20, 10)], (40, 80), (4, 8))
    assert cells.tolist() == [0, 31, 17]


def test_only_checkpoints_with_a_regularizer_have_one(runs):
    assert regularization.has_regularizer(Checkpointed(read_run(str(runs.ssr)), CPU).content)
    assert not regularization.has_regularizer(
        Checkpointed(read_run(str(runs.source_only)), CPU).content)


def test_hrda_has_both_branches_too(daformer_b0, tiny_sam, tmp_path):
    head = dict(daformer_b0.decode_head, type='HRDAHead', single_scale_head='DAFormerHead',
                attention_embed_dim=8)
    daformer_b0.update(type='HRDAEncoderDecoder', decode_head=head, scales=[1, 0.5],
                       hr_crop_size=[32, 32], feature_scale=0.5, crop_coord_divisible=8)
    hrda = SEGMENTORS.build(daformer_b0).eval()
    regularizer = build_regularizer(hrda, encoder=tiny_sam).eval()
    cv2.imwrite(str(tmp_path / 'a.png'), np.random.default_rng(0).integers(
        0, 255, (64, 96, 3)).astype(np.uint8))
    sample = dict(batch=dict(img=[torch.randn(1, 3, 64, 96)],
                             img_metas=[[dict(filename=str(tmp_path / 'a.png'))]]),
                  label=[torch.zeros(64, 96, dtype=torch.uint8)])
    found = regularization._branches(hrda, regularizer, sample, read_image)
    assert found.shadow.shape == found.regularized.shape == (64, 96)
    assert [maps.shape for maps in found.attention.values()] == [(1, 2, 2)] * 4
    assert found.distance > 0
