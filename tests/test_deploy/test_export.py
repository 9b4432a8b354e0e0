"""Every format of small networks, run by what reads it, at sizes that it was not made of."""
import importlib.util
import json
import math
import os
import sys
from pathlib import Path

import numpy as np
import pytest
import tiny_training
import torch
from mmcv import Config

import mmseg_ssr
from mmseg_ssr.deploy import export as exporting
from mmseg_ssr.deploy.export import export, other_sizes, others_in
from mmseg_ssr.deploy.formats import FORMATS
from mmseg_ssr.deploy.graph import Deployed
from mmseg_ssr.deploy.model_file import build_network, read_model
from mmseg_ssr.deploy.numbers import Numbers, find_numbers, read_numbers
from mmseg_ssr.engine.build import build_test_model
from mmseg_ssr.engine.checkpoint.files import read_checkpoint, write_checkpoint
from mmseg_ssr.errors import ConfigError, DataError, MissingFile, UserError

WEIGHTS = ['mmseg', 'safetensors']
GRAPHS = ['torchscript', 'torch_export', 'onnx']
PACKAGES = dict(safetensors='safetensors', onnx='onnxruntime')


def needs(name):
    if name in PACKAGES:
        pytest.importorskip(PACKAGES[name])


@pytest.fixture(scope='module')
def mit(data, tmp_path_factory):
    """A checkpoint of this package's MiT, made narrow."""
    from mmseg.models.builder import BACKBONES

    from mmseg_ssr.models.mit import MiT
    if 'NarrowMiT' not in BACKBONES:
        class NarrowMiT(MiT):
            def __init__(self):
                super().__init__((8, 16, 40, 64), (1, 1, 1, 1))
        BACKBONES.register_module(module=NarrowMiT)
    sections = tiny_training.supervised_config(data)
    sections['model']['backbone'] = dict(type='NarrowMiT')
    sections['model']['decode_head']['decoder_params']['fusion_cfg'] = dict(
        type='conv', kernel_size=1, act_cfg=dict(type='ReLU'), norm_cfg=dict(type='BN'))
    return tiny_training.untrained_checkpoint(
        tmp_path_factory.mktemp('mit') / 'mit.pth', sections)


def image(height, width):
    return 255 * torch.rand(1, 3, height, width)


@pytest.mark.parametrize('name', WEIGHTS)
def test_weights_predict_as_the_checkpoint(untrained, tmp_path, name):
    needs(name)
    file, = export(read_model(untrained), str(tmp_path), [name])
    assert file.difference == 0 and file.fixed_size is None
    array = np.random.default_rng(0).integers(0, 256, (80, 120, 3), np.uint8)
    before, after = (mmseg_ssr.load(path, device='cpu').predict(array)
                     for path in (untrained, file.path))
    np.testing.assert_array_equal(before.confidence, after.confidence)
    assert before.classes == after.classes and before.palette == after.palette


def test_the_plain_checkpoint_has_nothing_of_the_training(untrained, tmp_path):
    file, = export(read_model(untrained), str(tmp_path), ['mmseg'])
    content = read_checkpoint(file.path)
    assert set(content) == {'meta', 'state_dict'}
    assert {name.split('.')[0] for name in content['state_dict']} == {'backbone', 'decode_head'}
    assert content['meta']['iter'] == 7 and content['meta']['CLASSES'][0] == 'road'


@pytest.fixture(scope='module')
def graphs(mit, tmp_path_factory):
    """All graphs of the narrow MiT whose packages are there, by their names."""
    installed = [name for name in GRAPHS
                 if importlib.util.find_spec(PACKAGES.get(name, 'torch')) is not None]
    out = str(tmp_path_factory.mktemp('graphs'))
    return {file.format: file
            for file in export(read_model(mit), out, installed, size=(64, 96))}


@pytest.mark.slow
@pytest.mark.parametrize('name', GRAPHS)
def test_a_graph_of_mit_takes_any_size(graphs, name):
    needs(name)
    file = graphs[name]
    assert file.fixed_size is None, file.reason
    assert file.sizes == [(64, 96), (96, 64), (69, 67)] and file.difference < 1e-4


@pytest.mark.slow
@pytest.mark.parametrize('name', ['torchscript', 'onnx'])  # torch.export's takes seconds to read
def test_a_graph_of_mit_at_more_sizes(mit, graphs, name):
    needs(name)
    deployed = Deployed(build_network(read_model(mit)), tiny_training.NORM)
    run = FORMATS[name].read(graphs[name].path)
    for size in ((129, 75), (224, 320)):
        given = image(*size)
        with torch.no_grad():
            found, expected = run(given), deployed(given)
        assert found.shape == (1, 19, *size)
        torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


def test_a_graph_for_one_size(mit, tmp_path):
    file, = export(read_model(mit), str(tmp_path), ['torchscript'], size=(64, 96), fixed_size=True)
    assert (file.fixed_size, file.sizes, file.reason) == ((64, 96), [(64, 96)], 'as asked for')


@pytest.mark.parametrize('shift', [None, [2.5] + 18 * [-0.5]])
def test_logits_are_those_of_the_prediction(data, untrained, config_file, shift):
    sections = tiny_training.method_config(data)
    sections['model']['test_cfg']['logit_shift'] = shift
    predictor = mmseg_ssr.load(untrained, config_file(sections), device='cpu', scale='original')
    array = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)
    found = predictor.predict(array)
    deployed = Deployed(build_network(read_model(untrained, predictor.preparation.cfg.filename)),
                        tiny_training.NORM)
    with torch.no_grad():
        logits = deployed(torch.from_numpy(array).permute(2, 0, 1)[None].float())
    confidence, label = logits.softmax(1).max(1)
    np.testing.assert_allclose(found.confidence, confidence[0].numpy(), atol=1e-4)
    assert (found.label == label[0].numpy()).mean() > 0.999


def test_a_network_that_was_trained_on_bgr(untrained):
    network = build_network(read_model(untrained))
    given = image(32, 32)
    with torch.no_grad():
        bgr = Deployed(network, dict(mean=[1, 2, 3], std=[4, 5, 6], to_rgb=False))(given)
        rgb = Deployed(network, dict(mean=[1, 2, 3], std=[4, 5, 6], to_rgb=True))(given.flip(1))
    assert torch.equal(bgr, rgb)


class BoundToItsSize(torch.nn.Module):
    """Works at every size, but differently: a trace knows one way only."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, image):
        logits = self.network(image)
        return logits if int(image.shape[2]) == 64 else logits + 1


def test_a_graph_that_is_wrong_at_other_sizes_is_made_for_one(mit, tmp_path, monkeypatch):
    monkeypatch.setattr(exporting, 'Deployed', lambda *args: BoundToItsSize(Deployed(*args)))
    file, = export(read_model(mit), str(tmp_path), ['torchscript'], size=(64, 96))
    assert file.fixed_size == (64, 96) and 'does not compute what the network does' in file.reason
    assert '64 x 96 only' in (tmp_path / 'MODEL_CARD.md').read_text()


def test_a_wrong_file_is_an_error_and_leaves_nothing(untrained, tmp_path, monkeypatch):
    wrong = FORMATS['torchscript']._replace(read=lambda path: lambda image: image.new_zeros(
        (1, 19, *image.shape[2:])))
    monkeypatch.setitem(FORMATS, 'torchscript', wrong)
    (tmp_path / 'model.torchscript').write_text('from before')
    with pytest.raises(UserError, match='torchscript does not compute what the network does'):
        export(read_model(untrained), str(tmp_path), ['torchscript'], size=(64, 64))
    assert [path.name for path in tmp_path.iterdir()] == ['model.torchscript']
    assert (tmp_path / 'model.torchscript').read_text() == 'from before'


@pytest.mark.parametrize('name', sorted(PACKAGES))
def test_a_missing_package_is_named(untrained, tmp_path, monkeypatch, name):
    monkeypatch.setitem(sys.modules, PACKAGES[name], None)
    monkeypatch.setitem(sys.modules, f'{PACKAGES[name]}.torch', None)
    with pytest.raises(UserError, match=f'needs the package {PACKAGES[name]}: pip install'):
        export(read_model(untrained), str(tmp_path), [name], size=(64, 64), fixed_size=True)


def test_other_sizes_are_other_and_not_square():
    for size in ((512, 1024), (512, 512), (64, 64), (33, 70)):
        assert len({size, *other_sizes(size)}) == 3
        assert all(height != width for height, width in other_sizes(size))


def test_wrong_arguments(untrained):
    model = read_model(untrained)
    with pytest.raises(ConfigError, match="did you mean 'onnx'"):
        export(model, 'out', ['onx'])
    with pytest.raises(ConfigError, match='would be written over itself'):
        export(model, str(Path(untrained).parent), ['mmseg'])


def test_the_card_says_what_it_is(untrained, tmp_path):
    model = read_model(untrained)
    model.cfg.model.pretrained = 'pretrained/mit_b5.pth'
    export(model, str(tmp_path), ['mmseg'], numbers=Numbers(dict(mIoU=51.25), 'result.json'))
    card = (tmp_path / 'MODEL_CARD.md').read_text()
    for words in ('19 classes', '| trained by | DACS |', '| iterations | 7 |', '`model.pth`',
                  '| mIoU | 51.25 |', '| `data.train.source` | GTADataset |', '`mit_b5.pth`',
                  "load('model.pth')", f'torch {torch.__version__.split("+")[0]}',
                  '0 road, 1 sidewalk', "type='DAFormerHead'"):
        assert words in card, words


def test_the_card_of_a_method_in_the_place_of_the_model(data, tmp_path):
    """As mmseg's own train script has it."""
    sections = tiny_training.ssr_config(data)
    sections['model']['test_cfg'] = dict(mode='slide', crop_size=(48, 40), stride=(24, 20))
    sections['model'] = dict(sections.pop('uda'), model=sections['model'], max_iters=4)
    path = tiny_training.untrained_checkpoint(tmp_path / 'iter_7.pth', sections)
    export(read_model(path), str(tmp_path), ['mmseg'])
    card = (tmp_path / 'MODEL_CARD.md').read_text()
    assert '| trained by | SSR |' in card
    assert 'tested on images of 48 x 40 (height x width) that slide over the image by (24' in card


def test_numbers_beside_a_checkpoint(data, tmp_path):
    path = tiny_training.untrained_checkpoint(tmp_path / 'iter_7.pth',
                                              tiny_training.method_config(data))
    model = read_model(path)
    assert find_numbers(model) is None
    (tmp_path / '1.log.json').write_text(
        '{"config": "x"}\n{"mode": "val", "iter": 7, "mIoU": 0.1234, "IoU.road": 0.5, "lr": 1}\n')
    assert find_numbers(model).scores == {'mIoU': 12.34, 'IoU.road': 50.0}
    result = dict(checkpoint='iter_7.pth', scores={'mIoU': 20.0})
    (tmp_path / 'result.json').write_text(json.dumps(result))
    assert find_numbers(model).scores == {'mIoU': 20.0}
    (tmp_path / 'result.json').write_text(json.dumps(dict(result, checkpoint='iter_9.pth')))
    assert find_numbers(model).scores['mIoU'] == 12.34


def test_numbers_are_those_of_what_is_exported(data, tmp_path, config_file):
    sections = tiny_training.method_config(data)
    path = tiny_training.untrained_checkpoint(tmp_path / 'iter_7.pth', sections)
    (tmp_path / 'result.json').write_text(json.dumps(dict(
        checkpoint='iter_7.pth', scores={'mIoU': 20.0})))
    (tmp_path / '1.log.json').write_text('{"mode": "val", "iter": 7, "mIoU": 0.1}\n')
    model = read_model(path)
    assert find_numbers(model, 'student').scores == {'mIoU': 20.0}
    assert find_numbers(model, 'teacher') is None
    same = config_file(dict(sections, log_level='WARNING'), 'same.py')
    assert find_numbers(read_model(path, same)).scores == {'mIoU': 20.0}
    sections['model']['test_cfg'] = dict(mode='slide', crop_size=(32, 32), stride=(16, 16))
    assert find_numbers(read_model(path, config_file(sections, 'other.py'))) is None
    exported, = export(model, str(tmp_path), ['mmseg'])  # of which network, it does not say
    assert find_numbers(read_model(exported.path)) is None


def test_weights_alone_have_no_numbers(data, untrained, tmp_path, config_file):
    torch.save(dict(state_dict=read_checkpoint(untrained)['state_dict']), tmp_path / 'x.pth')
    (tmp_path / 'result.json').write_text('{"checkpoint": "x.pth", "scores": {"mIoU": 20.0}}')
    config = config_file(tiny_training.method_config(data))
    assert find_numbers(read_model(tmp_path / 'x.pth', config)) is None


def test_numbers_of_a_file(tmp_path):
    (tmp_path / 'eval.json').write_text('{"config": "c.py", "metric": {"mIoU": 0.5}}')
    for weights in ('student', 'teacher'):  # files of before they noted which
        numbers = read_numbers(str(tmp_path / 'eval.json'), weights)
        assert numbers.scores == {'mIoU': 50.0} and 'is not noted in it' in numbers.source
    for content in ('{}', '[1]', '{'):
        (tmp_path / 'eval.json').write_text(content)
        with pytest.raises(DataError, match='expected a result.json or eval.json'):
            read_numbers(str(tmp_path / 'eval.json'))
    with pytest.raises(MissingFile, match='none.json is missing'):
        read_numbers('none.json')


def test_the_config_in_a_checkpoint_can_be_exported_twice(untrained, tmp_path):
    first, = export(read_model(untrained), str(tmp_path / 'a'), ['mmseg'])
    second, = export(read_model(first.path), str(tmp_path / 'b'), ['mmseg'])
    texts = [read_checkpoint(file.path)['meta']['config'] for file in (first, second)]
    assert texts[0] == texts[1] and isinstance(read_model(second.path).cfg, Config)


def test_a_format_twice_is_written_once_and_older_files_are_told(untrained, tmp_path):
    untrained = read_model(untrained)
    files = export(untrained, str(tmp_path), ['safetensors', 'safetensors'])
    assert len(files) == 1 and others_in(str(tmp_path), files) == []
    later = export(untrained, str(tmp_path), ['mmseg'])
    assert others_in(str(tmp_path), later) == [os.path.basename(files[0].path)]


@pytest.mark.parametrize('tested', ['student', 'teacher'])
def test_numbers_say_how_they_were_measured_and_of_which_network(tmp_path, tested):
    path = tmp_path / 'eval.json'
    path.write_text(json.dumps(dict(
        metric={'mFscore': 0.5, 'Fscore.train': None, 'IoU.road': 0.25}, weights=tested,
        options=['--flip-test'])))
    numbers = read_numbers(str(path), tested)
    assert math.isnan(numbers.scores.pop('Fscore.train'))
    assert numbers.scores == {'mFscore': 50., 'IoU.road': 25.}
    assert numbers.source.endswith('tested with --flip-test')
    with pytest.raises(DataError, match=f'holds scores of the {tested}, not of'):
        read_numbers(str(path), 'teacher' if tested == 'student' else 'student')


def test_a_network_that_needs_regions_is_refused(data, tmp_path):
    from tiny_networks import MASKS, RESNET
    sections = tiny_training.supervised_config(data)
    sections['model'] = dict(
        type='SARFormer', backbone=RESNET, regions=dict(type='none'),
        decode_head=dict(MASKS, type='SARFormerHead', pool_from='mask_features'),
        train_cfg=dict(), test_cfg=dict(mode='whole'))
    cfg = Config(sections)
    path = tmp_path / 'sarformer.pth'
    meta = dict(config=cfg.pretty_text, CLASSES=('a', ) * 19, PALETTE=[[0, 0, 0]] * 19, iter=1)
    write_checkpoint(dict(meta=meta, state_dict=build_test_model(cfg).state_dict()), str(path))
    with pytest.raises(UserError, match='SARFormer needs the regions of a frozen network'):
        export(read_model(str(path)), str(tmp_path / 'out'), WEIGHTS[:1])
    assert not (tmp_path / 'out').exists()
