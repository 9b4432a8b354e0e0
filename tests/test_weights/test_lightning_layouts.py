import torch

from mmseg_ssr.weights.lightning_layouts import is_vfmuda_layout, segmentor_layout


def test_names_of_a_training_become_those_of_a_segmentor():
    names = {
        'network.encoder.cls_token': 'backbone.vit.cls_token',
        'network.encoder.blocks.3.norm1.weight': 'backbone.vit.blocks.3.norm1.weight',
        'network.encoder.level_embed': 'backbone.level_embed',
        'network.encoder.interactions.0.injector.gamma': 'backbone.interactions.0.injector.gamma',
        'network.encoder.norm4.running_var': 'backbone.norm4.running_var',
        'network.upscale.norm1.bias': 'decode_head.norm1.bias',
        'network.out.weight': 'decode_head.conv_seg.weight',
        'other.weight': 'other.weight',  # stays, so that a strict loader names it
    }
    beside = ['network_ema.encoder.cls_token', 'network_feature_extractor.encoder.cls_token',
              'network_feature_head.feat_project.0.bias', 'metrics.0.confmat',
              'network.head.0.bias']
    weights = {name: torch.full((1, ), float(i)) for i, name in enumerate([*names, *beside])}
    renamed = segmentor_layout(weights)
    assert {name: value.item() for name, value in renamed.items()} == {
        ours: weights[theirs].item() for theirs, ours in names.items()}


def test_the_layout_is_known_by_its_names():
    assert is_vfmuda_layout({'network.encoder.cls_token': torch.zeros(1)})
    assert not is_vfmuda_layout({'network.cls_token': torch.zeros(1), 'model.encoder.x': 0})
