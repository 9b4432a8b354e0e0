"""Methods in mmengine's runner: what they train, save, resume and refuse."""
import copy
import warnings

import pytest
import tiny_mmseg1
import torch
from mmengine.optim import AmpOptimWrapper
from mmseg.apis import inference_model, init_model
from mmseg.registry import MODELS

from mmseg_ssr.errors import CheckpointError, ConfigError
from mmseg_ssr.mmseg1.segmentor import check_optimizer


def weights(network):
    return {name: value.clone() for name, value in network.state_dict().items()}


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_the_checkpoint_is_that_of_a_plain_segmentor(trained):
    folder, runner = trained
    checkpoint = torch.load(folder / 'iter_4.pth', weights_only=False)
    plain = MODELS.build(tiny_mmseg1.tiny_model())
    assert checkpoint['state_dict'].keys() == plain.state_dict().keys()
    assert checkpoint['training_state']['iteration'] == 4
    assert checkpoint['meta']['dataset_meta']['classes'][0] == 'road'
    assert same(weights(runner.model.model), checkpoint['state_dict'])


def test_the_student_learns_and_the_teacher_follows_slowly(trained):
    folder, runner = trained
    first = torch.load(folder / 'iter_2.pth', weights_only=False)['state_dict']
    student, teacher = (weights(one) for one in (runner.model.model,
                                                 runner.model.teacher.network))
    name = 'decode_head.conv_seg.weight'
    assert not torch.equal(first[name], student[name])
    assert not torch.equal(teacher[name], student[name])
    assert {'train/decode.loss_ce', 'train/enhanced_mix.loss_ce', 'train/masked.decode.loss_ce',
            'val/mIoU'} <= set(runner.message_hub.log_scalars)


def test_a_resumed_training_goes_on_to_the_end(trained, runner):
    folder, straight = trained
    resumed = runner(tiny_mmseg1.ssr(), resume=True, load_from=str(folder / 'iter_2.pth'))
    resumed.train()
    assert resumed.iter == resumed.model.iteration == straight.model.iteration == 4


def test_a_resumed_training_begins_with_the_teacher_of_its_checkpoint(trained, runner):
    folder, _ = trained
    other = runner(tiny_mmseg1.ssr(), iterations=2, resume=True,
                   load_from=str(folder / 'iter_2.pth'))
    other.load_or_resume()
    saved = torch.load(folder / 'iter_2.pth', weights_only=False)['training_state']
    assert other.model.iteration == 2
    assert same(other.model.regularizer.state_dict(), saved['regularizer'])
    teacher, expected = other.model.teacher.training_state(), saved['teachers'][0]
    assert teacher['updates'] == expected['updates'] > 0
    assert same(teacher['network'], expected['network'])


def test_weights_alone_begin_a_new_training(trained, runner):
    folder, _ = trained
    new = runner(tiny_mmseg1.method(), load_from=str(folder / 'iter_4.pth'))
    new.load_or_resume()
    assert new.model.iteration == 0
    checkpoint = torch.load(folder / 'iter_4.pth', weights_only=False)
    assert same(weights(new.model.model), checkpoint['state_dict'])


@pytest.mark.parametrize('change, message', [
    (lambda saved: saved.pop('training_state'), 'no training state, so it cannot be resumed'),
    (lambda saved: saved['training_state']['teachers'].clear(), 'has 0 teachers'),
])
def test_checkpoints_that_cannot_be_resumed(trained, runner, tmp_path, change, message):
    folder, _ = trained
    saved = torch.load(folder / 'iter_2.pth', weights_only=False)
    change(saved)
    torch.save(saved, tmp_path / 'changed.pth')
    with pytest.raises(CheckpointError, match=message):
        runner(tiny_mmseg1.ssr(), resume=True,
               load_from=str(tmp_path / 'changed.pth')).load_or_resume()


def test_init_model_builds_the_student_alone(trained, data):
    folder, runner = trained
    model = init_model(runner.cfg.copy(), str(folder / 'iter_4.pth'), device='cpu')
    assert model.regularizer is None and model.teacher is None
    image = next((data / 'cityscapes/leftImg8bit/val').rglob('*.png'))
    predicted = inference_model(model, str(image))
    assert predicted.pred_sem_seg.data.shape == (1, 32, 64)
    assert model.dataset_meta['classes'][-1] == 'bicycle'


def test_a_test_scores_as_the_last_validation_did(trained, runner):
    folder, straight = trained
    scores = runner(tiny_mmseg1.method(train_cfg=None),
                    load_from=str(folder / 'iter_4.pth')).test()
    assert scores['mIoU'] == straight.message_hub.get_scalar('val/mIoU').current()


# ---------------------------------------------------------------- what is refused
@pytest.mark.parametrize('optim, message', [
    (dict(clip_grad=dict(max_norm=1)), r'model\.grad_clip=dict\(max_norm='),
    (dict(accumulative_counts=3), r'model\.cumulative_iters=3 instead'),
])
def test_options_of_the_optimizer_are_refused_with_the_key_to_use(runner, optim, message):
    wrapper = dict(dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.1)), **optim)
    with pytest.raises(ConfigError, match=message):
        runner(tiny_mmseg1.method(), optim_wrapper=wrapper).train()


def test_mixed_precision_of_the_optimizer_is_refused():
    wrapper = object.__new__(AmpOptimWrapper)  # it cannot be made on a CPU
    with pytest.raises(ConfigError, match=r"model\.amp=dict\(dtype='bfloat16'\)"):
        check_optimizer(wrapper)


@pytest.mark.parametrize('keys', [
    dict(amp=dict(dtype='bfloat16')), dict(amp=dict(dtype='float16')),
    dict(grad_clip=dict(max_norm=1.)), dict(cumulative_iters=2)])
def test_the_keys_to_use_work(runner, keys):
    training = runner(tiny_mmseg1.method(**keys), iterations=2)
    training.train()
    assert training.model.iteration == 2


def test_a_training_without_the_hook_is_refused(runner):
    with pytest.raises(ConfigError, match=r"add custom_hooks=\[dict\(type='TrainingStateHook'\)\]"):
        runner(tiny_mmseg1.method(), custom_hooks=[]).train()


def test_averaged_weights_are_refused(runner):
    hooks = [dict(type='TrainingStateHook'), dict(type='EMAHook')]
    with pytest.raises(ConfigError, match='EMAHook .* set model.alpha'):
        runner(tiny_mmseg1.method(), custom_hooks=hooks).train()


def test_data_without_a_target_is_refused(runner, data):
    with pytest.raises(ConfigError, match="set train_dataloader.dataset to a dict.type='UDAData"):
        runner(tiny_mmseg1.method(), train=tiny_mmseg1.gta(data)).train()


@pytest.mark.parametrize('preprocessor', [
    None, dict(type='SegDataPreProcessor', mean=tiny_mmseg1.MEAN, std=tiny_mmseg1.STD)])
def test_a_preprocessor_that_makes_no_batches_is_refused(runner, preprocessor):
    with pytest.raises(ConfigError, match='SegDataPreProcessor.*size=CROP_SIZE'):
        runner(tiny_mmseg1.method(data_preprocessor=preprocessor)).train()


def test_the_losses_are_not_given(data):
    method = MODELS.build(tiny_mmseg1.method())
    with pytest.raises(ConfigError, match="model_wrapper_cfg=dict.type='SelfTrainingParallel'"):
        method(torch.zeros(1, 3, 32, 32), [], mode='loss')


def test_a_misspelled_key_is_named():
    with pytest.raises(ConfigError, match='unknown key model.alpa.*alpha'):
        MODELS.build(tiny_mmseg1.method(alpa=0.9))


# ---------------------------------------------------------------- other methods and networks
@pytest.mark.parametrize('keys', [
    dict(type='MaxSquare', lambda_max_square=0.1), dict(type='MinEnt', lambda_ent=0.001),
    dict(type='AdvSeg', lambda_adv_target=dict(main=0.001))], ids=lambda keys: keys['type'])
def test_methods_without_class_mix(runner, keys):
    training = runner(tiny_mmseg1.method(**keys), iterations=2)
    training.train()
    assert training.model.iteration == 2 and training.model.teacher is None


def test_source_only_on_a_plain_data_set(runner, data):
    training = runner(tiny_mmseg1.method(source_only=True), train=tiny_mmseg1.gta(data),
                      iterations=2)
    training.train()
    assert training.model.iteration == 2


def test_the_students_own_preprocessor_is_used():
    student = tiny_mmseg1.tiny_model(data_preprocessor=tiny_mmseg1.preprocessor())
    method = MODELS.build(tiny_mmseg1.method(model=student, data_preprocessor=None))
    assert method.data_preprocessor is method.model.data_preprocessor


def test_supervised_ssr_is_a_segmentor_of_its_own(runner, data, tmp_path):
    model = tiny_mmseg1.tiny_model('SSREncoderDecoder', regularizer=dict(
        encoder=copy.deepcopy(tiny_mmseg1.SAM)), data_preprocessor=tiny_mmseg1.preprocessor())
    training = runner(model, train=tiny_mmseg1.gta(data), iterations=2)
    training.train()
    saved = torch.load(tmp_path / 'iter_2.pth', weights_only=False)
    assert not [name for name in saved['state_dict'] if 'regularizer' in name]
    assert saved['training_state']['regularizer']
    assert {'train/decode.loss_ce', 'train/enhanced.loss_ce'} <= set(
        training.message_hub.log_scalars)
    again = runner(model, train=tiny_mmseg1.gta(data), resume=True,
                   load_from=str(tmp_path / 'iter_2.pth'))
    again.load_or_resume()
    assert same(again.model.regularizer.state_dict(), saved['training_state']['regularizer'])


def test_ordinary_segmentors_train_beside_the_hook(runner, data):
    model = tiny_mmseg1.tiny_model(data_preprocessor=tiny_mmseg1.preprocessor())
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        training = runner(model, train=tiny_mmseg1.gta(data), iterations=2)
        training.train()
    assert training.iter == 2
