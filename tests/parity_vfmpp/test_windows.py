"""Case 22: a test image is resized, its windows' probabilities are averaged, and it is scored."""
import numpy as np
import pytest
import torch
from mmcv import ConfigDict
from parity.fill import fill, sample_index
from torch import nn
from torch.nn import functional as F

from mmseg_ssr.datasets.pipelines import ResizeForScore
from mmseg_ssr.host import EncoderDecoder
from mmseg_ssr.models.slide import slide_inference, windows

from .cases import cases_of
from .tolerances import OUTPUT


class Convolution(EncoderDecoder):
    """The case's network: a 3 x 3 convolution of the colors in 0..1."""

    def __init__(self, case):
        nn.Module.__init__(self)
        facts = case.facts
        self.weight, self.bias = (torch.from_numpy(fill(
            facts['seed'], facts['fill_prefix'] + name, shape))
            for name, shape in (('weight', (19, 3, 3, 3)), ('bias', (19, ))))
        self.align_corners = False
        self.test_cfg = ConfigDict(mode='slide', crop_size=[facts['crop']] * 2,
                                   stride=[facts['stride']] * 2, average='probability')

    def encode_decode(self, img, metas):
        return F.conv2d(img / 255, 3 * self.weight, self.bias, padding=1)


def resize(case):
    step = ResizeForScore(img_scale=(4096, case.facts['short_side']))
    results = step(dict(img=case.arrays['image'], img_fields=['img'], seg_fields=[]))
    assert results['ori_shape'] == results['img'].shape
    return step, results['img']


@pytest.mark.parametrize('case', cases_of('22'), ids=lambda case: case.name)
def test_image_and_label_are_resized_to_the_pixel(case):
    step, image = resize(case)
    np.testing.assert_array_equal(image.transpose(2, 0, 1), case.arrays['resized_image'])
    np.testing.assert_array_equal(step.label(case.arrays['label']), case.arrays['resized_label'])


@pytest.mark.parametrize('case', cases_of('22'), ids=lambda case: case.name)
def test_probabilities_of_windows(case):
    network = Convolution(case)
    image = torch.from_numpy(resize(case)[1].transpose(2, 0, 1).astype(np.float32))[None]
    assert [list(box) for box in windows(network, image)] == case.facts['coords']
    logits = slide_inference(network, image, [], rescale=False)
    probability = logits.softmax(1)[0].numpy()
    expected = case.arrays['probability_samples']
    found = probability.reshape(-1)[sample_index(probability.size, len(expected))]
    assert abs(found - expected).max() <= OUTPUT * expected.max()
    np.testing.assert_array_equal(logits.argmax(1)[0].numpy(), case.arrays['pred'])
