import torch

from mmseg_ssr.methods.segmentor import batch_of
from mmseg_ssr.uda import PseudoLabeler
from mmseg_ssr.uda.view_record import next_views, recorded_views


def test_views_are_those_that_the_losses_see(method, batch):
    segmentor = method(mic=True)
    seen = []
    losses = segmentor.view_losses.shadow
    segmentor.view_losses.shadow = lambda view, *args: seen.append(view) or losses(view, *args)
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
    assert records == [] and 'make_views' not in vars(segmentor)
    assert isinstance(segmentor.pseudo_labels, PseudoLabeler)


def test_a_look_at_the_views_trains_nothing(method, batch):
    segmentor, trained = method(mic=True, ssr=True), method(mic=True, ssr=True)
    weights = [value.clone() for value in segmentor.parameters()]
    updates = segmentor.teacher.updates
    looks = [next_views(segmentor, batch_of(batch)) for _ in range(2)]
    assert all(map(torch.equal, weights, segmentor.parameters()))
    assert all(value.grad is None for value in segmentor.parameters())
    assert segmentor.teacher.updates == updates and segmentor.iteration == 2
    with recorded_views(trained) as records:
        for iteration in range(2):
            trained.iteration = iteration
            trained.forward_backward(batch_of(batch))
    for look, record in zip(looks, records):
        for name, view in record.views.items():
            assert torch.equal(look.views[name].img, view.img), name
    assert not torch.equal(looks[0].views['masked'].img, looks[1].views['masked'].img)
