"""Frozen sources of regions: what SAM gets and gives, and that nothing of it is trained."""
import copy

import numpy as np
import pytest
import torch
from torch import nn

from mmseg_ssr.errors import ConfigError, MissingFile
from mmseg_ssr.regions import (
    BoxSource,
    NoRegions,
    Regions,
    RegionSource,
    SAMRegions,
    build_box_source,
    build_region_source,
    register_region_source,
)
from mmseg_ssr.regions.clusters import connected_parts
from mmseg_ssr.regions.detectors import BOX_SOURCES
from mmseg_ssr.regions.source import REGION_SOURCES

TINY = dict(embed_dim=16, depth=1, num_heads=2, window_size=2, global_attn_indexes=[0],
            out_chans=16)
SAM = dict(type='sam', checkpoint=None, input_size=64, encoder_args=TINY, points_per_side=2)


class BrightParts:
    """Stands in for SAM's generator: one mask of all bright pixels, if there are any."""

    def __init__(self):
        self.images = []

    def generate(self, image):
        self.images.append(image)
        bright = image.mean(2) > 200
        return [dict(segmentation=bright, predicted_iou=0.9)] if bright.any() else []


@pytest.fixture
def source():
    source = build_region_source(SAM)
    source._generator = BrightParts()
    return source


def square(size=(48, 64), box=(4, 10, 30, 50)):
    """A dark image with a bright rectangle (y1, y2, x1, x2), and its mask."""
    mask = torch.zeros(*size, dtype=torch.bool)
    mask[box[0]:box[1], box[2]:box[3]] = True
    return torch.where(mask, 240., 20.).expand(3, -1, -1), mask


def normalized(source, *images):
    return (torch.stack(images) - source.mean) / source.std


def test_sam_sees_the_image_as_it_was_before_the_normalization(source):
    image = torch.randint(0, 256, (3, 20, 30)).float()
    source(normalized(source, image))
    seen = source._generator.images[0]
    assert seen.dtype == np.uint8
    assert np.array_equal(seen, image.permute(1, 2, 0).numpy())


def test_regions_are_upright_and_of_their_own_image(source):
    first, mask = square()
    second, other = square(box=(20, 45, 3, 25))
    found = source(normalized(source, first, second))
    again = source(normalized(source, second))
    assert torch.equal(found[0].masks[0], mask) and torch.equal(found[1].masks[0], other)
    assert torch.equal(again[0].masks[0], other)


def test_an_image_without_any_mask_has_no_region(source):
    found = source(torch.zeros(1, 3, 20, 30) - 1)[0]
    assert found.masks.shape == (0, 20, 30) and found.boxes.shape == (0, 4)


def test_a_whole_sam_gives_masks_of_the_image():
    source = build_region_source(dict(SAM, pred_iou_thresh=0., stability_score_thresh=0.))
    torch.manual_seed(0)
    found = source(torch.randn(2, 3, 24, 40))
    assert all(one.masks.shape[1:] == (24, 40) and one.masks.dtype == torch.bool for one in found)
    assert len(found[0].masks) == len(found[0].scores) > 0


def test_crops_of_an_image_without_any_mask_have_no_region():
    source = build_region_source(dict(SAM, crop_n_layers=1, pred_iou_thresh=1.))
    assert source(torch.zeros(1, 3, 24, 40))[0].masks.shape == (0, 24, 40)


def test_nothing_of_a_source_is_trained_saved_or_copied():
    source = build_region_source(SAM)
    holder = nn.Module()
    holder.source = source
    assert not list(holder.parameters()) and not holder.state_dict()
    assert copy.deepcopy(holder).source is source
    assert not any(p.requires_grad for p in source.network.parameters())
    holder.train()
    assert not source.network.training
    holder.double()
    assert next(source.network.parameters()).dtype == torch.float64


def test_boxes_tidy_what_sam_finds(source):
    class Half(BoxSource):
        def forward(self, img):
            assert 0 <= img.min() and img.max() <= 1
            return torch.tensor([[0., 0, img.shape[2] / 2, img.shape[1]]])

    left, _ = square(box=(4, 10, 3, 20))
    source.boxes = Half(nn.Identity())
    inside = Regions.of(torch.ones(1, 48, 64, dtype=torch.bool), torch.ones(1))
    source._inside = lambda image, boxes: inside
    found = source(normalized(source, left))[0]
    assert torch.equal(found.masks, inside.masks)
    right, mask = square(box=(4, 10, 40, 60))
    found = source(normalized(source, right))[0]
    assert torch.equal(found.masks, torch.cat([inside.masks, mask[None]]))


def test_sam_is_asked_for_a_mask_of_each_box():
    source = build_region_source(SAM)
    image = np.zeros((24, 40, 3), np.uint8)
    found = source._inside(image, torch.tensor([[0., 0, 10, 10], [5, 5, 30, 20]]))
    assert found.masks.shape == (2, 24, 40) and found.scores.shape == (2, )


def test_no_regions():
    found = build_region_source(dict(type='none'))(torch.randn(3, 3, 8, 12))
    assert [len(one.masks) for one in found] == [0, 0, 0]
    assert found[0].masks.shape[1:] == (8, 12)


def test_clusters_of_the_small_encoder_find_a_square():
    source = build_region_source(dict(type='mini', clusters=4))
    image, mask = square(size=(128, 128), box=(30, 90, 40, 110))
    found, again = source(normalized(source, image, image))
    overlap = [(one & mask).sum() / (one | mask).sum() for one in found.masks]
    turned = [(one & mask.T).sum() / (one | mask.T).sum() for one in found.masks]
    assert max(overlap) > 0.7 > max(turned)
    areas = found.masks.flatten(1).sum(1).tolist()
    assert areas == sorted(areas, reverse=True) and areas[-1] >= 30
    assert torch.equal(found.masks, again.masks)
    assert not list(source.parameters()) and not source.state_dict()


def test_each_connected_part_is_a_region():
    labels = torch.zeros(6, 8, dtype=torch.long)
    labels[:2, :2] = labels[4:, 5:] = labels[3, 0] = 1
    parts = connected_parts(labels, min_area=2)
    assert sorted(parts.flatten(1).sum(1).tolist()) == [4, 6, 37]
    assert not (parts.sum(0) > 1).any()


@pytest.mark.parametrize('config, message', [
    (dict(type='mini', clusters=0), 'regions.clusters must be at least 1, got 0'),
    (dict(type='sma'), r"regions.type must be one of \['mini', 'none', 'sam'\], got 'sma', did "
                       "you mean 'sam'"),
    (dict(checkpoint=None), 'regions.type must be one of'),
    (dict(type='none', variant='vit_b'), "regions of type 'none': .*variant"),
    (dict(SAM, points_per_side=0), 'points_per_side must be at least 1, got 0'),
    (dict(SAM, crop_n_layers=-1), 'crop_n_layers must be at least 0, got -1'),
    (dict(SAM, pred_iou_thresh=88), r'pred_iou_thresh must be in \[0, 1\], got 88'),
    (dict(SAM, box_nms_thresh=-0.1), r'box_nms_thresh must be in \[0, 1\], got -0.1'),
    (dict(SAM, variant='vit_x'), "SAM variant must be one of .*, got 'vit_x'"),
    (dict(SAM, boxes=dict(type='yolo')), r"regions.boxes.type must be one of \['torchvision'\]"),
])
def test_wrong_configs_end_in_one_line(config, message):
    with pytest.raises(ConfigError, match=message):
        build_region_source(config)


def test_a_missing_file_is_named():
    with pytest.raises(MissingFile, match='nowhere.pth'):
        build_region_source(dict(SAM, checkpoint='nowhere.pth'))


@pytest.mark.parametrize('config, message', [
    (dict(model='fasterrcnn_resnet'), "boxes.model must be one of .*, did you mean 'fasterrcnn_"),
    (dict(score=1.5), r'boxes.score must be in \[0, 1\], got 1.5')])
def test_wrong_detectors_end_in_one_line(config, message):
    with pytest.raises(ConfigError, match=message):
        build_box_source(dict(type='torchvision', checkpoint=None, **config))


def test_the_detector_keeps_boxes_of_a_score():
    detector = build_box_source(dict(type='torchvision', checkpoint=None, score=0.5))
    found = [dict(boxes=torch.arange(12.).view(3, 4), scores=torch.tensor([0.4, 0.5, 0.9]))]
    detector._outside = (lambda images: found, )
    assert torch.equal(detector(torch.rand(3, 8, 8)), found[0]['boxes'][1:])


def test_own_sources_can_be_registered(request):
    request.addfinalizer(lambda: REGION_SOURCES.pop('own'))

    class Own(RegionSource):
        def __init__(self):
            super().__init__(nn.Identity())

    register_region_source('own')(Own)
    assert isinstance(build_region_source(dict(type='own')), Own)
    with pytest.raises(ValueError, match="Own has the name 'own' already"):
        register_region_source('own')(NoRegions)
    with pytest.raises(TypeError, match='must be derived from RegionSource'):
        register_region_source('module')(nn.Module)


def test_known_names():
    assert REGION_SOURCES['sam'] is SAMRegions and set(BOX_SOURCES) == {'torchvision'}
