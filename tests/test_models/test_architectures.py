"""Every architecture trains by the step, with SSR on its stages, and saves a plain segmentor."""
from copy import deepcopy

import pytest
import torch
from mmseg.models.builder import SEGMENTORS
from tiny_networks import ARCHITECTURES

from mmseg_ssr.engine.checkpoint.weights import load_weights


@pytest.mark.parametrize('name', ARCHITECTURES)
def test_ssr_trains_it(method, batch, tiny_sam, tmp_path, name):
    student, widths = deepcopy(ARCHITECTURES[name])
    no_distance = dict(imnet_feature_dist_lambda=0) if 'neck' in student else {}
    ssr = method(ssr=True, model=student, **no_distance, regularizer=dict(
        encoder=tiny_sam, stages=list(range(len(widths)))))
    assert [p.out_features for p in ssr.regularizer.projections.values()] == list(widths)
    before = {key: p.detach().clone() for key, p in ssr.named_parameters()}

    log = ssr.train_step(batch, torch.optim.SGD(ssr.parameters(), lr=0.1))['log_vars']

    losses = {key for key in log if 'loss' in key}
    loss = 'loss_mask' if name in ('mask2former', 'sarformer') else 'loss_ce'
    assert {f'{view}.{loss}' for view in ('decode', 'enhanced', 'mix.decode', 'enhanced_mix')
            } <= losses
    assert all(torch.tensor(log[key]).isfinite() for key in losses)
    # DeepLabV2 reads the last stage alone: what is done to the others has no effect.
    used = [3] if 'dlv2' in name else range(len(widths))
    moved = {key for key, p in ssr.named_parameters() if not torch.equal(p, before[key])}
    assert {int(key.split('.')[2]) for key in moved if key.startswith('regularizer.proj')} == set(
        used)
    for part in ('model.backbone', 'model.decode_head'):
        assert any(key.startswith(part) for key in moved)

    file = str(tmp_path / 'student.pth')
    torch.save(dict(state_dict=ssr.state_dict(), meta={}), file)
    plain_segmentor = SEGMENTORS.build(dict(deepcopy(ARCHITECTURES[name][0]), train_cfg=None))
    load_weights(plain_segmentor, file)
    with torch.no_grad():
        assert plain_segmentor.eval().encode_decode(batch['img'], None).shape == (2, 19, 64, 64)


@pytest.mark.parametrize('name', ['daformer_vit_pyramid', 'vfmuda', 'daformer_convnext'])
def test_joint_views_give_the_losses_of_separate_ones(method, batch, name):
    logs = []
    for joint in (False, True):
        torch.manual_seed(0)
        built = method(model=deepcopy(ARCHITECTURES[name][0]), joint_views=joint,
                       imnet_feature_dist_lambda=0)
        logs.append(built.train_step(
            batch, torch.optim.SGD(built.parameters(), lr=0.1))['log_vars'])
    assert logs[0] == pytest.approx(logs[1], rel=1e-4)


def test_published_deeplab_checkpoints_load(tmp_path):
    """Names of DAFormer's and MIC's training checkpoints of 'dlv2red' and of HRDA on it."""
    for name in ('dlv2red', 'hrda_dlv2red'):
        config = deepcopy(ARCHITECTURES[name][0])
        student = SEGMENTORS.build(deepcopy(config))
        head = 'decode_head.head.' if 'hrda' in name else 'decode_head.'
        assert f'{head}aspp_modules.1.conv.weight' in student.state_dict()
        state = {f'model.{key}': value for key, value in student.state_dict().items()}
        state.update({f'ema_model.{key}': value for key, value in student.state_dict().items()})
        file = str(tmp_path / f'{name}.pth')
        torch.save(dict(state_dict=state, meta={}), file)
        tested = SEGMENTORS.build(dict(config, train_cfg=None))
        load_weights(tested, file)
        assert all(torch.equal(value, tested.state_dict()[key])
                   for key, value in student.state_dict().items())


def test_hrda_on_deeplab_has_logits_at_an_eighth(batch):
    config = deepcopy(ARCHITECTURES['hrda_dlv2red'][0])
    segmentor = SEGMENTORS.build(config).eval()
    head = segmentor.decode_head
    features = segmentor.multi_resolution_features(batch['img'], [(16, 48, 32, 64)])
    with torch.no_grad():
        logits = head.logits(features)
        assert logits.fused.shape == (2, 19, 8, 8) and logits.detail.shape == (2, 19, 4, 4)
        # Full trust in the detail: its logits, in its place, over the context's elsewhere.
        head.scale_attention.aspp_modules[0].conv.bias.fill_(100)
        logits = head.logits(features)
    torch.testing.assert_close(logits.fused[:, :, 3:5, 5:8], logits.detail[:, :, 1:3, 1:4])
