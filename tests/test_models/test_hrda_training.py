"""Training HRDA: by stock trainers, by the self-training step, with SSR and with MIC."""
import torch
from mmseg.models.builder import SEGMENTORS

from mmseg_ssr.regularizer import build_regularizer
from mmseg_ssr.uda.student import map_features, supervised_losses, training_features


def test_stock_trainers_can_train_it(hrda_config, img):
    hrda = SEGMENTORS.build(hrda_config)
    outputs = hrda.train_step(dict(
        img=img, img_metas=[{}] * 2, gt_semantic_seg=torch.randint(0, 19, (2, 1, 64, 64))), None)
    outputs['loss'].backward()
    assert set(outputs['log_vars']) == {
        'decode.loss_ce', 'decode.acc_seg', 'decode.hr.loss_ce', 'decode.hr.acc_seg', 'loss'}
    assert all(p.grad is not None for p in hrda.parameters())


def test_gradients_reach_both_resolutions_and_the_attention(hrda, img, draws):
    features = training_features(hrda, img, draws)
    label = torch.randint(0, 19, (2, 1, 64, 64))
    losses = supervised_losses(hrda.decode_head, features, label)
    for maps in (features.context, features.detail):
        for grad in torch.autograd.grad(losses['loss_ce'], maps, retain_graph=True):
            assert grad.abs().sum() > 0
    losses['loss_ce'].backward()
    attention = hrda.decode_head.scale_attention.conv_seg.weight.grad
    assert attention.abs().sum() > 0


def test_ssr_enhances_both_resolutions_with_the_map_of_the_whole_image(hrda, img, tiny_sam, draws):
    regularizer = build_regularizer(hrda, encoder=tiny_sam)
    assert [p.out_features for p in regularizer.projections.values()] == [32, 64, 160, 256]
    features = training_features(hrda, img, draws)
    context = regularizer.encode(img)

    enhanced = map_features(features, lambda maps: regularizer(maps, context))

    assert enhanced.boxes == features.boxes
    for maps, plain in ((enhanced.context, features.context), (enhanced.detail, features.detail)):
        for got, expected in zip(maps, regularizer(plain, context)):
            assert torch.equal(got, expected)
    assert not torch.equal(enhanced.detail[0], features.detail[0])


def test_ssr_on_hrda_trains_a_step(method, hrda_config, batch):
    ssr = method(ssr=True, model=hrda_config)
    optimizer = torch.optim.SGD(ssr.parameters(), lr=0.1)
    before = {name: p.detach().clone() for name, p in ssr.named_parameters()}

    log = ssr.train_step(batch, optimizer)['log_vars']

    assert {'decode.loss_ce', 'decode.hr.loss_ce', 'enhanced.loss_ce', 'enhanced.hr.loss_ce',
            'mix.decode.hr.loss_ce', 'enhanced_mix.loss_ce', 'enhanced_mix.hr.loss_ce',
            'src.loss_imnet_feat_dist', 'loss'} <= set(log)
    assert all(torch.tensor(value).isfinite() for value in log.values())
    moved = {name for name, p in ssr.named_parameters() if not torch.equal(p, before[name])}
    for part in ('model.backbone.block4', 'model.decode_head.head', 'regularizer.projections.0',
                 'model.decode_head.scale_attention', 'regularizer.attentions.3'):
        assert any(name.startswith(part) for name in moved), part


def test_source_and_mixed_view_have_boxes_of_their_own(method, hrda_config, batch):
    mic = method(mic=True, model=hrda_config)
    boxes = []
    crop_box = mic.draws.crop_box
    mic.draws.crop_box = lambda *args: boxes.append(crop_box(*args)) or boxes[-1]
    log = mic.train_step(batch, torch.optim.SGD(mic.parameters(), lr=0.1))['log_vars']
    assert len(boxes) == 3  # source, mixed, masked; the teacher slides
    assert 'masked.decode.hr.loss_ce' in log


def test_saved_student_is_a_plain_hrda_segmentor(method, hrda_config, hrda):
    assert set(method(ssr=True, model=hrda_config).state_dict()) == set(hrda.state_dict())
