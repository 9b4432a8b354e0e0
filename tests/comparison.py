"""What has to be the same, to the bit, when a training was killed and resumed."""
import json
from pathlib import Path

import torch
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

from mmseg_ssr.engine.checkpoint.files import read_checkpoint
from mmseg_ssr.engine.logging.history import read_history

#: Seconds and bytes: they depend on the machine.
MEASURED = {'time', 'data_time', 'memory', 'train_seconds', 'test_seconds', 'peak_memory_mb'}


def assert_same(one, other, path=''):
    """The same types, keys and values, to the bit."""
    assert type(one) is type(other), path
    if isinstance(one, dict):
        assert one.keys() == other.keys(), path
        for key in one:
            assert_same(one[key], other[key], f'{path}.{key}')
    elif isinstance(one, (list, tuple)):
        assert len(one) == len(other), path
        for i, (a, b) in enumerate(zip(one, other)):
            assert_same(a, b, f'{path}.{i}')
    elif isinstance(one, torch.Tensor):
        assert torch.equal(one, other), path
    else:
        assert one == other or one != one and other != other, f'{path}: {one}, {other}'


def without_times(content):
    """A checkpoint without seconds and without paths; the config may name other workers.

    Which checkpoint was the one before depends on where a training was resumed.
    """
    buffer = {name: unmeasured(values) for name, values in content['log_buffer'].items()}
    messages = {key: Path(value).name if isinstance(value, str) else value
                for key, value in content['meta'].get('hook_msgs', {}).items()
                if key != 'last_ckpt'}
    return dict(content, log_buffer=buffer, meta=dict(
        {key: value for key, value in content['meta'].items() if key != 'config'},
        hook_msgs=messages))


def unmeasured(record):
    return {key: value for key, value in record.items() if key not in MEASURED}


def outcome(folder):
    """Everything that a training leaves behind but seconds: files, checkpoints, logs, result."""
    folder = Path(folder)
    files = sorted(path.name for path in folder.iterdir() if '.log' not in path.name)
    result = unmeasured(json.loads((folder / 'result.json').read_text()))
    result.pop('config')
    return dict(
        files=files, latest=(folder / 'latest.pth').resolve().name, result=result,
        checkpoints={path.name: without_times(read_checkpoint(str(path)))
                     for path in folder.glob('*.pth')},
        history=[unmeasured(record) for record in read_history(folder)],
        scalars=scalars(folder / 'tf_logs'))


def scalars(folder):
    """(tag, step) -> value in TensorBoard's files; each has one value, however often written."""
    values = {}
    for path in sorted(folder.iterdir()):
        for event in EventFileLoader(str(path)).Load():
            for value in event.summary.value:
                number = value.tensor.float_val[0]
                assert values.setdefault((value.tag, event.step), number) == number
    return dict(sorted(values.items()))
