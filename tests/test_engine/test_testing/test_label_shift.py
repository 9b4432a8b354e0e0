import json
import math

import pytest
import tiny_training
import torch
from mmcv import ConfigDict
from mmseg.models.builder import SEGMENTORS
from torch import nn

from mmseg_ssr.engine import data_loader
from mmseg_ssr.engine.on_device import OnDevice
from mmseg_ssr.engine.testing import label_shift
from mmseg_ssr.engine.testing.inference import inference_options
from mmseg_ssr.errors import ConfigError, DataError, MissingFile
from mmseg_ssr.labels.statistics import load_class_statistics

METAS = [dict(img_shape=(32, 64, 3), ori_shape=(32, 64, 3), pad_shape=(32, 64, 3), flip=False)]


def segmentor(**test_cfg):
    model = ConfigDict(tiny_training.tiny_model())
    model.test_cfg.update(test_cfg)
    torch.manual_seed(0)
    return SEGMENTORS.build(model).eval()


def test_the_shift_is_the_logarithm_of_the_ratio_of_the_priors():
    shift = label_shift.logit_shift(torch.tensor([6., 2., 2.]), torch.tensor([1., 3., 4.]))
    assert shift == pytest.approx([math.log(1 / 8 / 0.6), math.log(3 / 8 / 0.2),
                                   math.log(4 / 8 / 0.2)])
    assert label_shift.logit_shift(torch.ones(3), torch.full((3, ), 7.)) == pytest.approx([0] * 3)


def test_classes_that_one_domain_lacks():
    shift = label_shift.logit_shift(torch.tensor([0., 5., 5.]), torch.tensor([4., 0., 3.]))
    assert shift[0] == 0  # never learned
    assert shift[1] == pytest.approx(math.log(1 / 8 / 0.5))  # as if found in one image


def test_it_turns_source_posteriors_into_target_posteriors():
    """Bayes: with the same p(x | y), the posterior under other priors."""
    likelihood = torch.tensor([0.2, 0.5, 0.1])
    source, target = torch.tensor([0.7, 0.2, 0.1]), torch.tensor([0.1, 0.3, 0.6])
    posterior = likelihood * source / (likelihood * source).sum()
    shifted = (posterior.log() + torch.tensor(label_shift.logit_shift(source, target))).softmax(0)
    torch.testing.assert_close(shifted, likelihood * target / (likelihood * target).sum())


@pytest.mark.parametrize('options', [
    {}, dict(mode='slide', crop_size=(32, 32), stride=(16, 16)),
    dict(mode='slide', crop_size=(32, 32), stride=(16, 16), batched_slide=3)])
def test_logits_of_every_inference_mode_are_shifted(options):
    shift = torch.linspace(-2, 2, 19)
    img = torch.randn(1, 3, 32, 64)
    network = segmentor(**options)
    infer = network.slide_inference if options else network.whole_inference
    with torch.no_grad():
        plain = infer(img, METAS, False)
        network.test_cfg['logit_shift'] = shift.tolist()
        with inference_options(network):
            shifted = infer(img, METAS, False)
        torch.testing.assert_close(shifted, plain + shift.view(1, -1, 1, 1))
        assert torch.equal(infer(img, METAS, False), plain)  # it leaves no trace


def test_with_mixed_precision():
    network, img = segmentor(), torch.randn(1, 3, 32, 64)
    network.test_cfg.update(amp=dict(dtype='bfloat16'), logit_shift=[100.] + [0.] * 18)
    with torch.no_grad(), inference_options(network):
        logits = network.encode_decode(img, METAS)
    assert logits.dtype is torch.float32 and (logits.argmax(1) == 0).all()
    assert 'encode_decode' not in vars(network)


def test_a_number_for_each_class():
    network = segmentor(logit_shift=[1., 2.])
    with pytest.raises(ConfigError, match='each of the 19 classes, got 2'), \
            inference_options(network):
        network.encode_decode(torch.randn(1, 3, 32, 64), METAS)
    with pytest.raises(ConfigError, match="logit_shift must be a list.*'high'"), \
            inference_options(segmentor(logit_shift='high')):
        pass


@pytest.fixture
def cfg(data, config):
    return config(tiny_training.method_config(data))


def test_source_priors_are_those_of_the_class_statistics(cfg, data):
    priors = label_shift.source_priors(cfg)
    statistics = load_class_statistics(data / 'gta').values()
    for class_id in range(19):
        assert priors.images[class_id] == sum(bool(image.get(class_id)) for image in statistics)
    pixels = torch.tensor([sum(image.get(c, 0) for image in statistics) for c in range(19)])
    torch.testing.assert_close(priors.pixels, pixels.double() / pixels.sum())


def test_target_images_are_the_training_images_as_the_test_prepares_them(cfg):
    cfg.data.train.target.crop_pseudo_margins = [1, 1, 0, 0]
    dataset = label_shift.target_images(cfg)
    assert len(dataset) == 4 and set(dataset[0]) == {'img', 'img_metas'}
    cfg.data.train = cfg.data.train.source
    assert len(label_shift.target_images(cfg)) == 3  # of data.test


class Painter(nn.Module):
    """Mean probabilities that are known: class i has the i-th share, whatever the image."""

    def __init__(self, shares):
        super().__init__()
        self.shares = nn.Parameter(torch.tensor(shares))

    def inference(self, img, metas, rescale):
        return self.shares.view(1, -1, 1, 1).expand(1, -1, 4, 4)


def test_estimated_priors_count_images_above_the_sources_share(cfg):
    model = OnDevice(Painter([0.5, 0.3, 0.2]), torch.device('cpu'))
    loader = data_loader.test_loader(label_shift.target_images(cfg))
    source = label_shift.SourcePriors(torch.ones(3), torch.tensor([0.4, 0.4, 0.1]))
    assert label_shift.estimated_priors(model, loader, source).tolist() == [4, 0, 4]


def test_the_target_is_estimated_from_as_many_images_as_asked_for(cfg):
    painter = Painter([1.] + [0.] * 18)
    painter.test_cfg = {}
    model = OnDevice(painter, torch.device('cpu'))
    assert label_shift.corrected(cfg, model, images=2).tolist() == [2] + [0] * 18
    assert len(painter.test_cfg['logit_shift']) == 19


@pytest.mark.parametrize('content, error, message', [
    (None, MissingFile, 'is missing'), ('{', DataError, 'no JSON list'),
    ('["a"]', DataError, 'no JSON list'), ('[1, 2]', DataError, 'must hold 3 numbers'),
    ('[1, -2, 3]', DataError, 'at least 0'), ('[0, 0, 0]', DataError, 'must hold')])
def test_priors_from_a_file(tmp_path, content, error, message):
    path = tmp_path / 'priors.json'
    if content is not None:
        path.write_text(content)
    with pytest.raises(error, match=message):
        label_shift.read_priors(str(path), 3)
    path.write_text(json.dumps([1, 2, 0.5]))
    assert label_shift.read_priors(str(path), 3).tolist() == [1, 2, 0.5]


def test_a_list_of_training_data_has_priors_and_no_target(config, data):
    cfg = config(tiny_training.supervised_config(data, 1))
    plain = label_shift.source_priors(cfg)
    cfg.data.train = [cfg.data.train]
    assert torch.equal(label_shift.source_priors(cfg).images, plain.images)
    images = label_shift.target_images(cfg)
    assert len(images) == len(label_shift.build_test_dataset(cfg, need_labels=False))
