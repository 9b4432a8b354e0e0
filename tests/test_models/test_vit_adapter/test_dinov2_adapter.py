"""DINOv2 with its adapter: sizes, weights files, gradients of one image, what it refuses."""
import logging

import pytest
import torch
from mmseg.models.builder import BACKBONES
from torch import nn

from mmseg_ssr.errors import CheckpointError, ConfigError
from mmseg_ssr.models.vit_adapter.dinov2_adapter import quarters, resampled_positions

TINY = dict(type='DINOv2Adapter', model='vit_small_patch14_dinov2', input_size=224,
            conv_inplane=8, batch_norm_cfg=dict(type='BN', momentum=0.01),
            model_args=dict(depth=4, embed_dim=24, num_heads=2))


def built(**options):
    torch.manual_seed(0)
    backbone = BACKBONES.build(dict(TINY, **options))
    backbone.init_weights()
    return backbone


@pytest.mark.parametrize('input_size, img, expected', [
    (224, (96, 128), 56), (None, (200, 250), 56), (448, (448, 448), 112)])
def test_images_are_resized_first(input_size, img, expected):
    maps = built(input_size=input_size).eval()(torch.randn(1, 3, *img))
    assert [one.shape for one in maps] == [(1, 24, expected // s, expected // s)
                                           for s in (1, 2, 4, 8)]


def test_sides_are_resized_to_the_nearest_multiple_each():
    maps = built(input_size=None).eval()(torch.randn(1, 3, 224, 400))
    assert maps[0].shape == (1, 24, 56, 112)


def test_patches_of_16():
    backbone = built(patch_size=16, input_size=96).eval()
    assert backbone.stride == 32
    assert [one.shape[2] for one in backbone(torch.randn(1, 3, 64, 64))] == [24, 12, 6, 3]


def test_the_grid_of_the_training_keeps_its_positions():
    positions = torch.randn(1, 9, 4)
    assert resampled_positions(positions, (3, 3)) is positions
    assert resampled_positions(positions, (2, 4)).shape == (1, 8, 4)
    constant = resampled_positions(torch.ones(1, 9, 4), (5, 7))
    torch.testing.assert_close(constant, torch.ones(1, 35, 4))


def test_the_injectors_start_as_identity():
    """So the ViT starts as DINOv2: its blocks see what they see without an adapter."""
    backbone = built().eval()
    img = torch.randn(1, 3, 224, 224)
    x, _ = backbone.patch_tokens(img)
    tokens = torch.cat([backbone.class_token(), x], 1)
    for block in backbone.vit.blocks:
        tokens = block(tokens)
    seen = []
    backbone.vit.blocks[-1].register_forward_hook(lambda *values: seen.append(values[2]))
    backbone(img)
    torch.testing.assert_close(seen[0], tokens)


def test_gradients_of_one_image_are_those_of_a_batch():
    """Batch norm of a transposed map had wrong gradients for a batch of one."""
    backbone = built()
    img = torch.randn(1, 3, 224, 224)
    gradients = []
    for images in (img, img.expand(2, -1, -1, -1)):
        backbone.zero_grad()
        sum((one[:1] ** 3).mean() for one in backbone(images)).backward()
        gradients.append({name: p.grad.flatten() for name, p in backbone.named_parameters()})
    for name in ('norm2.weight', 'norm4.weight', 'spm.conv2.0.weight', 'vit.cls_token'):
        one, two = (gradient[name] for gradient in gradients)
        assert one.any()
        assert nn.functional.cosine_similarity(one, two, dim=0) > 0.99, name


def test_checkpointing_changes_no_gradient():
    img = torch.randn(2, 3, 224, 224)
    gradients = []
    for with_cp in (False, True):
        backbone = built(with_cp=with_cp)
        sum(one.square().mean() for one in backbone(img)).backward()
        gradients.append([p.grad for p in backbone.parameters()])
    for one, other in zip(*gradients):
        torch.testing.assert_close(one, other)


# ---------------------------------------------------------------- weights files
def dinov2_file(backbone):
    """The ViT of a backbone as DINOv2 is published."""
    vit = {name: value + 1 for name, value in backbone.vit.state_dict().items()}
    return {**vit, 'mask_token': torch.zeros(1, 24), 'norm.weight': torch.ones(24),
            'norm.bias': torch.ones(24)}


def adapter_file(backbone):
    """A backbone as the pre-trained adapters of VFM-UDA++ are published."""
    state = {f'network.encoder.{name[4:] if name.startswith("vit.") else name}': value
             for name, value in backbone.state_dict().items()}
    return dict(state_dict={**state, 'network.head.weight': torch.ones(1000, 24)}, epoch=3)


def test_dinov2_loads_with_a_warning(tmp_path, caplog):
    file, source = str(tmp_path / 'dinov2.pth'), built()
    torch.save(dinov2_file(source), file)
    with caplog.at_level(logging.WARNING):
        loaded = built(pretrained=file)
    torch.testing.assert_close(loaded.vit.pos_embed, source.vit.pos_embed + 1)
    assert any('the adapter starts untrained' in one.message for one in caplog.records)


def test_a_pretrained_adapter_loads_as_a_whole(tmp_path, caplog):
    file, source = str(tmp_path / 'adapter.ckpt'), built()
    nn.init.normal_(source.interactions[0].injector.gamma)
    torch.save(adapter_file(source), file)
    loaded = built(init_cfg=dict(type='Pretrained', checkpoint=file))
    for name, value in source.state_dict().items():
        assert torch.equal(value, loaded.state_dict()[name]), name
    assert not caplog.records


def test_filters_of_a_file_are_resampled_to_the_patch(tmp_path):
    file, source = str(tmp_path / 'adapter.ckpt'), built()
    torch.save(adapter_file(source), file)
    loaded = built(pretrained=file, patch_size=16)
    assert loaded.vit.patch_embed.proj.weight.shape[2:] == (16, 16)
    sums = [one.vit.patch_embed.proj.weight.sum((2, 3)) for one in (source, loaded)]
    torch.testing.assert_close(*sums, rtol=0.1, atol=0.1)


@pytest.mark.parametrize('change, message', [
    (lambda state: state.pop('cls_token'), 'are not in it, the first is vit.cls_token'),
    (lambda state: state.update({'register_tokens': torch.ones(1, 4, 24)}),
     'are too many, the first is vit.register_tokens'),
    (lambda state: state.update(pos_embed=torch.ones(1, 5, 24)), 'have another shape'),
    (lambda state: state.update({'blocks.0.norm1.bias': 'text'}),
     'are no tensors, the first is vit.blocks.0.norm1.bias'),
    (lambda state: state.update({'patch_embed.proj.weight': [1.]}),
     'are no tensors, the first is vit.patch_embed.proj.weight'),
    (lambda state: state.update({'patch_embed.proj.weight': torch.ones(
        24, 3, 14, 14, dtype=torch.int64)}), 'patch_embed.proj.weight is of type torch.int64'),
])
def test_other_files_are_refused(tmp_path, change, message):
    file = str(tmp_path / 'dinov2.pth')
    state = dinov2_file(built())
    change(state)
    torch.save(state, file)
    with pytest.raises(CheckpointError, match=message):
        built(pretrained=file)


def test_a_file_with_more_than_tensors_is_refused_in_one_line(tmp_path):
    """Lightning may pickle the parameters of the program beside the weights."""
    file = str(tmp_path / 'adapter.ckpt')
    torch.save({**adapter_file(built()), 'hyper_parameters': nn.Linear(1, 1)}, file)
    with pytest.raises(CheckpointError, match='adapter.ckpt is not read: it holds Python objects '
                                              r'\(torch.nn.modules.linear.Linear\)') as found:
        built(pretrained=file)
    assert 'mmseg-ssr plain-weights' in str(found.value) and '\n' not in str(found.value)


# ---------------------------------------------------------------- what it refuses
@pytest.mark.parametrize('options, message', [
    (dict(input_size=512), 'input_size must be a multiple of 224'),
    (dict(input_size=0), 'input_size must be a multiple of 224'),
    (dict(patch_size=0), 'patch_size must be at least 1'),
    (dict(patch_size=16, input_size=100), 'input_size must be a multiple of 32'),
    (dict(model='vit_small_patch14_reg4_dinov2'), 'and no registers'),
    (dict(model='resnet18', model_args={}), 'needs a ViT with a class token'),
    (dict(interaction_indexes=[[0, 0], [1, 1], [2, 2], [3, 4]]), 'each of the blocks 0 to 3 of'),
    (dict(interaction_indexes=[[0, 0], [1, 1], [1, 2], [3, 3]]), 'once and in order'),
    (dict(interaction_indexes=[[0, 0], [1, 1], [2, 2], [2, 2]]), 'once and in order'),
    (dict(interaction_indexes=[[1, 1], [0, 0], [2, 2], [3, 3]]), 'once and in order'),
    (dict(interaction_indexes=[[0, 3]]), 'four pairs of blocks'),
    (dict(pretrained='a.pth', init_cfg=dict(checkpoint='b.pth')), 'pretrained or init_cfg'),
    (dict(batch_norm_cfg=dict(type='LN')), "batch_norm_cfg.type must be one of BN, .* got 'LN'"),
    (dict(batch_norm_cfg=dict(momentum=0.1)), 'batch_norm_cfg.type must be one of .* got None'),
    (dict(conv_inplane=0), 'conv_inplane must be at least 1, got 0'),
    (dict(n_points=0), 'n_points must be at least 1, got 0'),
    (dict(cffn_ratio=0.04), 'cffn_ratio must leave at least one of 24 channels, got 0.04'),
    (dict(deform_num_heads=0), '0 heads for 12 channels'),
    (dict(deform_num_heads=5), '5 heads for 12 channels'),
])
def test_bad_values(options, message):
    with pytest.raises(ConfigError, match=message):
        BACKBONES.build(dict(TINY, **options))


def test_blocks_that_are_no_four_groups_need_indexes():
    assert quarters(12) == [(0, 2), (3, 5), (6, 8), (9, 11)]
    with pytest.raises(ConfigError, match='give interaction_indexes'):
        quarters(6)
