"""MinEnt, MaxSquare and AdvSeg in the one step, alone and with the parts of other methods."""
from copy import deepcopy

import pytest
import tiny_training
import torch
from mmcv import ConfigDict
from mmcv.runner.checkpoint import load_state_dict
from mmseg.models.builder import SEGMENTORS

from mmseg_ssr.errors import ConfigError
from mmseg_ssr.uda import MaximumSquares, NotFinite

SOURCE = {'decode.loss_ce', 'aux.loss_ce'}
METHODS = {
    'minent': (dict(type='MinEnt', lambda_ent=dict(main=0.1, aux=0.02)),
               {'ent.loss.main', 'ent.loss.aux'}),
    'maxsquare': (dict(type='MaxSquare', lambda_max_square=0.1), {'max_square.loss.main'}),
    'multi': (dict(type='MaxSquare', lambda_max_square=0.1, image_wise_ratio=0.2,
                   guidance_weight=0.1, guidance_threshold=0.06),
              {'max_square.loss.main', 'guidance.loss.aux'}),
    'advseg': (dict(type='AdvSeg', lambda_adv_target=dict(main=0.1, aux=0.02), lr_D=1e-3),
               {f'{kind}.loss.{level}' for kind in ('G_trg', 'D_src', 'D_trg')
                for level in ('main', 'aux')}),
}


def student(auxiliary=True):
    model = tiny_training.tiny_model()
    model['backbone']['drop_path_rate'] = model['decode_head']['dropout_ratio'] = 0.
    if auxiliary:
        model['auxiliary_head'] = dict(
            type='FCNHead', in_channels=40, in_index=2, channels=40, num_convs=0,
            concat_input=False, dropout_ratio=0., num_classes=19, align_corners=False,
            loss_decode=dict(type='CrossEntropyLoss', loss_weight=0.1))
    return ConfigDict(model)


@pytest.fixture
def build():
    def make(method, auxiliary=True, **options):
        torch.manual_seed(0)
        return SEGMENTORS.build(dict(METHODS[method][0], model=student(auxiliary), max_iters=10,
                                     **options)).train()

    return make


@pytest.fixture
def batch(batch):
    for key in ('img', 'target_img', 'gt_semantic_seg'):
        batch[key] = batch[key][..., :32, :32].contiguous()
    batch['gt_semantic_seg'] = torch.randint(0, 19, (2, 1, 32, 32))
    return batch


def sgd(segmentor, rate=0.1):
    return torch.optim.SGD(segmentor.parameters(), lr=rate, momentum=0.9)


def losses(log):
    return {name for name in log if 'loss' in name} - {'loss'}


def term_of(segmentor):
    """The loss on the target view."""
    return segmentor.adversary or segmentor.target_terms[0]


def discriminators(segmentor):
    return [p.detach().clone() for p in segmentor.adversary.network.parameters()]


@pytest.mark.parametrize('method', METHODS)
def test_the_losses_of_a_step(build, batch, method):
    segmentor = build(method)
    log = segmentor.train_step(batch, sgd(segmentor))['log_vars']
    assert losses(log) == SOURCE | METHODS[method][1]
    assert log['loss'] == pytest.approx(sum(log[name] for name in losses(log)), rel=1e-5)
    assert not segmentor.teachers


@pytest.mark.parametrize('method', METHODS)
def test_target_gradients_are_those_of_the_loss_on_the_target_images(build, batch, method):
    """The step's gradients less the source's, against a plain computation."""
    segmentor, plain = build(method), build(method)
    segmentor.train_step(batch, sgd(segmentor, 0.))
    source = build(method)
    source.view_losses.target_terms, source.view_losses.adversary = [], None
    source.train_step(batch, sgd(source, 0.))

    features = plain.model.extract_feat(batch['target_img'])
    logits = {level: torch.nn.functional.interpolate(head(features), (32, 32), mode='bilinear')
              for level, head in (('main', plain.model.decode_head),
                                  ('aux', plain.model.auxiliary_head))}
    terms = term_of(plain)(logits)
    sum(value for name, value in terms.items() if not name.startswith('D_')).backward()
    reached = 0
    for both, alone, expected in zip(*(m.model.parameters() for m in (segmentor, source, plain))):
        difference = both.grad - alone.grad
        expected = torch.zeros_like(difference) if expected.grad is None else expected.grad
        torch.testing.assert_close(difference, expected, atol=2e-6, rtol=1e-3)
        reached += bool(expected.any())
    assert reached > 20


def test_the_discriminators_learn_beside_the_student(build, batch):
    segmentor = build('advseg')
    before = discriminators(segmentor)
    weight = segmentor.model.decode_head.conv_seg.weight.detach().clone()
    segmentor.train_step(batch, sgd(segmentor, 0.))  # the student's rate is 0: it stays
    assert torch.equal(segmentor.model.decode_head.conv_seg.weight, weight)
    assert not any(torch.equal(a, b) for a, b in zip(discriminators(segmentor), before))
    segmentor.adversary.optimizer.step = lambda: None
    before = discriminators(segmentor)
    segmentor.train_step(batch, sgd(segmentor))
    assert not torch.equal(segmentor.model.decode_head.conv_seg.weight, weight)
    assert all(torch.equal(a, b) for a, b in zip(discriminators(segmentor), before))


def test_optimizer_and_checkpoint_hold_the_student_alone(build):
    segmentor = build('advseg')
    assert {name.split('.')[0] for name, _ in segmentor.named_parameters()} == {'model'}
    assert list(segmentor.state_dict()) == list(SEGMENTORS.build(student()).state_dict())


@pytest.mark.parametrize('method, rounds', [('multi', 1), ('advseg', 1), ('advseg', 2)])
def test_stopping_and_going_on_is_never_having_stopped(build, batch, method, rounds):
    straight = build(method, cumulative_iters=rounds)
    steps = sgd(straight)
    straight.train_step(batch, steps)
    saved = deepcopy((straight.state_dict(), straight.training_state(), steps.state_dict()))
    for _ in range(3):
        straight.train_step(batch, steps)

    resumed = build(method, cumulative_iters=rounds)
    resumed_steps = sgd(resumed)
    load_state_dict(resumed, saved[0])
    resumed.load_training_state(saved[1])
    resumed_steps.load_state_dict(saved[2])
    for _ in range(3):
        resumed.train_step(batch, resumed_steps)
    assert all(torch.equal(a, b) for a, b in zip(straight.parameters(), resumed.parameters()))
    if method == 'advseg':
        assert all(map(torch.equal, discriminators(straight), discriminators(resumed)))


def test_a_state_with_discriminators_is_of_another_method(build):
    with pytest.raises(ValueError, match='has discriminators, this method has none'):
        build('minent').load_training_state(build('advseg').training_state())
    with pytest.raises(ValueError, match='has no discriminators, this method has some'):
        build('advseg').load_training_state(build('minent').training_state())


def test_a_round_of_iterations_is_one_update_of_the_discriminators(build, batch):
    segmentor = build('advseg', cumulative_iters=2)
    optimizer, start = sgd(segmentor), discriminators(segmentor)
    segmentor.train_step(batch, optimizer)
    assert all(map(torch.equal, discriminators(segmentor), start))
    first = [p.grad.clone() for p in segmentor.adversary.network.parameters()]
    segmentor.train_step(batch, optimizer)
    assert not any(map(torch.equal, discriminators(segmentor), start))
    for gradient, parameter in zip(first, segmentor.adversary.network.parameters()):
        torch.testing.assert_close(parameter.grad, 2 * gradient)  # the same batch twice


def test_an_update_that_is_left_out_is_left_out_for_both(build, batch):
    segmentor = build('advseg', not_finite='skip', cumulative_iters=2)
    segmentor.finite_check.warn = lambda line: None
    before, optimizer = discriminators(segmentor), sgd(segmentor)
    spoilt = dict(batch, img=torch.full_like(batch['img'], float('nan')))
    for data in (batch, spoilt, spoilt, batch):  # two rounds
        segmentor.train_step(data, optimizer)
    assert all(map(torch.equal, discriminators(segmentor), before))
    for data in (batch, batch):
        segmentor.train_step(data, optimizer)
    assert not any(map(torch.equal, discriminators(segmentor), before))
    for parameter in (*segmentor.parameters(), *discriminators(segmentor)):
        assert parameter.isfinite().all()


@pytest.mark.parametrize('dtype', ['bfloat16', 'float16'])
@pytest.mark.parametrize('onednn', [False, True], ids=['torch', 'onednn'])
def test_mixed_precision_gives_the_losses_of_the_exact_one(build, batch, onednn, dtype):
    logs, gradients = [], []
    for amp in (None, dict(dtype=dtype)):
        segmentor = build('advseg', amp=amp)
        before = discriminators(segmentor)
        with torch.backends.mkldnn.flags(enabled=onednn):
            logs.append(segmentor.train_step(batch, sgd(segmentor))['log_vars'])
        assert not any(map(torch.equal, discriminators(segmentor), before))
        gradients.append([p.grad for p in segmentor.adversary.network.parameters()])
    for exact, few_bits in zip(*gradients):
        # torch's kernels round alike on every processor (measured: up to 0.04). oneDNN's round
        # as the processor does: up to 0.28 in one layer, 0.02 in all, with AMX.
        if not onednn:
            assert (few_bits - exact).norm() < 0.1 * exact.norm()
        assert torch.cosine_similarity(exact.flatten(), few_bits.flatten(), 0) > 0.9
    exact, few_bits = (torch.cat([gradient.flatten() for gradient in each]) for each in gradients)
    assert (few_bits - exact).norm() < 0.1 * exact.norm()
    assert {n: logs[1][n] for n in losses(logs[0])} == pytest.approx(
        {n: logs[0][n] for n in losses(logs[0])}, rel=0.03)


@pytest.mark.parametrize('method', METHODS)
def test_ssr_regularizes_the_supervised_view_of_each(build, batch, method):
    segmentor = build(method, regularizer=tiny_training.tiny_regularizer())
    log = segmentor.train_step(batch, sgd(segmentor))['log_vars']
    assert losses(log) == SOURCE | METHODS[method][1] | {'enhanced.loss_ce'}


def test_mic_labels_the_masked_view_with_a_teacher_of_its_own(build, batch):
    segmentor = build('minent', mask_mode='separatetrgaug', mask_generator=dict(
        type='block', mask_ratio=0.7, mask_block_size=8))
    seen = []
    label = segmentor.pseudo_labels
    segmentor.pseudo_labels = lambda *args: seen.append(args[0]) or label(*args)
    log = segmentor.train_step(batch, sgd(segmentor))['log_vars']
    assert losses(log) == SOURCE | METHODS['minent'][1] | {
        'masked.decode.loss_ce', 'masked.aux.loss_ce'}
    assert segmentor.teacher is None and seen == segmentor.teachers and len(seen) == 1


def test_a_loss_on_target_predictions_beside_class_mix(build, batch):
    segmentor = SEGMENTORS.build(dict(
        type='DACS', model=student(), max_iters=10, lambda_ent=0.1)).train()
    log = segmentor.train_step(batch, sgd(segmentor))['log_vars']
    assert losses(log) == SOURCE | {'mix.decode.loss_ce', 'mix.aux.loss_ce', 'ent.loss.main'}


def test_each_of_several_auxiliary_heads_has_its_losses(batch):
    model = student()
    model.auxiliary_head = [model.auxiliary_head, dict(
        model.auxiliary_head, in_channels=16, in_index=1, channels=16)]
    weights = dict(main=0.1, aux_0=0.02, aux_1=0.01)
    segmentor = SEGMENTORS.build(dict(
        type='MinEnt', model=model, max_iters=10, lambda_ent=weights)).train()
    log = segmentor.train_step(batch, sgd(segmentor))['log_vars']
    assert losses(log) == {'decode.loss_ce', 'aux_0.loss_ce', 'aux_1.loss_ce',
                           *(f'ent.loss.{level}' for level in weights)}
    with pytest.raises(ConfigError, match='unknown key uda.lambda_ent.aux, did you mean .aux_'):
        SEGMENTORS.build(dict(type='MinEnt', model=model, max_iters=10,
                              lambda_ent=dict(main=0.1, aux=0.02)))


def test_the_loss_it_is_named_after_is_one_of_a_head_that_is_there():
    with pytest.raises(ConfigError, match='needs lambda_ent.* for a head that the student has'):
        SEGMENTORS.build(dict(type='MinEnt', model=student(auxiliary=False), max_iters=10,
                              lambda_ent=dict(aux=0.02)))


def test_images_of_source_and_target_may_differ_in_size(build, batch):
    batch['target_img'] = torch.randn(2, 3, 32, 64)
    for method in METHODS:
        segmentor, sizes = build(method), []
        term_of(segmentor).register_forward_pre_hook(
            lambda module, args, sizes=sizes: sizes.append(args[0]['main'].shape))
        segmentor.train_step(batch, sgd(segmentor))
        assert sizes == [(2, 19, 32, 64)]


@pytest.mark.parametrize('method', ['minent', 'maxsquare', 'advseg'])
def test_on_hrda_the_fused_logits_count(batch, method):
    model = student(auxiliary=False)
    model.update(type='HRDAEncoderDecoder', scales=[1, 0.5], hr_crop_size=[32, 32])
    model.decode_head.update(type='HRDAHead', single_scale_head='DAFormerHead',
                             attention_embed_dim=8, hr_loss_weight=0.1)
    segmentor = SEGMENTORS.build(dict(METHODS[method][0], model=model, max_iters=10)).train()
    batch.update(img=torch.randn(2, 3, 64, 64), target_img=torch.randn(2, 3, 64, 64),
                 gt_semantic_seg=torch.randint(0, 19, (2, 1, 64, 64)))
    sizes = []
    term = term_of(segmentor)
    term.register_forward_pre_hook(lambda module, args: sizes.append(args[0]['main'].shape))
    log = segmentor.train_step(batch, sgd(segmentor))['log_vars']
    assert sizes == [(2, 19, 64, 64)] and 'decode.hr.loss_ce' in losses(log)


def test_one_pass_for_all_views_gives_the_same(build, batch):
    logs = [build('multi', joint_views=joint) for joint in (False, True)]
    logs = [m.train_step(batch, sgd(m))['log_vars'] for m in logs]
    assert logs[0] == pytest.approx(logs[1], rel=1e-4)


def test_a_weight_for_a_head_that_is_not_there_counts_for_nothing(build, batch):
    segmentor = build('advseg', auxiliary=False)
    log = segmentor.train_step(batch, sgd(segmentor))['log_vars']
    assert {name for name in losses(log) if name.startswith('G')} == {'G_trg.loss.main'}


def test_guidance_from_one_prediction(build):
    part = build('multi', guidance_from='main').target_terms[0]
    assert isinstance(part, MaximumSquares) and part.guidance.guide == 'main'
    assert part.guidance == (0.1, 0.06, 'main') and part.image_wise_ratio == 0.2


def test_the_keys_of_mics_configs_are_understood(batch):
    shared = dict(
        debug_img_interval=1000, alpha=0.999, mask_alpha='same', mask_pseudo_threshold='same',
        pseudo_threshold=0.968, pseudo_weight_ignore_top=0, pseudo_weight_ignore_bottom=0,
        blur=True, color_jitter_strength=0.2, color_jitter_probability=0.2, mask_mode=None,
        mask_lambda=0,
        mask_generator=None, model=student(auxiliary=False), max_iters=40)
    weights = dict(main=0.001, aux=0.0002)
    SEGMENTORS.build(dict(type='MinEnt', lambda_ent=weights, **shared))
    segmentor = SEGMENTORS.build(dict(
        type='AdvSeg', discriminator_type='LS', lr_D=1e-4, lr_D_power=0.9, lr_D_min=0,
        lambda_adv_target=weights, **shared)).train()
    segmentor.iteration = 10
    segmentor.train_step(batch, sgd(segmentor))
    assert segmentor.adversary.optimizer.param_groups[0]['lr'] == pytest.approx(
        1e-4 * 0.75 ** 0.9)


def test_targets_are_needed(build, batch):
    segmentor = build('minent')
    del batch['target_img']
    with pytest.raises(ConfigError, match='learns from target images.*UDADataset'):
        segmentor.train_step(batch, sgd(segmentor))


def test_source_only_is_the_first_stage(build, batch):
    segmentor = SEGMENTORS.build(dict(type='MaxSquare', model=student(), max_iters=1,
                                      source_only=True)).train()
    del batch['target_img']
    log = segmentor.train_step(batch, sgd(segmentor))['log_vars']
    assert losses(log) == SOURCE


def test_trainers_that_step_themselves_cannot_train_discriminators(build, batch):
    metas = batch.pop('target_img_metas')
    with pytest.raises(ConfigError, match='trains discriminators'):
        build('advseg').forward_train(**batch, target_img_metas=metas)
    terms = build('minent').forward_train(**batch, target_img_metas=metas)
    assert terms['ent.loss.main'].requires_grad


@pytest.mark.parametrize('method, auxiliary, options, message', [
    ('minent', True, dict(lambda_ent=0.), 'needs lambda_ent'),
    ('minent', True, dict(lambda_ent=dict(mian=1.)), "lambda_ent.mian, did you mean 'main'"),
    ('minent', True, dict(lambda_ent=-1.), 'lambda_ent must be at least 0'),
    ('minent', True, dict(source_only=True), 'source_only=True.*lambda_ent'),
    ('multi', False, {}, 'and no list, the student has none'),
    ('multi', True, dict(guidance_from='aux'), "guidance_from must be 'mean' or 'main'"),
    ('maxsquare', True, dict(image_wise_ratio=20.), 'image_wise_ratio'),
    ('advseg', True, dict(discriminator_type='ls'), "discriminator_type must be 'LS' or 'Vanilla'"),
    ('advseg', True, dict(lr_D=-1.), 'lr_D must be above 0')])
def test_wrong_values_name_their_key(build, method, auxiliary, options, message):
    options = {**METHODS[method][0], **options}
    with pytest.raises(ConfigError, match=message):
        SEGMENTORS.build(dict(options, model=student(auxiliary), max_iters=1))


@pytest.mark.parametrize('action', ['stop', 'skip'])
def test_a_bad_gradient_of_a_discriminator_does_not_reach_it(build, batch, action):
    segmentor = build('advseg', not_finite=action)
    segmentor.finite_check.warn = lambda line: None
    before, optimizer = discriminators(segmentor), sgd(segmentor)
    parameter = next(segmentor.adversary.network.parameters())
    hook = parameter.register_hook(lambda gradient: gradient / 0)
    if action == 'stop':
        with pytest.raises(NotFinite, match='grad_norm of discriminators, gradient of main.0'):
            segmentor.train_step(batch, optimizer)
    else:
        log = segmentor.train_step(batch, optimizer)['log_vars']
        assert log['skipped_updates'] == 1 and 'grad_norm of discriminators' not in log
    assert all(map(torch.equal, discriminators(segmentor), before))
    hook.remove()


def test_guidance_of_a_list_of_heads_is_refused_by_their_names(build):
    model = student()
    model.auxiliary_head = [model.auxiliary_head]
    with pytest.raises(ConfigError, match='and no list, the student has aux_0'):
        SEGMENTORS.build(dict(METHODS['multi'][0], model=model, max_iters=10))
