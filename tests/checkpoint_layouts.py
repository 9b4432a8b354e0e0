"""Layouts of checkpoints: names, shapes and plain values, without the numbers of the weights.

Each line of mmseg records the layout of its own checkpoints in tests/data/checkpoints. Its tests
hold that record to what it writes, and load what is made from the record of the other.
"""
import json
from pathlib import Path
from typing import Any

import torch

RECORDS = Path(__file__).parent / 'data' / 'checkpoints'
#: Parts that differ from one training to the next, or that do not matter to the other line.
LEFT_OUT = ('optimizer', 'random_state', 'log_buffer', 'message_hub', 'param_schedulers')
TENSOR = 'tensor of'


def record(content: dict, name: str, data: Path) -> None:
    """Write the layout of a checkpoint of a training on the folder ``data``."""
    text = json.dumps(layout(content)).replace(str(data), 'data')
    (RECORDS / f'{name}.json').write_text(text + '\n')


def recorded(name: str) -> dict:
    return json.loads((RECORDS / f'{name}.json').read_text())


def layout(content: dict) -> dict:
    """The layout of a checkpoint, as JSON has it."""
    kept = {key: {} if key in LEFT_OUT else value for key, value in content.items()}
    return json.loads(json.dumps(_described(kept)))


def names(layout: dict) -> dict:
    """The keys of a layout, and the shapes of its tensors."""
    def shape(value: Any) -> Any:
        if not isinstance(value, dict):
            return None
        return value if TENSOR in value else {key: shape(value[key]) for key in value}

    return shape(layout)


def made(layout: dict) -> dict:
    """A checkpoint of a layout, with random weights. Variances are above 0."""
    random = torch.Generator().manual_seed(0)

    def value(one: Any) -> Any:
        if isinstance(one, list):
            return [value(part) for part in one]
        if not isinstance(one, dict):
            return one
        if TENSOR not in one:
            return {key: value(part) for key, part in one.items()}
        dtype = getattr(torch, one['dtype'])
        return (torch.rand(one[TENSOR], generator=random) + 0.5).to(dtype)

    return value(layout)


def _described(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return {TENSOR: list(value.shape), 'dtype': str(value.dtype).replace('torch.', '')}
    if isinstance(value, dict):
        return {str(key): _described(part) for key, part in value.items()}
    return [_described(part) for part in value] if isinstance(value, (list, tuple)) else value
