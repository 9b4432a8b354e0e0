"""Config files that are no configs: broken text, bases that are not there or go in circles."""
import random
from pathlib import Path
from typing import Callable, Dict, List

import tiny_training

from .commands import command
from .oracle import MAY_FAIL, MUST_FAIL, Case

SYNTAX = ['model = dict(', 'model = dict(a=1, a=2)', 'x = 1 +', '\tx = 1\n y = 2', 'x = "', '(',
          'model = dict(type=)', 'def f(:', 'x = 0777', 'x = "\\N{nothing}"', 'x = 1\x00']
FAILING = ['raise RuntimeError("no")', 'x = 1 / 0', 'import nothing_of_that_name', 'x = y',
           'x = {}["key"]', 'x = [][3]', 'assert False', 'def f():\n    f()\nf()',
           'raise Exception', 'import sys; sys.exit()', 'x = int("9" * 5000)', 'x = [0] * 10 ** 12']
BASES = ['"nowhere.py"', '["nowhere.py"]', '5', '[5]', 'None', '[None]', '""', '"."', '[[]]',
         '{"a": 1}', '"config.py"', '["first.py", "first.py"]', '"data"', '"/nowhere/x.py"']
OPTIONS = ['model', '=', 'model=', '=5', 'model.type', 'model.type.x=5', 'uda.alpha=text',
           'uda.aplha=0.5', 'model.backbone=5', 'data.train.source.pipeline.99.type=X',
           'data.train.source.pipeline.0.type=X', 'data.train.source.pipeline.x=5', 'a.b.c.d=5',
           'model.decode_head.in_channels=[1,2', 'model.decode_head.in_channels=(1,2)',
           'model.decode_head.in_channels=1,2,x', 'optimizer.lr=nan', 'optimizer.lr=-1',
           'runner.max_iters=1.5', 'runner.max_iters=-3', 'runner.max_iters=nan', 'runner=5',
           'data=5', 'model=5', 'uda=5', 'optimizer=5', 'lr_config=5', 'lr_config.policy=x',
           'evaluation.interval=0', 'evaluation.metric=x', 'checkpoint_config.interval=0',
           'log_config.interval=0', 'log_config.hooks=5', 'custom_hooks=5', 'seed=-1', 'seed=x',
           'custom_hooks=[{"type":"X"}]', 'workflow=5', 'data.samples_per_gpu=0',
           'data.samples_per_gpu=x', 'data.workers_per_gpu=-1', 'data.workers_per_gpu=x',
           'fp16=5', '_base_=x', '_delete_=True', 'model._delete_=True', 'uda.type=Nonsense',
           'uda.model=5', '__class__=5', 'get=5', 'filename=5', 'pretty_text=5', 'dump=5']


def config_file_case(seed: int, world, folder: Path) -> Case:
    rng = random.Random(seed)
    data = world.data_in(folder)
    sections = tiny_training.method_config(data, 2)
    good = tiny_training.write_config(folder / 'good.py', sections)
    damage = rng.choice([syntax, failing, encoding, bases, cut, lines, options, options, formats])
    arguments, words, what, expect = damage(rng, folder, Path(good).read_text())
    main = command('scripts.run_experiments')
    case = Case(lambda: main(['--work-dir', str(folder / 'run'), '--device', 'cpu', *arguments]),
                words, folder, expect, owned=['.json'])
    case.what = what
    return case


def written(folder: Path, content, what: str, expect: str = MUST_FAIL, name: str = 'config.py'):
    file = folder / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return ['--config', str(file)], [name], what, expect


def syntax(rng, folder, good):
    line = rng.choice(SYNTAX)
    return written(folder, f'{good}{line}\n', f'syntax {line!r}')


def failing(rng, folder, good):
    line = rng.choice(FAILING)
    return written(folder, f'{line}\n{good}', f'code {line!r}')


def encoding(rng, folder, good):
    raw = good.encode()
    spot = rng.randrange(len(raw))
    content = rng.choice([raw[:spot] + b'\xff\xfe' + raw[spot:], good.encode('utf-16'), b'\x00' * 9,
                          b'', b'\xef\xbb\xbf' + raw, b'\x80\x04K\x05.', raw.replace(b'\n', b'\r')])
    good_after_all = content.startswith(b'\xef\xbb\xbf') or b'\r' in content
    return written(folder, content, f'bytes {content[:20]!r}',
                   MAY_FAIL if good_after_all else MUST_FAIL)


def bases(rng, folder, good):
    base = rng.choice(BASES)
    (folder / 'first.py').write_text('_base_ = "config.py"\nx = 1\n' if rng.random() < 0.5 else
                                     'x = dict(a=1)\n')
    expect = MAY_FAIL if base in ('None', '""') else MUST_FAIL
    if rng.random() < 0.3:
        base, expect = '"first.py"', MAY_FAIL
        good = f'{good}x = 5\n'
    return written(folder, f'_base_ = {base}\n{good}', f'_base_ = {base}', expect)


def cut(rng, folder, good):
    spot = rng.randrange(len(good))
    return written(folder, good[:spot], f'cut at {spot}', MAY_FAIL)


def lines(rng, folder, good):
    """A line less, or two of a kind: of the latter the last one holds, as in Python."""
    rows: List[str] = good.splitlines(keepends=True)
    spot = rng.randrange(len(rows))
    name = rows[spot].split(' =')[0]
    arguments, words, what, expect = written(
        folder, ''.join(rows[:spot] + rows[spot + 1:]), f'{name} removed', MAY_FAIL)
    return arguments, [*words, name], what, expect


def options(rng, folder, good):
    chosen = rng.sample(OPTIONS, rng.choice([1, 1, 2]))
    names: List[str] = ['--cfg-options', 'config.py']
    for option in chosen:
        names += option.split('=')[0].split('.')[-1:]
    arguments, words, _, _ = written(folder, good, '', MAY_FAIL)
    return [*arguments, '--cfg-options', *chosen], names, f'options {chosen}', MAY_FAIL


def formats(rng, folder, good):
    """Other kinds of files, and things that are no files."""
    texts: Dict[str, List[str]] = {
        'config.json': ['{', '[]', '5', 'null', '{"model": 1}', '"x"', '{"_base_": "nowhere.py"}',
                        '[' * 5000, '{"a": NaN}', '{"model": {}, "data": {}}'],
        'config.yaml': ['a: [', '- 1', '5', '', 'a: &x [*x]', 'model: !!python/object:os.system x',
                        'model: {}\ndata: {}'],
        'config.txt': [good], 'config': [good], 'con.fig.py': [good], 'con-fig.py': [good]}
    name = rng.choice([*texts, 'folder.py', 'missing.py', ''])
    if name == 'folder.py':
        (folder / name).mkdir()
    if name not in texts:
        return ['--config', str(folder / name)], [name or 'config'], f'no file {name}', MUST_FAIL
    text = rng.choice(texts[name])
    kind = MAY_FAIL if text == good else MUST_FAIL
    return written(folder, text, f'{name}: {text[:30]!r}', kind, name)


Damage = Callable[[random.Random, Path, str], tuple]
