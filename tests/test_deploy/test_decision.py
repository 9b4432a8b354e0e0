import pytest
import torch
from mmseg.models.builder import SEGMENTORS

from mmseg_ssr.deploy.decision import decide, most_likely


@pytest.mark.parametrize('size', [(9, 13), (6, 8), (3, 5)])
def test_the_largest_of_the_resized_logits_and_its_softmax(size):
    logits = 30 * torch.randn(2, 7, 6, 8)
    resized = torch.nn.functional.interpolate(logits, size, mode='bilinear', align_corners=False)
    confidence, label = resized.softmax(1).max(1)
    found = most_likely(logits, size)
    assert torch.equal(found.label, label)
    torch.testing.assert_close(found.confidence, confidence)


def test_huge_logits_stay_finite():
    found = most_likely(torch.tensor([[-1e4, 3e4, 3e4]]).view(1, 3, 1, 1), (2, 2))
    assert (found.label == 1).all() and (found.confidence == 0.5).all()


@pytest.fixture
def network(daformer_b0):
    def build(head=None):
        daformer_b0.train_cfg = None
        daformer_b0.decode_head = head or daformer_b0.decode_head
        return SEGMENTORS.build(daformer_b0).eval()
    return build


def metas(flip=False):
    return [[dict(img_shape=(64, 96, 3), ori_shape=(80, 120, 3), pad_shape=(64, 96, 3),
                  scale_factor=1.0, flip=flip, flip_direction='horizontal')]]


def test_labels_are_those_of_mmsegs_test(network):
    network, img = network(), torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        found = decide(network, [img], metas())
        label = network(img=[img], img_metas=metas(), return_loss=False)[0]
    assert found.label.shape == found.confidence.shape == (1, 80, 120)
    assert (found.label[0].numpy() == label).all()


def test_probabilities_of_flipped_and_plain_images_are_averaged(network):
    network, img = network(), torch.randn(1, 3, 64, 96)
    imgs, both = [img, img.flip(3)], metas() + metas(flip=True)
    with torch.no_grad():
        found = decide(network, imgs, both)
        label = network(img=imgs, img_metas=both, return_loss=False)[0]
    assert (found.label[0].numpy() == label).all()
    assert 1 / 19 < found.confidence.min() and found.confidence.max() <= 1


def test_one_logit_for_two_classes_is_compared_with_a_threshold(network):
    network = network(dict(
        type='FCNHead', in_channels=256, in_index=3, channels=8, num_convs=1, num_classes=2,
        out_channels=1, threshold=0.7,
        loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=True)))
    network.decode_head.conv_seg.bias.data[:] = 0.6  # probabilities around 0.65
    img = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        found = decide(network, [img], metas())
        label = network(img=[img], img_metas=metas(), return_loss=False)[0]
    assert (found.label[0].numpy() == label).all()
    below = found.label == 0
    assert below.any() and found.confidence[below].min() < 0.5  # of what it decided for


def test_a_segmentors_own_inference_is_asked(network):
    network, img = network(), torch.randn(1, 3, 64, 96)
    own = type('Own', (type(network), ), dict(inference=lambda self, img, metas, rescale: (
        super(type(self), self).inference(img, metas, rescale).flip(1))))
    network.__class__ = own
    with torch.no_grad():
        found = decide(network, [img], metas())
        label = network(img=[img], img_metas=metas(), return_loss=False)[0]
    assert (found.label[0].numpy() == label).all()
