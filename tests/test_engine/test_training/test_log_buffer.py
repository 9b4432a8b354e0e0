import torch

from mmseg_ssr.engine.training.log_buffer import DeferredLogBuffer


def test_means_are_those_of_numbers_and_tensors():
    buffer = DeferredLogBuffer()
    for value in (torch.tensor(1.), 2., torch.tensor(6.)):
        buffer.update(dict(loss=value, other=value * 2), 2)
    assert isinstance(buffer.val_history['loss'][0], torch.Tensor)
    buffer.average(2)
    assert buffer.output == dict(loss=4., other=8.)
    assert buffer.val_history['loss'] == [1., 2., 6.]


def test_old_values_are_dropped():
    buffer, whole = DeferredLogBuffer(), DeferredLogBuffer()
    buffer.window = 3
    for value in range(100):
        for one in (buffer, whole):
            one.update(dict(loss=value), 1 + value % 2)
            one.average(3)
        assert buffer.output == whole.output
        assert len(buffer.val_history['loss']) == len(buffer.n_history['loss']) < 6
    assert len(whole.val_history['loss']) == 100
