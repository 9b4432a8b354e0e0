import pytest
import tiny_training
from mmcv import Config
from mmseg.models.builder import SEGMENTORS

from mmseg_ssr.datasets import UDADataset
from mmseg_ssr.engine.config.validate import validate
from mmseg_ssr.errors import ConfigError


@pytest.fixture
def sections(tmp_path):
    """A valid config of SSR; the data need not exist."""
    return tiny_training.ssr_config(tmp_path)


def check(sections, **changes):
    cfg = Config(sections, filename=None)
    cfg.merge_from_dict(changes)
    validate(cfg)


@pytest.mark.parametrize('folder', [5, '', ['maps']])
def test_a_folder_of_maps_is_a_path(sections, folder):
    check(sections, **{'data.train.source.encoder_maps': None})
    with pytest.raises(ConfigError, match='data.train.source.encoder_maps must be the path of a f'):
        check(sections, **{'data.train.source.encoder_maps': folder})


def test_a_valid_config_passes(sections, tmp_path):
    check(sections)
    check(tiny_training.supervised_config(tmp_path))


@pytest.mark.parametrize('key, message', [
    ('optimzer', "unknown key optimzer, did you mean 'optimizer'"),
    ('lr_confg', "unknown key lr_confg, did you mean 'lr_config'"),
    ('uda.aplha', "unknown key uda.aplha, did you mean 'alpha'"),
    ('uda.mask_generator.mask_rato', "unknown key uda.mask_generator.mask_rato, did you mean "
                                     "'mask_ratio'"),
    ('model.backbne', "unknown key model.backbne, did you mean 'backbone'"),
    ('model.backbone.drop_path_rat', "unknown key model.backbone.drop_path_rat, did you mean "
                                     "'drop_path_rate'"),
    ('model.decode_head.num_clases', "unknown key model.decode_head.num_clases, did you mean "
                                     "'num_classes'"),
    ('model.decode_head.loss_decode.loss_wight', "did you mean 'loss_weight'"),
    ('uda.regularizer.stage', "unknown key uda.regularizer.stage, did you mean 'stages'"),
    ('uda.regularizer.encoder.variannt', "unknown key uda.regularizer.encoder.variannt, did you "
                                         "mean 'variant'"),
    ('model.test_cfg.strid', "unknown key model.test_cfg.strid, did you mean 'stride'"),
    ('data.worker_per_gpu', "unknown key data.worker_per_gpu, did you mean 'workers_per_gpu'"),
    ('data.train.sourc', "unknown key data.train.sourc, did you mean 'source'"),
    ('data.train.source.img_dirs', "unknown key data.train.source.img_dirs, did you mean "
                                   "'img_dir'"),
    ('data.train.rare_class_sampling.min_pixel', "did you mean 'min_pixels'"),
    ('data.val.pipeline.0.color_typ', "unknown key data.val.pipeline.0.color_typ, did you mean "
                                      "'color_type'"),
    ('optimizer.weight_dcay', "unknown key optimizer.weight_dcay, did you mean 'weight_decay'"),
    ('optimizer.paramwise_cfg.custom_key', "did you mean 'custom_keys'"),
    ('lr_config.warmup_iter', "unknown key lr_config.warmup_iter, did you mean 'warmup_iters'"),
    ('runner.max_iter', "unknown key runner.max_iter, did you mean 'max_iters'"),
    ('checkpoint_config.intervall', "did you mean 'interval'"),
    ('evaluation.metrics', "did you mean 'metric'"),
    ('log_config.intervl', "did you mean 'interval'"),
    ('log_config.hooks.0.by_epock', "did you mean 'by_epoch'"),
])
def test_a_misspelled_key_is_named_with_the_nearest(sections, key, message):
    parts, target = key.split('.'), sections
    for part in parts[:-1]:
        target = target[int(part) if part.isdigit() else part]
    target[parts[-1]] = 1
    with pytest.raises(ConfigError, match=message):
        check(sections)


def test_the_message_names_the_file(sections, config_file):
    from mmseg_ssr.engine.config.load import load_config
    sections['uda']['aplha'] = 0.9
    path = config_file(sections)
    with pytest.raises(ConfigError, match=f'^{path}: unknown key uda.aplha'):
        validate(load_config(path))


@pytest.mark.parametrize('key, value, message', [
    ('model.type', 'EncodrDecoder', "unknown model.type 'EncodrDecoder', did you mean "
                                    "'EncoderDecoder'"),
    ('model.backbone.type', 'mit_b9', "unknown model.backbone.type 'mit_b9', did you mean "
                                      "'mit_b"),
    ('uda.type', 'SSRR', "unknown uda.type 'SSRR', did you mean 'SSR'"),
    ('data.train.type', 'UDADatset', "did you mean 'UDADataset'"),
    ('optimizer.type', 'AdamV', "did you mean 'Adam"),
    ('lr_config.policy', 'polly', "unknown lr_config.policy 'polly', did you mean 'poly'"),
])
def test_an_unknown_type(sections, key, value, message):
    with pytest.raises(ConfigError, match=message):
        check(sections, **{key: value})


@pytest.mark.parametrize('key, value, message', [
    ('model.test_cfg', dict(mode='slide'), 'model.test_cfg.crop_size must be .height, width.'),
    ('model.test_cfg.amp', dict(dtype='half'), 'model.test_cfg.amp must be dict'),
    ('test_cfg', dict(mode='while'), "test_cfg.mode .* got 'while', did you mean 'whole'"),
    ('data.prefetch_factor', 0, 'data.prefetch_factor must be at least 1, got 0'),
    ('data.prefetch_factor', 'all', "data.prefetch_factor must be .* got 'all'"),
])
def test_values_of_inference_and_loading(sections, key, value, message):
    with pytest.raises(ConfigError, match=message):
        check(sections, **{key: value})


def test_options_of_parameters_are_dicts(sections):
    with pytest.raises(ConfigError, match='optimizer.paramwise_cfg.custom_keys must be a dict of '
                                          "dicts, got {'head': 10"):
        check(sections, **{'optimizer.paramwise_cfg': dict(custom_keys=dict(head=10.))})


@pytest.mark.parametrize('pattern', ['regularizer', 'backbone', 'encoder', 'norm_cfg'])
def test_a_pattern_of_parameters_may_be_called_as_a_part_is(sections, pattern):
    place = f'optimizer.paramwise_cfg.custom_keys.{pattern}'
    check(sections, **{place: dict(lr_mult=5.)})
    with pytest.raises(ConfigError, match=f"unknown key {place}.lr_mul, did you mean 'lr_mult'"):
        check(sections, **{place: dict(lr_mul=5.)})


def test_good_values_of_inference_and_loading(sections):
    check(sections, **{'model.test_cfg': dict(
        mode='slide', crop_size=(32, 32), stride=[16, 16], batched_slide=4, compile=True,
        amp=dict(dtype='bfloat16')), 'data.prefetch_factor': 4})


def test_variables_of_the_author_are_let_be(sections):
    check(dict(sections, gta_train_pipeline=[], my_crop=(2, 2), gpu_model='any', exp='report'))


@pytest.mark.parametrize('key', ['model', 'data'])
def test_sections_that_must_be_there(sections, key):
    del sections[key]
    with pytest.raises(ConfigError, match=f'no {key} = dict'):
        check(sections)


def test_a_class_set_that_does_not_fit_the_head(sections):
    with pytest.raises(ConfigError, match=r'model.decode_head.num_classes is 13, but '
                                          r'data.train.source \(GTADataset\) has 19 classes'):
        check(sections, **{'model.decode_head.num_classes': 13})


def test_named_classes_count_instead_of_the_data_sets(sections):
    for dataset in (sections['data']['val'], sections['data']['test'],
                    sections['data']['train']['source'], sections['data']['train']['target']):
        dataset['classes'] = ['road', 'car']
    sections['model']['decode_head']['num_classes'] = 2
    check(sections)


@pytest.mark.parametrize('head, classes, named', [
    (1, ['object'], 'model.decode_head.num_classes and data.train.source.classes: '),
    (1, ['road', 'object'], 'model.decode_head.num_classes: '),
    (2, ['object'], 'data.train.source.classes: ')])
def test_one_class_alone_is_refused(sections, head, classes, named):
    for dataset in (sections['data']['val'], sections['data']['test'],
                    sections['data']['train']['source'], sections['data']['train']['target']):
        dataset['classes'] = classes
    sections['model']['decode_head']['num_classes'] = head
    with pytest.raises(ConfigError) as error:
        check(sections)
    line, = error.value.problems
    assert line.endswith(f'{named}a network of one class predicts it everywhere. Make the rest of '
                         "the images a class too: classes=['background', 'object'], in the order "
                         'of the ids in the labels, and num_classes=2')


@pytest.mark.parametrize('changes, height', [
    ({'uda.pseudo_weight_ignore_bottom': 31}, None),
    ({'uda.pseudo_weight_ignore_bottom': 32}, 32),
    ({'uda.pseudo_weight_ignore_top': 20, 'uda.pseudo_weight_ignore_bottom': 12}, 32),
    ({'uda.pseudo_weight_ignore_top': 16, 'data.train.sync_crop_size': (16, 32)}, 16),
    ({'uda.pseudo_weight_ignore_top': 32, 'uda.source_only': True}, None)])
def test_rows_without_pseudo_labels_are_less_than_the_crop(sections, changes, height):
    if height is None:
        check(sections, **changes)
        return
    with pytest.raises(ConfigError, match=f'uda.pseudo_weight_ignore_top=.* leave no row of the '
                                          f'crops, which are {height} pixels high'):
        check(sections, **changes)


@pytest.mark.parametrize('changes, message', [
    ({'uda.stop_stage': [0, 5]}, r'uda.stop_stage must be some of \[0, 1, 2, 3\], got \[0, 5\]'),
    ({'uda.stop_stage': []}, r'uda.stop_stage must be some of .*, got \[\]'),
    ({'uda.regularizer.stages': [-1]}, r'uda.regularizer.stages must be some of .*, got \[-1\]'),
    ({'uda.stop_stage': [4], 'model.backbone': dict(type='mit_b5')}, r'some of \[0, 1, 2, 3\]'),
    ({'uda.stop_stage': [2], 'model.backbone': dict(
        type='FoundationBackbone', model='convnext_atto', layers=(2, 3), _delete_=True)},
     r'some of \[0, 1\], got \[2\]'),
    ({'uda.stop_stage': [-1], 'model.neck': dict(type='SimpleFeaturePyramid', in_channels=8,
                                                 out_channels=8)}, 'numbers of stages, from 0')])
def test_stages_that_the_backbone_does_not_have(sections, changes, message):
    if 'model.backbone' in changes:
        sections['model']['backbone'] = {}
    with pytest.raises(ConfigError, match=message) as error:
        check(sections, **changes, **{'uda.aplha': 0.9})
    assert len(error.value.problems) == 2  # with the other faults
    assert 'unknown key uda.aplha' in str(error.value)


@pytest.mark.parametrize('side', ['source', 'target'])
@pytest.mark.parametrize('value, message', [
    ([], ' is an empty list: give one data set'), (None, r' must be a data set, .* got None'),
    (['GTADataset'], r".0 must be a data set, .* got 'GTADataset'")])
def test_a_source_or_target_that_is_no_data_set(sections, side, value, message):
    train = sections['data']['train']
    train[side] = value
    with pytest.raises(ConfigError, match=f'data.train.{side}{message}'):
        check(sections)
    others = {one: train[one] for one in ('source', 'target')}
    with pytest.raises(ConfigError, match=f'data.train.{side}{message}'):
        UDADataset(**others)


def test_the_outer_optimizer_hook_is_refused_beside_a_method(sections):
    check(dict(sections, optimizer_config=dict()))
    with pytest.raises(ConfigError, match='optimizer_config must be None with uda'):
        check(dict(sections, optimizer_config=dict(grad_clip=dict(max_norm=1))))


def test_half_precision_is_refused_rather_than_ignored(sections):
    with pytest.raises(ConfigError, match="give uda.amp=dict"):
        check(dict(sections, fp16=dict(loss_scale=512.)))


def test_keys_of_an_encoder_are_those_of_its_type(sections):
    sections['uda']['imnet_feature_dist_encoder'] = dict(
        type='timm', model='test_vit', checkpoint=None, layers=[2, -1])
    check(sections)
    for key, encoder, message in (
            ('uda.imnet_feature_dist_encoder', dict(type='timm', modell='test_vit'),
             "unknown key uda.imnet_feature_dist_encoder.modell, did you mean 'model'"),
            ('uda.regularizer.encoder', dict(type='timm', variant='vit_b'),
             'unknown key uda.regularizer.encoder.variant, valid keys are checkpoint'),
            ('uda.regularizer.encoder', dict(type='smam'), "one of .* got 'smam', did you mean")):
        with pytest.raises(ConfigError, match=message):
            check(sections, **{key: dict(encoder, _delete_=True)})


def problems_of(sections):
    with pytest.raises(ConfigError) as error:
        check(sections)
    return [line.split(': ', 1)[1] for line in error.value.problems]


def test_independent_faults_are_reported_at_once(sections):
    sections['uda']['aplha'] = sections['uda'].pop('alpha', 0.9)
    sections['model']['backbone']['type'] = 'mit_b9'
    sections['data']['samples_per_gpu'] = 'two'
    sections['runner']['max_iter'] = 4
    expected = ('unknown model.backbone.type', 'unknown key uda.aplha',
                'data.samples_per_gpu must be', 'unknown key runner.max_iter')
    problems = problems_of(sections)
    assert len(problems) == 4 and all(map(str.startswith, problems, expected))


def test_every_dict_and_every_key_has_a_line_of_its_own(sections):
    sections['uda'].update(aplha=0.9, pseudo_threshold='high',
                           mask_generator=dict(type='block', mask_rato=0.7, mask_block_size=8))
    sections['seed'] = -1
    sections['lr_config'].update(policy='polly', by_epoch=True)
    assert [line.split(' must')[0].split(',')[0] for line in problems_of(sections)] == [
        'seed', 'unknown key uda.aplha', 'uda.pseudo_threshold',
        'unknown key uda.mask_generator.mask_rato', "unknown lr_config.policy 'polly'",
        'lr_config.by_epoch']


def change(path, value=None, to=None):
    """A function that sets a key, or renames it."""
    def changed(sections):
        *parents, key = path.split('.')
        for parent in parents:
            sections = sections[int(parent) if parent.isdigit() else parent]
        sections[to or key] = sections.pop(key) if to else value
    return changed


@pytest.mark.parametrize('fault, line', [
    (change('model.decode_head.num_classes', 13), 'model.decode_head.num_classes is 13, but'),
    (change('model.decode_head.num_classes', '19'), 'model.decode_head.num_classes must be'),
    (change('model', to='modle'), 'unknown key modle'),
    (change('model', 3), 'no model = dict'),
    (change('data', to='dtaa'), 'unknown key dtaa'),
    (change('optimizer.lr', float('nan')), 'optimizer.lr must be a finite number'),
    (change('optimizer.lr', 0xf ** 9999), 'optimizer.lr is an integer of more than 64 bits'),
    (change('data.train.source', to='sourc'), 'unknown key data.train.sourc'),
    (change('data.train.source.type', to='typ'), "data.train.source needs the key 'type'"),
    (change('data.train.source.type', 'GTADatset'), 'unknown data.train.source.type'),
    (change('data.val.split', dict(type='x')), 'unknown data.val.split.type'),
    (change('uda.alpha', dict(mask_ratio=[])), 'uda.alpha must be'),
    (change('uda.mask_generator', 'block'), 'uda.mask_generator must be'),
    (change('model.test_cfg.mode', 5), 'model.test_cfg.mode must be a text'),
    (change('model.test_cfg', dict(mode='slide', crop_size='all', stride=(1, 1))),
     'model.test_cfg.crop_size must be'),
    (change('log_config.hooks.0.type', ['TextLoggerHook']), 'log_config.hooks.0.type must be'),
    (change('evaluation.metric', 5), 'evaluation.metric must be'),
])
def test_one_cause_is_one_line(sections, fault, line):
    fault(sections)
    problem, = problems_of(sections)
    assert problem.startswith(line)


def test_a_head_is_compared_with_every_number_of_classes(sections):
    sections['data']['val']['classes'] = ['road', 'car']
    sections['model']['auxiliary_head'] = dict(
        sections['model']['decode_head'], num_classes=2)
    assert problems_of(sections) == [
        'model.auxiliary_head.num_classes is 2, but data.train.source (GTADataset) has 19 classes: '
        'give both the same',
        'model.decode_head.num_classes is 19, but data.val (CityscapesDataset) has 2 classes: give '
        'both the same']


def test_a_fault_of_a_pipeline_that_data_sets_share_is_one_line(sections):
    for split in ('val', 'test'):
        sections['data'][split]['pipeline'][0]['color_typ'] = 'color'
    problem, = problems_of(sections)
    assert problem.startswith('unknown key data.val.pipeline.0.color_typ')


def test_what_a_method_says_of_its_keys_is_taken_in(sections, monkeypatch):
    seen = []

    class Checked(SEGMENTORS.get('SSR')):
        @classmethod
        def check_keys(cls, keys):
            seen.append(keys)
            raise ConfigError('uda.alpha must be in [0, 1], got 2', 'uda.blur: no', 'uda needs mix')

    monkeypatch.setitem(SEGMENTORS.module_dict, 'SSR', Checked)
    sections['uda'].update(alpha=2, blurr=True, mix=5)
    assert [line.split(' must')[0].split(',')[0] for line in problems_of(sections)] == [
        'unknown key uda.blurr', 'uda.mix', 'uda.alpha']
    keys, = seen
    assert keys['alpha'] == 2 and not {'type', 'blurr', 'mix'} & set(keys)


def test_keys_of_another_type_are_one_line(sections):
    sections['data']['train']['source']['pipeline'][0]['type'] = 'Normalize'
    sections['data']['train']['source']['pipeline'][0].update(color_type='color', scale=2)
    problem, = problems_of(sections)
    assert problem.startswith('unknown keys data.train.source.pipeline.0.color_type, '
                              'data.train.source.pipeline.0.scale, valid keys are mean, ')
