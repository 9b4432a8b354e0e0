"""Class statistics and lists of files that say something wrong."""
import json
import os
import random
from pathlib import Path
from typing import Any, List, Tuple

import tiny_training

from .commands import command
from .digests import trained
from .oracle import MAY_FAIL, MUST_FAIL, Case

READ = 'sample_class_stats.json'
OTHERS = ('sample_class_stats_dict.json', 'samples_with_class.json')
Made = Tuple[str, str]

TEXTS = ['', '{', '[', 'null', '5', '"text"', '[]', '{}', '[5]', '[null]', '[[]]', '[{}]',
         '[' * 100_000, '{"a": ' * 50_000, '[{"file": 5, "0": 5}]', '[{"file": "x", "0": NaN}]',
         '[{"file": "x", "0": 1e999}]', '[{"file": "x", "road": 5}]', '[{"0": 5}]', '\xff\xfe',
         '[{"file": "", "0": 5}]', '[{"file": "x", "0": null}]', '[{"file": "x", "0": [1]}]',
         '{"file": "x"}', '[{"file": "x", "1.5": 1}]', '\x00' * 50, '5' * 6000]
COUNTS: List[Any] = [-1, -10 ** 6, None, 'many', 1.5, float('nan'), float('inf'), [], {}, True,
                     10 ** 30, '12', '', 1e300]


def statistics_case(seed: int, world, folder: Path) -> Case:
    """The ``seed``-th: counts that are damaged are counted again, with the same result."""
    rng = random.Random(seed)
    root = world.data_in(folder) / 'gta'
    damage = rng.choice([text, text, cut, counts, counts, names, records, elsewhere, others,
                         no_file, split])
    case = Case(lambda: run(folder, split='split.txt' if damage is split else None),
                [READ, 'split.txt', 'class statistics'], folder,
                owned=['.json'], result=lambda: result(folder),
                reference=world.reference_of('statistics', lambda clean: (run(clean),
                                                                          result(clean))[1]))
    what, case.expect = damage(rng, root)
    os.utime(root / READ) if (root / READ).exists() else None  # not older than the labels
    # a list chooses other images; a record without classes is that of a label that is all ignore
    if damage is split or what == 'no classes':
        case.reference = None
    case.what = f'{damage.__name__} {what}'
    return case


def run(folder: Path, split=None) -> None:
    sections = tiny_training.method_config(folder / 'data', 2)
    if split:
        sections['data']['train']['source']['split'] = split
    config = tiny_training.write_config(folder / 'config.py', sections)
    command('scripts.train')([config, '--work-dir', str(folder / 'run'), '--device', 'cpu',
                               '--no-validate'])


def result(folder: Path) -> Any:
    return trained(folder / 'run' / 'iter_2.pth')


def text(rng, root) -> Made:
    content = rng.choice(TEXTS)
    (root / READ).write_bytes(content.encode('latin-1'))
    return repr(content[:40]), MAY_FAIL


def cut(rng, root) -> Made:
    raw = (root / READ).read_bytes()
    spot = rng.randrange(len(raw))
    (root / READ).write_bytes(raw[:spot] + rng.choice([b'', b'\xff', b'}]', raw[spot + 1:]]))
    return f'at {spot}', MAY_FAIL


def load(root: Path) -> List[dict]:
    return json.loads((root / READ).read_text())


def save(root: Path, content: Any) -> None:
    (root / READ).write_text(json.dumps(content))


def counts(rng, root) -> Made:
    content = load(root)
    record = rng.choice(content)
    key = rng.choice([key for key in record if key != 'file'])
    record[key] = rng.choice(COUNTS)
    save(root, content)
    return f'{key}: {record[key]!r}', MAY_FAIL


def names(rng, root) -> Made:
    content = load(root)
    record = rng.choice(content)
    record['file'] = rng.choice(['', 5, None, [], '/', '..', 'labels', 'labels/', '\x00', 'x' * 300,
                                 'labels/00001.png', content[0]['file'], 'a\nb'])
    save(root, content)
    return repr(record['file'])[:40], MAY_FAIL


def records(rng, root) -> Made:
    content = load(root)
    what = rng.choice(['gone', 'twice', 'twice otherwise', 'no classes', 'new class', 'dict',
                       'shuffled', 'strange', 'negative class'])
    spot = rng.randrange(len(content))
    if what == 'gone':
        del content[spot]
    elif what == 'twice':
        content.append(content[spot])
    elif what == 'twice otherwise':
        content.append({'file': content[spot]['file'], '0': 1})
    elif what == 'no classes':
        content[spot] = {'file': content[spot]['file']}
    elif what in ('new class', 'negative class'):
        content[spot]['99' if what == 'new class' else '-3'] = 5000
    elif what == 'dict':
        content = {record['file']: record for record in content}
    elif what == 'shuffled':
        rng.shuffle(content)
    else:
        content[spot] = rng.choice([5, None, [], 'text'])
    save(root, content)
    return what, MAY_FAIL


def elsewhere(rng, root) -> Made:
    """Names that leave the folder of the data."""
    content = load(root)
    outside = root.parent / 'outside.png'
    outside.write_bytes(b'not to be read')
    name = rng.choice(['../outside.png', str(outside), '../../../../../../etc/passwd', '/dev/zero',
                       'labels/../../outside.png', '..\\outside.png', '~/x.png', 'C:\\x.png'])
    if rng.random() < 0.5:
        content.append({'file': name, '0': 10 ** 6})
    else:
        content[0]['file'] = name
    save(root, content)
    return name, MAY_FAIL


def others(rng, root) -> Made:
    name = rng.choice(OTHERS)
    (root / name).write_text(rng.choice(['', '{', '[]', '5']))
    return name, MAY_FAIL


def no_file(rng, root) -> Made:
    name = rng.choice([READ, *OTHERS])
    (root / name).unlink()
    what = rng.choice(['gone', 'folder', 'loop', 'pipe'])
    if what == 'folder':
        (root / name).mkdir()
    elif what == 'loop':
        (root / name).symlink_to(root / name)
    elif what == 'pipe':
        os.mkfifo(root / name)
    return f'{name} {what}', MAY_FAIL


def split(rng, root) -> Made:
    """A list of the images to train on."""
    lines = [path.stem for path in sorted((root / 'images').glob('*.png'))]
    what = rng.choice(['leaves', 'leaves', 'absolute', 'missing', 'empty', 'blank lines', 'bytes',
                       'long', 'null', 'right'])
    expect = MUST_FAIL
    if what == 'leaves':
        lines[2] = rng.choice(['../images/00001', '../../cityscapes/x', 'a/../../images/00001'])
    elif what == 'absolute':
        lines[2] = str(root / 'images' / '00001')
    elif what == 'missing':
        lines[2] = '99999'
    elif what == 'empty':
        lines = []
    elif what == 'blank lines':
        lines.insert(2, '')
    elif what == 'long':
        lines[2] = 'x' * 5000
    elif what == 'null':
        lines[2] = 'a\x00b'
    else:
        expect = MAY_FAIL
    raw = '\n'.join(lines).encode()
    (root / 'split.txt').write_bytes(raw + b'\n\xff\xfe\n' if what == 'bytes' else raw)
    return what, MUST_FAIL if what == 'bytes' else expect
