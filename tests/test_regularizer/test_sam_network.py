import os

import numpy as np
import pytest
import torch
from segment_anything import SamAutomaticMaskGenerator, SamPredictor, sam_model_registry
from segment_anything.modeling import ImageEncoderViT

from mmseg_ssr.errors import CheckpointError, ConfigError, MissingFile
from mmseg_ssr.regularizer.sam_attention import SAMAttention
from mmseg_ssr.regularizer.sam_network import PARTS, build_sam

SMALL = {
    'vit_b': dict(embed_dim=12, depth=2, num_heads=2, window_size=3, global_attn_indexes=[1],
                  out_chans=32),
    'vit_t': dict(embed_dims=(8, 8, 16, 16), depths=(1, 1, 1, 1), num_heads=(1, 2, 2, 2),
                  out_chans=32),
}
#: Published weights of MobileSAM, or a file in their layout.
MOBILE_SAM = os.environ.get('MOBILE_SAM', 'pretrained/mobile_sam.pt')


def small(variant, checkpoint=None, size=64, **changes):
    return build_sam(variant, checkpoint=checkpoint, input_size=size,
                     encoder_args={**SMALL[variant], **changes})


@pytest.fixture
def drawn():
    """An image with a bright disk on dark ground, and its mask."""
    y, x = np.mgrid[:192, :256]
    mask = (y - 90) ** 2 + (x - 120) ** 2 < 50 ** 2
    return np.where(mask[..., None], [220, 180, 40], [30, 40, 60]).astype(np.uint8), mask


@pytest.mark.parametrize('variant', SMALL)
def test_a_file_of_all_parts_gives_the_same_masks(variant, drawn, tmp_path):
    torch.manual_seed(0)
    sam, path = small(variant), tmp_path / 'sam.pth'
    torch.save(sam.state_dict(), path)
    image = torch.from_numpy(drawn[0]).permute(2, 0, 1)[None, :, :48, :64].float()
    asked = [dict(image=image[0], original_size=(48, 64), point_labels=torch.ones(1, 1),
                  point_coords=torch.tensor([[[20., 30.]]]))]
    expected, = sam(asked, multimask_output=True)
    found, = small(variant, str(path))(asked, multimask_output=True)
    assert found['masks'].shape == (1, 3, 48, 64)
    assert torch.equal(found['low_res_logits'], expected['low_res_logits'])
    other, = small(variant)(asked, multimask_output=True)
    assert not torch.equal(other['low_res_logits'], expected['low_res_logits'])


@pytest.mark.parametrize('variant', ['vit_b', 'vit_l', 'vit_h'])
def test_names_and_shapes_are_those_of_segment_anything(variant):
    with torch.device('meta'):
        ours, theirs = build_sam(variant, checkpoint=None), sam_model_registry[variant]()
    assert ({name: value.shape for name, value in ours.state_dict().items()}
            == {name: value.shape for name, value in theirs.state_dict().items()})


def test_the_vit_is_the_one_of_segment_anything_with_fused_attention():
    image_encoder = small('vit_b').image_encoder
    assert isinstance(image_encoder, ImageEncoderViT)
    assert all(isinstance(block.attn, SAMAttention) for block in image_encoder.blocks)


@pytest.mark.parametrize('variant, size, cells', [('vit_b', 96, 6), ('vit_t', 96, 6),
                                                  ('mini', 128, 16)])
def test_prompts_lie_on_the_map(variant, size, cells):
    sam = build_sam(variant, checkpoint=None, input_size=size, encoder_args=SMALL.get(variant))
    assert not sam.training
    assert sam.image_encoder.img_size == size
    assert sam.prompt_encoder.input_image_size == (size, size)
    features = sam.image_encoder(torch.zeros(1, 3, size, size))
    assert features.shape[2:] == (cells, cells) == sam.prompt_encoder.image_embedding_size
    assert features.shape[1] == sam.prompt_encoder.embed_dim == sam.mask_decoder.transformer_dim


def test_masks_are_found_without_a_prompt(drawn):
    """With random weights and every threshold off."""
    torch.manual_seed(0)
    sam = small('vit_t')
    found = SamAutomaticMaskGenerator(sam, points_per_side=2, pred_iou_thresh=-1e9,
                                      stability_score_thresh=-1).generate(drawn[0])
    assert found and all(one['segmentation'].shape == (192, 256) for one in found)


@pytest.mark.parametrize('part', PARTS)
def test_a_part_that_is_missing_is_named(part, tmp_path):
    weights = {name: value for name, value in small('vit_t').state_dict().items()
               if not name.startswith(part)}
    torch.save(weights, tmp_path / 'sam.pth')
    with pytest.raises(CheckpointError, match=f'does not hold this SAM {part.replace("_", " ")}'):
        small('vit_t', str(tmp_path / 'sam.pth'))


def test_a_file_of_another_variant(tmp_path):
    torch.save(small('vit_b').state_dict(), tmp_path / 'sam.pth')
    with pytest.raises(CheckpointError, match='does not hold this SAM image encoder'):
        small('vit_t', str(tmp_path / 'sam.pth'))


def test_bad_values():
    with pytest.raises(ConfigError, match="did you mean 'vit_t'"):
        build_sam('vitt', checkpoint=None)
    with pytest.raises(ConfigError, match='multiple of its patch size 16, got 20'):
        small('vit_t', size=20)
    with pytest.raises(TypeError, match='checkpoint'):
        build_sam('vit_t')
    with pytest.raises(MissingFile, match='no/mobile_sam.pt'):
        build_sam('vit_t', checkpoint='no/mobile_sam.pt')


@pytest.mark.skipif(not os.path.isfile(MOBILE_SAM), reason='no weights of MobileSAM here')
def test_published_weights_find_the_object_at_a_point(drawn):
    predictor = SamPredictor(build_sam('vit_t', checkpoint=MOBILE_SAM))
    image, expected = drawn
    predictor.set_image(image)
    masks, scores, _ = predictor.predict(np.array([[120, 90]]), np.array([1]))
    found = masks[scores.argmax()]
    assert (found & expected).sum() / (found | expected).sum() > 0.95
