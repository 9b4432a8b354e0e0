import shutil

import pytest
from tiny_data import cityscapes_config, gta_config, training_steps

from mmseg_ssr.datasets import build, build_dataset
from mmseg_ssr.errors import ConfigError, MissingFile


def fails(config, error, message, **options):
    with pytest.raises(error, match=message) as caught:
        build_dataset(config, **options)
    assert '\n' not in str(caught.value)


def test_missing_folder_says_where_the_data_is_published(tmp_path):
    fails(gta_config(tmp_path / 'data/gta'), MissingFile,
          'image folder .*data/gta/images of GTADataset is missing.*visinf.tu-darmstadt')
    fails(cityscapes_config(tmp_path), MissingFile,
          'leftImg8bit/train of CityscapesDataset is missing.*www.cityscapes-dataset.com')


def test_empty_folder(gta):
    for image in (gta / 'images').iterdir():
        image.unlink()
    fails(gta_config(gta), MissingFile, r'images holds no image \*.png for GTADataset.*published')


def test_unconverted_labels_name_the_command(gta_raw, cityscapes_raw):
    fails(gta_config(gta_raw), MissingFile,
          '6 of 6 labels .*_labelTrainIds.png of GTADataset are missing in .*labels .first: '
          '00001_labelTrainIds.png.: make them with: mmseg-ssr convert gta '
          f'{gta_raw}')
    fails(cityscapes_config(cityscapes_raw, 'val'), MissingFile,
          'make them with: mmseg-ssr convert cityscapes', test_mode=True)


def test_absent_labels_say_where_they_are_published(cityscapes):
    shutil.rmtree(cityscapes / 'gtFine')
    fails(cityscapes_config(cityscapes, 'val'), MissingFile,
          '2 of 2 labels.*gtFine_trainvaltest.zip.*then run: mmseg-ssr convert', test_mode=True)
    build_dataset(cityscapes_config(cityscapes, 'val'), test_mode=True, need_labels=False)


def test_a_few_images_without_label_can_be_left_out(gta):
    (gta / 'labels' / '00002_labelTrainIds.png').unlink()
    fails(gta_config(gta), MissingFile, '1 of 6 labels')
    dataset = build_dataset(gta_config(gta), skip_unlabeled=True)
    assert [info['filename'] for info in dataset.img_infos] == [
        f'{i:05d}.png' for i in (1, 3, 4, 5, 6)]
    for i in (3, 4, 5):
        (gta / 'labels' / f'{i:05d}_labelTrainIds.png').unlink()
    fails(gta_config(gta), MissingFile, '4 of 6 labels', skip_unlabeled=True)


def test_labels_that_no_config_names(gta):
    config = gta_config(gta)
    del config['ann_dir']
    fails(config, ConfigError, 'GTADataset over .*images needs labels, but its config has no '
                               'ann_dir')


@pytest.mark.parametrize('changes, message', [
    (dict(type='GTADatset'), "'GTADatset' is not known, did you mean 'GTADataset'"),
    (dict(imgdir='x'), "GTADataset: .*'imgdir', did you mean 'img_dir'"),
    (dict(pipeline=[dict(type='LoadImageFromFil')]), "did you mean 'LoadImageFromFile'"),
    (dict(pipeline=[dict(type='Resize', img_scales=(4, 4))]), "did you mean 'img_scale'"),
    (dict(classes=['road', 'moon']), 'GTADataset: classes is not a subset')])
def test_mistakes_in_the_config(gta, changes, message):
    fails(gta_config(gta, **changes), ConfigError, message)


def test_cityscapes_over_several_folders(cityscapes):
    config = cityscapes_config(cityscapes)
    fails(dict(config, img_dir=[config['img_dir']] * 2, ann_dir=None), ConfigError,
          'not supported! Give a list of data sets', need_labels=False)


def test_a_step_that_is_not_implemented_is_told_without_that_advice(gta, monkeypatch):
    def unfinished(self, **options):
        raise NotImplementedError('to be written')

    monkeypatch.setattr('mmseg.datasets.pipelines.LoadImageFromFile.__init__', unfinished)
    fails(gta_config(gta, pipeline=[dict(type='LoadImageFromFile')]), ConfigError,
          'to be written$')


def test_lists_and_wrappers_build(gta):
    config = gta_config(gta)
    assert len(build_dataset([config, config])) == 12
    assert len(build_dataset(dict(type='RepeatDataset', times=3, dataset=config))) == 18
    fails([config, gta_config(gta / 'no')], MissingFile, 'gta/no/images')


def test_config_is_left_alone(gta):
    config = gta_config(gta)
    build_dataset(config)
    assert config == gta_config(gta) and config['pipeline'] == training_steps()


def test_joined_sets_are_written_as_a_list_or_by_name(gta):
    joined = dict(type='ConcatDataset', datasets=[gta_config(gta), gta_config(gta)])
    assert len(build_dataset(joined)) == 12
    assert len(build_dataset(dict(type='RepeatDataset', times=2, dataset=joined))) == 24


def test_a_guess_of_pythons_own_is_not_told_twice():
    """Python 3.13 adds one to the error of an unknown argument."""
    error = TypeError("GTADataset: TrainIdDataset.__init__() got an unexpected keyword argument "
                      "'imgdir'. Did you mean 'img_dir'?")
    assert build._explain(dict(type='GTADataset'), error) == (
        "GTADataset: TrainIdDataset got an unexpected keyword argument 'imgdir', did you mean "
        "'img_dir'?")
