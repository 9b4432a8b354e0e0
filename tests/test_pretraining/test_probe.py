import numpy as np
import torch

from mmseg_ssr.pretraining.probe import Samples, draw_domains, fit, joined, pixels, score


def samples(flipped: bool) -> Samples:
    """Two classes; the first channel tells them, the second does on the source alone."""
    labels = torch.from_numpy(np.random.default_rng(0).integers(0, 2, (4, 4, 4)))
    labels[0, 0, 0] = 255
    sign = labels.clamp(max=1).float() * 2 - 1
    noise = 0.1 * torch.randn(4, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    images = noise + torch.stack([sign, -sign if flipped else sign, 0 * sign], dim=1)
    return Samples(images, labels)


def test_a_feature_that_changes_with_the_domain_is_found_out():
    source, target = samples(flipped=False), samples(flipped=True)
    robust, fragile = (lambda x: x[:, :1]), (lambda x: x[:, 1:2])
    for features, expected in ((robust, 100), (fragile, 0)):
        probe = fit(pixels(features, source), steps=100, batch=64, lr=0.1)
        assert score(probe, pixels(features, source)) == dict(accuracy=100, mIoU=100)
        assert score(probe, pixels(features, target)) == dict(accuracy=expected, mIoU=expected)


def test_ignored_pixels_and_absent_classes_do_not_count():
    source = samples(flipped=False)
    probe = fit(pixels(lambda x: x, source), steps=100, batch=64, lr=0.1)
    labels = source.labels.clone()
    labels[labels == 0] = 255  # one class is left
    assert score(probe, pixels(lambda x: x, Samples(source.images, labels)))['mIoU'] == 100


def test_the_probe_does_not_touch_the_random_numbers_of_others():
    torch.manual_seed(1)
    expected = torch.rand(1)
    torch.manual_seed(1)
    fit(pixels(lambda x: x, samples(flipped=False)), steps=1, batch=4)
    assert torch.equal(torch.rand(1), expected)


def test_domains_are_those_of_streets():
    domains = draw_domains(1, size=32)
    assert set(domains) == {'source', 'source_val', 'target_val'}
    for images, labels in domains.values():
        assert images.shape == (2, 3, 32, 32) and labels.shape == (2, 8, 8)
    assert not torch.equal(domains['source'].labels, domains['source_val'].labels)


def test_stages_are_joined_at_the_size_of_the_first():
    def backbone(x):
        return x[:, :, ::4, ::4], x[:, :1, ::8, ::8]

    images = torch.rand(2, 3, 16, 16)
    maps = joined(backbone, (0, 1))(images)
    assert maps.shape == (2, 4, 4, 4) and torch.equal(maps[:, :3], images[:, :, ::4, ::4])
