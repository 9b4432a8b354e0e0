import torch

from mmseg_ssr.uda.segmentor import batch_of
from mmseg_ssr.uda.view_record import recorded_views


def test_views_are_those_that_the_losses_see(method, batch):
    segmentor = method(mic=True)
    seen = []
    losses = segmentor._shadow_losses
    segmentor._shadow_losses = lambda view, maps: seen.append(view) or losses(view, maps)
    with recorded_views(segmentor) as records:
        segmentor.forward_backward(batch_of(batch))
    record, = records
    assert list(record.views) == ['source', 'mix', 'masked']
    for view, other in zip(record.views.values(), seen):
        assert torch.equal(view.img, other.img) and torch.equal(view.label, other.label)
        assert view.img is not other.img and not view.img.requires_grad
    assert torch.equal(record.target_img, batch['target_img'])
    assert len(record.pseudo) == 1 and record.pseudo[0].label.shape == (2, 1, 64, 64)


def test_records_are_not_written_to_later(method, batch):
    segmentor = method()
    with recorded_views(segmentor) as records:
        segmentor.forward_backward(batch_of(batch))
    before = records[0].views['source'].img.clone()
    batch['img'].zero_()
    assert torch.equal(records[0].views['source'].img, before)


def test_afterwards_the_method_is_as_before(method, batch):
    segmentor = method()
    with recorded_views(segmentor) as records:
        pass
    segmentor.forward_backward(batch_of(batch))
    assert records == [] and not {'_views', '_pseudo_label'} & set(vars(segmentor))
