from copy import deepcopy

import pytest
import torch
from mmcv import ConfigDict
from mmcv.runner import build_optimizer
from mmcv.runner.checkpoint import get_state_dict, load_state_dict
from mmseg.models.builder import SEGMENTORS
from mmseg.ops import resize
from tiny_networks import ARCHITECTURES, maker_of

from mmseg_ssr.errors import ConfigError
from mmseg_ssr.methods.segmentor import batch_of
from mmseg_ssr.uda import NotFinite
from mmseg_ssr.uda.views.pseudo_label import pseudo_label

LOSSES = {
    'daformer': {'decode.loss_ce', 'src.loss_imnet_feat_dist', 'mix.decode.loss_ce'},
    'mic': {'masked.decode.loss_ce'},
    'ssr': {'enhanced.loss_ce', 'enhanced_mix.loss_ce'},
}


def test_half_of_the_pseudo_labels_count_in_these_tests(method, batch):
    """With none or all of them, a wrong weight of the mixed or masked view would change nothing."""
    for parts in ({}, dict(ssr=True, mic=True)):
        views = {view.name: view for view in method(**parts).make_views(batch_of(batch))}
        for view in views.values():
            if view.weight is not None:
                assert 0.3 < view.weight.min() < 0.7
        assert views['mix'].weight.max() == 1  # of the source


def losses(log):
    return {name for name in log if 'loss_' in name}


def optimizer(segmentor):
    return build_optimizer(segmentor, dict(
        type='AdamW', lr=6e-5, weight_decay=0.01, paramwise_cfg=dict(custom_keys=dict(
            head=dict(lr_mult=10.0), pos_block=dict(decay_mult=0.0), norm=dict(decay_mult=0.0)))))


@pytest.mark.parametrize('parts', [(), ('mic', ), ('ssr', ), ('ssr', 'mic')])
def test_a_step_trains_the_views_that_the_config_switches_on(method, batch, parts):
    segmentor = method(**dict.fromkeys(parts, True))
    log = segmentor.train_step(batch, optimizer(segmentor))['log_vars']
    assert losses(log) == LOSSES['daformer'].union(*(LOSSES[name] for name in parts))
    assert log['loss'] == pytest.approx(sum(log[name] for name in losses(log)))


def test_every_trained_weight_moves_and_nothing_else(method, batch):
    segmentor = method(ssr=True, mic=True)
    segmentor.train_step(batch, optimizer(segmentor))  # the first rate moves zero biases too
    frozen = [segmentor.regularizer.encoder.network, segmentor.feature_distance.imagenet.network]
    before = deepcopy([list(m.parameters()) for m in (segmentor, *frozen)])
    segmentor.train_step(batch, optimizer(segmentor))
    still = [name for (name, p), old in zip(segmentor.named_parameters(), before[0])
             if torch.equal(p, old)]
    assert not still
    for network, old in zip(frozen, before[1:]):
        assert all(torch.equal(p, o) for p, o in zip(network.parameters(), old))


def test_source_only_needs_no_target(method, batch):
    segmentor = method(source_only=True, imnet_feature_dist_lambda=0)
    del batch['target_img'], batch['target_img_metas']
    log = segmentor.train_step(batch, optimizer(segmentor))['log_vars']
    assert losses(log) == {'decode.loss_ce'} and segmentor.teacher is None


def test_training_data_without_a_target_is_an_error(method, batch):
    segmentor = method()
    del batch['target_img']
    with pytest.raises(ConfigError, match="UDADataset.*uda.source_only=True"):
        segmentor.train_step(batch, optimizer(segmentor))


def test_ssr_regularizes_source_only_as_well(method, batch):
    segmentor = method(ssr=True, source_only=True, imnet_feature_dist_lambda=0)
    log = segmentor.train_step(batch, optimizer(segmentor))['log_vars']
    assert losses(log) == {'decode.loss_ce', 'enhanced.loss_ce'}


def test_the_teacher_has_seen_the_student_of_the_step_before(method, batch):
    segmentor = method()
    weight = segmentor.model.decode_head.conv_seg.weight
    start = weight.detach().clone()
    segmentor.train_step(batch, optimizer(segmentor))
    teacher = segmentor.teacher.network.decode_head.conv_seg.weight
    assert torch.equal(teacher, start) and not torch.equal(weight, start)
    after_first = weight.detach().clone()
    segmentor.train_step(batch, optimizer(segmentor))
    torch.testing.assert_close(teacher, (start + after_first) / 2)


def test_optimizer_holds_the_student_and_the_regularizer_alone(method):
    segmentor = method(ssr=True, mic=True)
    names = {name.split('.')[0] for name, _ in segmentor.named_parameters()}
    assert names == {'model', 'regularizer'}
    groups = optimizer(segmentor).param_groups
    rates = {name: (round(g['lr'], 8), g['weight_decay'])
             for (name, _), g in zip(segmentor.named_parameters(), groups)}
    assert rates['model.backbone.block1.0.norm1.weight'] == (6e-5, 0)
    assert rates['model.decode_head.conv_seg.weight'] == (6e-4, 0.01)
    assert rates['regularizer.attentions.0.q.weight'] == (6e-5, 0.01)


def test_the_state_dict_is_the_plain_segmentor(method, daformer_b0):
    segmentor, plain = method(ssr=True), SEGMENTORS.build(daformer_b0)
    for state in (get_state_dict(segmentor), segmentor.state_dict()):
        assert list(state) == list(plain.state_dict())
        plain.load_state_dict(state)
    for before, after in zip(segmentor.model.parameters(), plain.parameters()):
        assert torch.equal(before, after)


def test_plain_weights_load_into_the_student(method, daformer_b0):
    segmentor, plain = method(), SEGMENTORS.build(daformer_b0)
    load_state_dict(segmentor, plain.state_dict(), strict=True)
    assert torch.equal(segmentor.model.decode_head.conv_seg.weight,
                       plain.decode_head.conv_seg.weight)


def test_inference_is_the_students(method, daformer_b0):
    segmentor, plain = method(ssr=True), SEGMENTORS.build(daformer_b0)
    plain.load_state_dict(segmentor.state_dict())
    img, metas = torch.randn(1, 3, 64, 64), [dict(ori_shape=(64, 64, 3), flip=False,
                                                  img_shape=(64, 64, 3), pad_shape=(64, 64, 3))]
    outcome = [m.eval()(return_loss=False, img=[img], img_metas=[metas], rescale=True)
               for m in (segmentor, plain)]
    assert (outcome[0][0] == outcome[1][0]).all()


def test_weights_from_a_file_reach_the_copies(method, tmp_path, daformer_b0):
    donor = SEGMENTORS.build(deepcopy(daformer_b0))
    donor.init_weights()
    torch.save(donor.backbone.state_dict(), tmp_path / 'mit_b0.pth')
    daformer_b0['pretrained'] = str(tmp_path / 'mit_b0.pth')
    segmentor = method()
    segmentor.init_weights()
    for network in (segmentor.model.backbone, segmentor.feature_distance.imagenet.network):
        assert torch.equal(network.block4[1].attn.q.weight, donor.backbone.block4[1].attn.q.weight)


def test_stopping_and_going_on_is_never_having_stopped(method, batch):
    straight = method(ssr=True, mic=True)
    steps = optimizer(straight)
    straight.train_step(batch, steps)
    saved = deepcopy((straight.state_dict(), straight.training_state(), steps.state_dict()))
    rng = torch.get_rng_state()
    straight.train_step(batch, steps)

    resumed = method(ssr=True, mic=True)
    resumed_steps = optimizer(resumed)
    load_state_dict(resumed, saved[0])
    resumed.load_training_state(saved[1])
    resumed_steps.load_state_dict(saved[2])
    torch.set_rng_state(rng)
    resumed.train_step(batch, resumed_steps)

    assert all(torch.equal(a, b) for a, b in zip(straight.parameters(), resumed.parameters()))
    assert all(torch.equal(a, b) for a, b in zip(straight.teacher.network.state_dict().values(),
                                                 resumed.teacher.network.state_dict().values()))
    assert resumed.iteration == resumed.teacher.updates == 2


def test_the_state_of_another_method_is_refused(method):
    with pytest.raises(ValueError, match='1 teachers and no regularizer'):
        method(ssr=True).load_training_state(method().training_state())


def test_a_mask_alpha_of_its_own_makes_a_second_teacher(method, batch):
    segmentor = method(mic=True, mask_alpha=0.5)
    segmentor.train_step(batch, optimizer(segmentor))
    assert [t.alpha for t in segmentor.teachers] == [0.999, 0.5]
    assert [t.updates for t in segmentor.teachers] == [1, 1]


def test_masking_the_source_alone_needs_no_teacher(method, batch):
    segmentor = method(mic=True, source_only=True, mask_alpha=0.5, mask_pseudo_threshold=0.9)
    del batch['target_img']
    log = segmentor.train_step(batch, optimizer(segmentor))['log_vars']
    assert 'masked.decode.loss_ce' in log and not segmentor.teachers


def test_weights_of_terms_scale_their_losses(method, batch):
    def log(**options):
        segmentor = method(ssr=True, mic=True, **options)
        torch.manual_seed(1)
        return segmentor.train_step(batch, optimizer(segmentor))['log_vars']

    full = log()
    half = log(regularizer_weight=0.5, mask_lambda=0.25, imnet_feature_dist_lambda=0.05)
    for name, factor in (('enhanced.loss_ce', 0.5), ('enhanced_mix.loss_ce', 0.5),
                         ('masked.decode.loss_ce', 0.25), ('src.loss_imnet_feat_dist', 10),
                         ('decode.loss_ce', 1), ('mix.decode.loss_ce', 1)):
        assert full[name] > 0.001, f'{name} is nothing, whatever its factor'
        assert half[name] == pytest.approx(factor * full[name], rel=1e-5), name


def test_pseudo_labels_of_the_regularization_branch(method, batch, monkeypatch):
    segmentor = method(ssr=True, pseudo_label_branch='regularized')
    seen = []
    monkeypatch.setattr('mmseg_ssr.uda.views.pseudo_label.pseudo_label',
                        lambda logits, *args: seen.append(logits) or pseudo_label(logits, *args))
    segmentor.train_step(batch, torch.optim.SGD(segmentor.parameters(), lr=0))
    teacher, img = segmentor.teacher.network, batch['target_img']
    with torch.no_grad():  # after a step at rate 0 the networks are as they were
        maps = segmentor.regularizer(teacher.extract_feat(img), segmentor.regularizer.encode(img))
        expected, shadow = (resize(teacher.decode_head(features), img.shape[2:], mode='bilinear')
                            for features in (maps, teacher.extract_feat(img)))
    torch.testing.assert_close(seen[0], expected, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(seen[0], shadow, rtol=1e-2, atol=1e-3)


def test_the_shadow_branch_can_have_the_running_statistics_for_itself(method, batch, daformer_b0):
    daformer_b0['backbone']['drop_path_rate'] = 0.
    daformer_b0['decode_head']['dropout_ratio'] = 0.

    def trained(**options):
        segmentor = method(**options)
        rate_0 = torch.optim.SGD(segmentor.parameters(), lr=0)
        log = segmentor.train_step(batch, rate_0)['log_vars']
        return log, dict(segmentor.model.decode_head.named_buffers())

    plain, (both, shared), (shadow, own) = (
        trained(), trained(ssr=True), trained(ssr=True, running_statistics='shadow'))
    assert shadow == both, 'the losses normalize by the batch either way'
    assert any('running_mean' in name for name in own)
    for name, value in own.items():
        torch.testing.assert_close(value, plain[1][name], msg=name)
    assert not all(torch.allclose(value, own[name]) for name, value in shared.items()
                   if 'running_mean' in name)


def test_built_for_testing_it_is_the_student_alone(method, daformer_b0):
    segmentor = SEGMENTORS.build(dict(
        type='SSR', model=daformer_b0, sam_model_registry='vit_b', train_cfg=None,
        pretrained=None))  # mmseg's test script sets both
    assert segmentor.teacher is None and segmentor.regularizer is None


@pytest.mark.parametrize('options, message', [
    (dict(alpha=1.), r'uda.alpha must be in \[0, 1\), got 1.0'),
    (dict(pseudo_threshold=968), r'pseudo_threshold must be in \[0, 1\], got 968'),
    (dict(mix='cut'), "uda.mix must be 'class', got 'cut'"),
    (dict(mask_mode='target', mask_generator=dict(
        type='block', mask_ratio=0.7, mask_block_size=8)), "uda.mask_mode must be 'separate', '"),
    (dict(mask_mode='separatetrg', mask_generator=dict(
        type='block', mask_ration=0.7, mask_block_size=8)), "did you mean 'mask_ratio'"),
    (dict(mask_mode='separatetrg', mask_generator=dict(type='blok')), "must be 'block'"),
    (dict(mask_mode='separatetrg', mask_alpha='equal', mask_generator=dict(
        type='block', mask_ratio=0.7, mask_block_size=8)),
     "uda.mask_alpha must be 'same' or a number in .*, got 'equal'"),
    (dict(sam_model_registry='vit_x'),
     "sam_model_registry must be 'vit_b', 'vit_l', 'vit_h' or 'vit_t'"),
    (dict(sam_model_registry='vit_b', regularizer=dict()), 'not both'),
    (dict(ssr=True, pseudo_label_branch='shadows'), "did you mean 'shadow'"),
    (dict(pseudo_label_branch='regularized'), 'needs SSR'),
    (dict(ssr=True, source_only=True, pseudo_label_branch='regularized'), 'and a teacher'),
    (dict(ssr=True, running_statistics='shadows'), "did you mean 'shadow'"),
    (dict(running_statistics='shadow'), 'without it there is one branch'),
    (dict(distillation_weight=1.), "distillation_weight needs SSR's regularizer"),
    (dict(ssr=True, distillation_weight=-1.), 'distillation_weight must be'),
    (dict(ssr=True, distillation_weight=1., regularizer_weight=0), 'a regularization branch that'),
    (dict(ssr=True, source_only=True, distillation_weight=1.), 'for the mixed view'),
    (dict(imnet_feature_dist_scale_min_ratio=None), 'scale_min_ratio'),
    (dict(stop_stage=[0]), 'uda.stop_stage belongs to SSR, which is off'),
    (dict(sam_checkpoint='sam.pth'), 'uda.sam_checkpoint belongs to SSR, which is off'),
    (dict(color_jitter_strength=3.), 'color jitter strengths'),
])
def test_bad_values_name_their_key(method, options, message):
    with pytest.raises(ConfigError, match=message):
        method(**options)


def test_ssr_insists_on_a_regularizer(daformer_b0):
    with pytest.raises(ConfigError, match="SSR needs sam_model_registry='vit_b'"):
        SEGMENTORS.build(dict(type='SSR', model=daformer_b0, max_iters=1))


@pytest.mark.parametrize('options', [
    dict(ssr=True, mic=True), dict(source_only=True), dict(mic=True, network='hrda_daformer')])
def test_joint_views_give_the_numbers_of_separate_ones(method, batch, daformer_b0, options):
    network = options.pop('network', None)
    if network:
        options['model'] = daformer_b0 = ConfigDict(deepcopy(ARCHITECTURES[network][0]))
    daformer_b0['backbone']['drop_path_rate'] = 0.
    daformer_b0['decode_head']['dropout_ratio'] = 0.
    outcomes = []
    for joint in (False, True):
        # At the start the distance to the ImageNet copy is 0, where rounding is all its gradient.
        segmentor = method(joint_views=joint, imnet_feature_dist_lambda=0, **options)
        log = segmentor.train_step(batch, torch.optim.SGD(segmentor.parameters(), lr=0))['log_vars']
        outcomes.append((log, {n: p.grad for n, p in segmentor.named_parameters()}))
    (separate, gradients), (joint, joint_gradients) = outcomes
    assert joint == pytest.approx(separate, rel=1e-4, abs=1e-6)
    for name, gradient in gradients.items():
        difference = (joint_gradients[name] - gradient).norm()
        assert difference <= 1e-3 * gradient.norm() + 1e-5, name


def test_joint_views_are_one_pass_of_the_backbone(method, batch):
    segmentor = method(ssr=True, mic=True, joint_views=True)
    sizes = []
    segmentor.model.backbone.register_forward_hook(lambda m, args, out: sizes.append(len(args[0])))
    segmentor.train_step(batch, optimizer(segmentor))
    assert sizes == [6]


def test_joint_views_refuse_batch_norm_in_the_backbone(method, daformer_b0):
    daformer_b0['backbone'] = dict(type='ResNetV1c', depth=18, base_channels=8, stem_channels=8,
                                   norm_cfg=dict(type='BN'))
    daformer_b0['decode_head']['in_channels'] = [8, 16, 32, 64]
    with pytest.raises(ConfigError, match='backbone has batch norm'):
        method(joint_views=True)
    daformer_b0['backbone']['norm_eval'] = True  # its statistics stay as they are
    assert method(joint_views=True).joint_views


@pytest.mark.parametrize('options, tolerance', [
    (dict(amp=dict(dtype='bfloat16')), 0.02), (dict(amp=dict(dtype='float16')), 0.02),
    (dict(channels_last=True), 1e-4), (dict(watch_interval=50), 0),
    (dict(amp=dict(dtype='bfloat16'), joint_views=True, channels_last=True), 0.02)])
def test_modes_give_the_losses_of_the_exact_one(method, batch, options, tolerance):
    logs = []
    for key in ('img', 'target_img', 'gt_semantic_seg'):  # few bits are slow on a CPU
        batch[key] = batch[key][..., 16:48, 16:48].contiguous()
    for mode in ({}, options):
        segmentor = without_dropout(method(ssr=True, **mode))
        sgd = torch.optim.SGD(segmentor.parameters(), lr=0.)
        logs.append(segmentor.train_step(batch, sgd)['log_vars'])
    for name in losses(logs[0]):  # without dropout the feature distance begins at 0
        assert float(logs[1][name]) == pytest.approx(logs[0][name], tolerance, tolerance / 50), name


def test_weights_begin_the_same_in_every_memory_format(method):
    plain, other = method(), method(channels_last=True)
    for segmentor in (plain, other):
        torch.manual_seed(1)
        segmentor.init_weights()
    weights = dict(plain.named_parameters())
    assert all(torch.equal(value, weights[name]) for name, value in other.named_parameters())
    kernel = next(value for value in other.parameters() if value.dim() == 4 and value.shape[1] > 1)
    assert kernel.is_contiguous(memory_format=torch.channels_last)


def without_dropout(segmentor):
    for module in segmentor.modules():
        if 'Drop' in type(module).__name__:
            module.eval()
    return segmentor


def test_rounds_of_iterations_update_student_and_teacher_once(method, batch):
    segmentor = method(cumulative_iters=2)
    weights = [m.decode_head.conv_seg.weight
               for m in (segmentor.model, segmentor.teacher.network)]
    sgd = torch.optim.SGD(segmentor.parameters(), lr=0.1)
    seen = []
    for _ in range(4):
        segmentor.train_step(batch, sgd)
        seen.append([weight.detach().clone() for weight in weights])
    student, teacher = zip(*seen)
    assert not torch.equal(student[0], student[1]) and torch.equal(student[1], student[2])
    assert torch.equal(teacher[0], teacher[1]) and torch.equal(teacher[0], student[0])
    assert not torch.equal(teacher[1], teacher[2]) and torch.equal(teacher[2], teacher[3])


def test_clipping_limits_the_step_and_logs_the_norm(method, batch):
    segmentor = method(grad_clip=dict(max_norm=0.01))
    before = deepcopy(list(segmentor.parameters()))
    log = segmentor.train_step(batch, torch.optim.SGD(segmentor.parameters(), lr=1.))['log_vars']
    moved = torch.cat([(p - b).flatten() for p, b in zip(segmentor.parameters(), before)])
    assert log['grad_norm'] > 0.01 and moved.norm().item() == pytest.approx(0.01, rel=1e-3)


def test_views_without_a_label_are_said_as_what_they_are(method, batch):
    segmentor, said = method(), []
    segmentor.finite_check.warn = said.append
    batch['gt_semantic_seg'].fill_(255)
    log = segmentor.train_step(batch, optimizer(segmentor))['log_vars']
    assert log['decode.loss_ce'] == 0 and log['src.loss_imnet_feat_dist'] == 0
    assert said == ['iteration 1: source view: every label is ignore, it teaches nothing',
                    'iteration 1: source view: no cell is of a thing class, the feature distance '
                    'is 0',
                    # ClassMix pastes the one class that there is.
                    'iteration 1: mix view: every label is ignore, it teaches nothing']


@pytest.mark.parametrize('options, message', [
    (dict(amp=dict(dtype='int8')), r"uda.amp.dtype must be 'bfloat16' or 'float16'"),
    (dict(amp=dict(typ='bfloat16')), r'unknown key uda.amp.typ'),
    (dict(amp='bfloat16'), r'uda.amp must be a dict with the keys dtype'),
    (dict(grad_clip=dict(norm_type=2)), r'uda.grad_clip needs the key max_norm'),
    (dict(cumulative_iters=0), r'uda.cumulative_iters must be at least 1'),
    (dict(not_finite='ignore'), r"uda.not_finite must be 'stop' or 'skip'"),
    (dict(compile='fast'), r"uda.compile must be False, True, 'default', 'reduce-"),
    (dict(compile='reduce-overhead', cumulative_iters=2),
     r"uda.compile='reduce-overhead' replays CUDA graphs, .* set uda.cumulative_iters=1, or ")])
def test_wrong_values_of_the_modes_name_the_key(method, options, message):
    with pytest.raises(ConfigError, match=message):
        method(**options)


@pytest.mark.parametrize('classes', [[], [18, 19], [255]])
def test_thing_classes_are_classes(method, classes):
    with pytest.raises(ConfigError, match='imnet_feature_dist_classes must be train ids from 0'):
        method(imnet_feature_dist_classes=classes)


@pytest.mark.parametrize('loss', [
    dict(type='DiceLoss'),
    [dict(type='CrossEntropyLoss'), dict(type='LovaszLoss', per_image=True)],
    dict(type='FocalLoss')])
def test_losses_that_cannot_weigh_pixels_take_no_pseudo_labels(method, daformer_b0, loss):
    daformer_b0['decode_head']['loss_decode'] = loss
    with pytest.raises(ConfigError, match='of the decode head does not weigh single pixels'):
        method()
    assert method(source_only=True, imnet_feature_dist_lambda=0).teacher is None


def test_one_output_for_two_classes_takes_no_target(method, daformer_b0):
    daformer_b0['decode_head'] = dict(
        type='FCNHead', in_channels=256, in_index=3, channels=256, num_convs=0, concat_input=False,
        num_classes=2, out_channels=1, threshold=0.5,
        loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=True))
    options = dict(imnet_feature_dist_lambda=0)
    with pytest.raises(ConfigError, match=r'1 output channel\(s\) for 2 classes'):
        method(**options)
    method(source_only=True, **options)


def test_stages_go_with_any_encoder(method, tiny_sam):
    regularizer = dict(encoder=tiny_sam)
    assert method(type='SSR', regularizer=regularizer,
                  stop_stage=[0, 2]).regularizer.stages == (0, 2)
    with pytest.raises(ConfigError, match='stop_stage or regularizer.stages, not both'):
        method(type='SSR', regularizer=dict(regularizer, stages=[1]), stop_stage=[0])
    with pytest.raises(ConfigError, match='sam_checkpoint goes with sam_model_registry'):
        method(type='SSR', regularizer=regularizer, sam_checkpoint='sam.pth')


def test_the_masked_view_may_be_blurred_when_the_mixed_one_is_not(method):
    segmentor = method(mic=True, blur=False)
    assert [maker_of(segmentor, name).augmentation.blur for name in ('mix', 'masked')] == [
        False, True]


def test_a_bad_iteration_spoils_its_round_only(method, batch):
    segmentor = method(not_finite='skip', cumulative_iters=2, amp=dict(dtype='float16'))
    segmentor.finite_check.warn = lambda line: None
    sgd = torch.optim.SGD(segmentor.parameters(), lr=1.)
    weight = segmentor.model.decode_head.conv_seg.bias
    for iteration, img in enumerate((batch['img'] * float('nan'), *[batch['img']] * 3)):
        before = weight.detach().clone()
        segmentor.train_step({**batch, 'img': img}, sgd)
        assert torch.equal(weight, before) == (iteration < 3)


def test_the_norm_is_logged_of_the_rounds_that_are_over(method, batch):
    plain, rounds = (method(grad_clip=dict(max_norm=1e9), cumulative_iters=iterations)
                     for iterations in (1, 2))
    expected = plain.train_step(batch, optimizer(plain))['log_vars']['grad_norm']
    sgd = optimizer(rounds)
    assert 'grad_norm' not in rounds.train_step(batch, sgd)['log_vars']
    assert 0 < rounds.train_step(batch, sgd)['log_vars']['grad_norm'] < 2 * expected


def test_a_bad_gradient_is_found_in_its_iteration_of_a_round(method, batch):
    segmentor = method(cumulative_iters=3)
    sgd = optimizer(segmentor)
    segmentor.train_step(batch, sgd)
    hook = segmentor.model.decode_head.conv_seg.weight.register_hook(lambda grad: grad / 0)
    with pytest.raises(NotFinite, match='gradient of model.decode_head.conv_seg.weight') as error:
        segmentor.train_step(batch, sgd)
    hook.remove()
    assert error.value.iteration == 1


def test_a_round_that_is_bad_twice_is_one_update_left_out(method, batch):
    segmentor = method(not_finite='skip', cumulative_iters=4)
    segmentor.finite_check.warn = lambda line: None
    sgd = optimizer(segmentor)
    spoilt = dict(batch, img=torch.full_like(batch['img'], float('nan')))
    for data, skipped in ((batch, 0), (spoilt, 1), (spoilt, 1), (batch, 1), (spoilt, 2)):
        assert segmentor.train_step(data, sgd)['log_vars']['skipped_updates'] == skipped


def test_a_student_with_a_regularizer_of_its_own_is_refused(method, daformer_b0, tiny_sam):
    daformer_b0.update(type='SSREncoderDecoder', regularizer=dict(encoder=tiny_sam))
    with pytest.raises(ConfigError, match="set model.type='EncoderDecoder'"):
        method()
