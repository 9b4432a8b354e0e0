"""Files of weights with something wrong in them, for every command that reads one."""
import io
import os
import pickle
import random
from copy import deepcopy
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple, Tuple

import numpy as np
import torch

from .commands import command
from .digests import scores_in, trained
from .oracle import MAY_FAIL, MUST_FAIL, MUST_WORK, Case


class Use(NamedTuple):
    """A command that reads a file of weights.

    Attributes:
        file: the undamaged one.
        run: arguments are the damaged file and the case's folder.
        result: what came out of a success in that folder.
        weights: the state dict in the content of the file.
        resumes: whether all of the file counts, not the weights alone.
    """
    file: Path
    run: Callable[[Path, Path], Any]
    result: Callable[[Path], Any]
    weights: Callable[[dict], dict]
    resumes: bool = False


def checkpoint_case(seed: int, world, folder: Path) -> Case:
    """The ``seed``-th damaged file, given to one of the commands that read such files."""
    rng = random.Random(seed)
    name = rng.choice(['test', 'test', 'resume', 'resume', 'load', 'sam', 'mit'])
    use = world.uses()[name]
    file = folder / use.file.name
    damage = rng.choice(BYTES if rng.random() < 0.4 else CONTENT + (RESUME if use.resumes else []))
    made = damage(rng, use, file)
    case = Case(lambda: use.run(file, folder), [file.name], folder, made[1],
                result=lambda: use.result(folder), reference=world.reference(name))
    case.what = f'{name}: {damage.__name__} {made[0]}'
    case.harmless = marker(folder)
    return case


Made = Tuple[str, str]


def truncated(rng, use, file) -> Made:
    raw = use.file.read_bytes()
    size = rng.choice([0, 1, 2, 100, len(raw) - 1, len(raw) - 30, rng.randrange(len(raw))])
    file.write_bytes(raw[:size])
    return f'at {size} of {len(raw)}', MUST_FAIL


def flipped(rng, use, file) -> Made:
    """Bits that rot: in the weights they must not pass, between the parts they may."""
    raw = bytearray(use.file.read_bytes())
    spots = [rng.randrange(len(raw)) for _ in range(rng.choice([1, 1, 2, 20]))]
    for spot in spots:
        raw[spot] ^= 1 << rng.randrange(8)
    file.write_bytes(bytes(raw))
    return f'bits at {spots[:3]}', MAY_FAIL


def blanked(rng, use, file) -> Made:
    raw = bytearray(use.file.read_bytes())
    start, length = rng.randrange(len(raw)), rng.choice([8, 512, 4096])
    raw[start:start + length] = bytes(len(raw[start:start + length]))
    file.write_bytes(bytes(raw))
    return f'{length} bytes from {start}', MAY_FAIL


def shifted(rng, use, file) -> Made:
    raw = use.file.read_bytes()
    spot = rng.randrange(1, len(raw))
    content = rng.choice([raw[:spot] + b'x' + raw[spot:], raw[:spot] + raw[spot + 1:]])
    file.write_bytes(content)
    return f'a byte more or less at {spot}', MAY_FAIL


def something_else(rng, use, file) -> Made:
    what = rng.choice(['text', 'nothing', 'folder', 'pipe', 'json', 'npz', 'zip', 'loop', 'zeros'])
    if what == 'text':
        file.write_text('weights\n' * 50)
    elif what == 'json':
        file.write_text('{"state_dict": {}}')
    elif what == 'nothing':
        file.write_bytes(b'')
    elif what == 'zeros':
        file.write_bytes(bytes(5000))
    elif what == 'folder':
        file.mkdir()
    elif what == 'pipe':
        os.mkfifo(file)
    elif what == 'npz':
        buffer = io.BytesIO()
        np.savez(buffer, weight=np.zeros(3))
        file.write_bytes(buffer.getvalue())
    elif what == 'zip':
        import zipfile
        with zipfile.ZipFile(file, 'w') as archive:
            archive.writestr('archive/data.pkl', rng.choice([b'', b'\x80\x02.', b'nonsense']))
    else:
        file.symlink_to(file)
    return what, MUST_FAIL


class Harmful:
    """Runs a command when it is unpickled."""

    def __init__(self, file: Path):
        self.file = file

    def __reduce__(self):
        return os.mkdir, (str(self.file), )


def marker(folder: Path) -> Path:
    return folder / 'code-was-run'


def with_code(rng, use, file) -> Made:
    content = read(use)
    code = Harmful(marker(file.parent))
    place = rng.choice(['alone', 'beside', 'in meta', 'pickle', 'legacy'])
    if place == 'in meta':
        content.setdefault('meta', {})['more'] = code
    elif place != 'alone':
        content['more'] = code
    else:
        content = code
    if place == 'pickle':
        file.write_bytes(pickle.dumps(code, protocol=rng.choice([2, 4])))
    else:
        torch.save(content, file, _use_new_zipfile_serialization=place != 'legacy')
    return place, MUST_FAIL


def old_format(rng, use, file) -> Made:
    """The format of torch before 1.6, in which SegFormer's weights are published."""
    torch.save(read(use), file, _use_new_zipfile_serialization=False)
    return '', MUST_WORK


def old_format_damaged(rng, use, file) -> Made:
    torch.save(read(use), file, _use_new_zipfile_serialization=False)
    raw = file.read_bytes()
    file.write_bytes(raw[:rng.randrange(len(raw))])
    return '', MUST_FAIL


def renamed(rng, use, file) -> Made:
    content = read(use)
    weights = use.weights(content)
    name = rng.choice(sorted(weights))
    new = rng.choice([name + '_', name[1:], name.upper(), 'x.' + name, name.replace('.', '_'), 5])
    weights[new] = weights.pop(name)
    torch.save(content, file)
    return f'{name} to {new}', MUST_FAIL


def all_renamed(rng, use, file) -> Made:
    content = read(use)
    weights = use.weights(content)
    prefix = rng.choice(['net.', 'ema_model.', 'x', 'encoder.', 'imnet_model.', 'regularizer.'])
    for name in list(weights):
        weights[prefix + name] = weights.pop(name)
    torch.save(content, file)
    return prefix, MUST_FAIL


def missing(rng, use, file) -> Made:
    content = read(use)
    weights = use.weights(content)
    for name in rng.sample(sorted(weights), rng.choice([1, 2, len(weights) // 2, len(weights)])):
        del weights[name]
    torch.save(content, file)
    return f'{len(weights)} left', MUST_FAIL


def more(rng, use, file) -> Made:
    content = read(use)
    use.weights(content)['backbone.more.weight'] = torch.ones(2)
    torch.save(content, file)
    return '', MAY_FAIL


def reshaped(rng, use, file) -> Made:
    content = read(use)
    weights = use.weights(content)
    name = rng.choice(sorted(k for k, v in weights.items() if v.dim() > 0))
    value = weights[name]
    weights[name] = rng.choice([
        value[:0], torch.cat([value, value]), value[None], value.flatten()[:1], value.sum(),
        value.flatten() if value.dim() > 1 else value[:, None]])
    torch.save(content, file)
    return f'{name} {tuple(value.shape)} to {tuple(weights[name].shape)}', MUST_FAIL


def other_kind(rng, use, file) -> Made:
    content = read(use)
    weights = use.weights(content)
    name = rng.choice(sorted(weights))
    weights[name] = rng.choice([None, 'weights', 5, [1.0], {}, weights[name].tolist()])
    torch.save(content, file)
    return f'{name} {type(weights[name]).__name__}', MUST_FAIL


def not_finite(rng, use, file) -> Made:
    content = read(use)
    weights = use.weights(content)
    name = rng.choice(sorted(k for k, v in weights.items() if v.is_floating_point()))
    flat = weights[name] = weights[name].clone()
    flat.view(-1)[rng.randrange(flat.numel())] = rng.choice([float('nan'), float('inf')])
    torch.save(content, file)
    return name, MUST_FAIL


def other_precision(rng, use, file) -> Made:
    content = read(use)
    weights = use.weights(content)
    for name, value in weights.items():
        if value.is_floating_point():
            weights[name] = value.double()
    torch.save(content, file)
    return 'float64', MAY_FAIL


def strange_precision(rng, use, file) -> Made:
    content = read(use)
    weights = use.weights(content)
    name = rng.choice(sorted(k for k, v in weights.items() if v.is_floating_point()))
    dtype = rng.choice([torch.int64, torch.bool, torch.complex64, torch.uint8])
    weights[name] = weights[name].to(dtype)
    torch.save(content, file)
    return f'{name} {dtype}', MUST_FAIL


def on_meta(rng, use, file) -> Made:
    """Tensors without values."""
    content = read(use)
    weights = use.weights(content)
    for name in rng.sample(sorted(weights), rng.choice([1, len(weights)])):
        weights[name] = weights[name].to('meta')
    torch.save(content, file)
    return '', MUST_FAIL


def no_dict(rng, use, file) -> Made:
    content = read(use)
    weights = use.weights(content)
    whole = rng.choice([[], {}, None, 5, 'text', torch.ones(3), list(weights), {'state_dict': {}},
                        {'state_dict': None}, {'state_dict': []}, {'state_dict': 5}, {1: 2},
                        {'meta': {}}, {'state_dict': {'a': torch.ones(1)}}, [weights]])
    torch.save(whole, file)
    return f'{type(whole).__name__}', MUST_FAIL


def another_model(rng, use, file) -> Made:
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.BatchNorm2d(8))
    torch.save(rng.choice([model.state_dict(), {'state_dict': model.state_dict()}]), file)
    return '', MUST_FAIL


def with_modules(rng, use, file) -> Made:
    """Names of distributed training."""
    content = read(use)
    weights = use.weights(content)
    for name in list(weights):
        weights['module.' + name] = weights.pop(name)
    torch.save(content, file)
    return '', MAY_FAIL


def strange_part(rng, use, file) -> Made:
    """A part of a training state that is not there, or is something else."""
    content = read(use)
    path = rng.choice(list(paths(content, use.weights(content))))
    holder = content
    for key in path[:-1]:
        holder = holder[key]
    value = rng.choice(['gone', None, 5, -1, 'text', [], {}, float('nan'), 10 ** 12,
                        torch.ones(2), torch.full((5, 5), float('nan'))])
    if isinstance(value, str) and value == 'gone':
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    torch.save(content, file)
    return f'{".".join(map(str, path))} = {str(value):.20}', MAY_FAIL


def paths(value: Any, but: Any, path: tuple = ()) -> List[tuple]:
    """Paths to everything that can be replaced, a few levels deep."""
    if value is but or len(path) > 4:
        return []
    found = []
    items = value.items() if isinstance(value, dict) else (
        enumerate(value) if isinstance(value, list) else ())
    for key, item in items:
        found += [(*path, key), *paths(item, but, (*path, key))]
    return found


BYTES = [truncated, flipped, flipped, blanked, shifted, something_else, with_code, old_format,
         old_format_damaged]
CONTENT = [renamed, renamed, all_renamed, missing, more, reshaped, other_kind, not_finite,
           other_precision, strange_precision, no_dict, another_model, with_modules, on_meta]
RESUME = [strange_part] * 12


def read(use: Use) -> dict:
    return deepcopy(torch.load(use.file, map_location='cpu', weights_only=True))


def arguments(config: Path, folder: Path, *more: str) -> List[str]:
    return [str(config), '--work-dir', str(folder / 'run'), '--device', 'cpu', '--no-validate',
            *map(str, more)]


def uses(world) -> Dict[str, Use]:
    """The five commands that read weights."""
    test, train = command('test'), command('scripts.train')
    ours = world.trained / 'iter_1.pth'

    def scored(file, folder):
        test([str(world.config), str(file), '--eval', 'mIoU', '--out', str(folder / 'out.pkl'),
              '--device', 'cpu'])

    def weights(content):
        return content['state_dict'] if 'state_dict' in content else content

    def last(iteration):
        return lambda folder: trained(folder / 'run' / f'iter_{iteration}.pth')

    def pretrained(kind):
        def run(file, folder):
            config = world.pretrained_config(kind, file, folder)
            train(arguments(config, folder))
        return run

    return dict(
        test=Use(ours, scored, scores_in, weights),
        resume=Use(ours, lambda file, folder: train(arguments(
            world.config, folder, '--resume-from', file)), last(2), weights, resumes=True),
        load=Use(ours, lambda file, folder: train(arguments(
            world.config, folder, '--load-from', file)), last(2), weights),
        sam=Use(world.folder / 'sam_vit_b_01ec64.pth', pretrained('sam'), last(1), weights),
        mit=Use(world.folder / 'mit_b0.pth', pretrained('mit'), last(1), weights))
