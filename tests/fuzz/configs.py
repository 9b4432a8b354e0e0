"""Config files with something wrong in them."""
import random
from pathlib import Path
from typing import Any, Iterator, List, NamedTuple, Tuple, Union

from mmseg_ssr.engine.config.keys import TOP_LEVEL

from .commands import command
from .oracle import MAY_FAIL, MUST_FAIL, Case
from .shrunk import SHIPPED, shipped, shrunk

Path_ = Tuple[Union[str, int], ...]


class Text(str):
    """An expression that is written into the config as it is."""

    def __repr__(self) -> str:
        return str(self)


#: What a value can be instead of what it should be.
STRANGE = [
    None, 'text', '', -1, 0, 10 ** 30, 3.7, Text("float('nan')"), Text("float('inf')"), [], {},
    [1, 2, 3], dict(type='Nonsense'), True, False, [[]], ['text'], -1e9, 2 ** 31, Text('print'),
    Text("b'bytes'"), Text('{1: 2}'), Text('{1, 2}'), 'x' * 200, 'two\nlines', '../..', 1e-30]
#: Dicts whose keys are names of the user's own choice.
FREE = ('custom_keys', )
#: Top-level sections that say nothing to a training in one process.
UNREAD = ('dist_params', 'workflow', 'crop_size', 'name', 'custom_imports', 'cudnn_benchmark')
SHARES = ('alpha', 'pseudo_threshold', 'imnet_feature_dist_scale_min_ratio', 'mask_ratio',
          'color_jitter_probability', 'mask_pseudo_threshold', 'mask_alpha')
FIRST_ITERATION = 'the first iteration fails, '
KINDS = {bool: 'bool', int: 'number', float: 'number', str: 'text', list: 'list', tuple: 'list',
         dict: 'dict', type(None): 'none'}


class Mutation(NamedTuple):
    """What was done to which key, and what has to come of it."""
    path: Path_
    what: str
    expect: str


def config_case(seed: int, world, folder: Path) -> Case:
    """The ``seed``-th config: one key of a shipped config, or the file itself, is damaged."""
    rng = random.Random(seed)
    if seed % 5 == 4:
        from .config_files import config_file_case
        return config_file_case(seed, world, folder)
    name = rng.choice(SHIPPED)
    small = rng.random() < 0.7
    sections = shrunk(name, world.data_in(folder)) if small else shipped(name)
    mutation = mutate(sections, rng)
    file = folder / 'config.py'
    file.write_text(''.join(f'{key} = {value!r}\n' for key, value in sections.items()))
    arguments = ['--config', str(file), '--work-dir', str(folder / 'run'), '--device', 'cpu']
    main = command('scripts.run_experiments')
    case = Case(lambda: main(arguments + ([] if small else ['--dry-run'])),
                words(sections, mutation.path), folder, mutation.expect, owned=['.json'])
    if not small and 'decoder_params' in mutation.path:
        case.expect = MAY_FAIL  # only building the head tells
    case.what = f'{name}: {mutation.what}' + ('' if small else ' (dry run)')
    return case


def mutate(sections: dict, rng: random.Random) -> Mutation:
    """Change ``sections`` in one place."""
    kind = rng.choice(['replace'] * 5 + ['misspell'] * 2 + ['remove'] * 2 + ['type', 'step'])
    paths = [path for path in all_paths(sections)
             if path[0] in TOP_LEVEL and path[0] not in UNREAD]
    if kind == 'type':
        return wrong_type(sections, rng.choice([p for p in paths if p[-1] == 'type']), rng)
    if kind == 'step':
        return wrong_step(sections, rng)
    if kind == 'misspell':
        path = rng.choice([p for p in paths if isinstance(p[-1], str) and len(p[-1]) > 2])
        return misspell(sections, path, rng)
    path = rng.choice(paths)
    if kind == 'remove' and not isinstance(parent(sections, path), tuple):
        del parent(sections, path)[path[-1]]
        return Mutation(path, f'{dotted(path)} removed', MAY_FAIL)
    return replace(sections, path, rng.choice(STRANGE))


def replace(sections: dict, path: Path_, value: Any) -> Mutation:
    holder = parent(sections, path)
    old = holder[path[-1]]
    if isinstance(holder, tuple):
        whole = list(holder)
        whole[path[-1]] = value
        parent(sections, path[:-1])[path[-2]] = type(holder)(whole)
    else:
        holder[path[-1]] = value
    wrong = is_wrong_kind(old, value) or is_out_of_range(path, value)
    expect = MUST_FAIL if is_ours(path) and wrong else MAY_FAIL
    return Mutation(path, f'{dotted(path)} = {value!r:.40} instead of {old!r:.40}', expect)


def misspell(sections: dict, path: Path_, rng: random.Random) -> Mutation:
    key, holder = path[-1], parent(sections, path)
    spot = rng.randrange(1, len(key) - 1)
    wrong = rng.choice([key[:spot] + key[spot + 1:], key[:spot] + key[spot] + key[spot:],
                        key[:spot] + key[spot + 1] + key[spot] + key[spot + 2:]])
    if wrong == key:
        wrong += 's'
    holder[wrong] = holder.pop(key)
    free = any(name in FREE for name in path[:-1])
    return Mutation((*path[:-1], wrong), f'{dotted(path)} misspelled {wrong}',
                    MAY_FAIL if free else MUST_FAIL)


def wrong_type(sections: dict, path: Path_, rng: random.Random) -> Mutation:
    old = parent(sections, path)[path[-1]]
    new = rng.choice([old[:-1], old + 'x', old.lower(), 'Nonsense', '', None, 5, ['Resize'],
                      'GTADataset', 'Resize', 'AdamW', 'mit_b0', 'EncoderDecoder', 'DACS'])
    parent(sections, path)[path[-1]] = new
    wrong = new != old and not isinstance(old, type(None)) and 'fusion_cfg' not in path
    return Mutation(path, f'{dotted(path)} = {new!r} instead of {old!r}',
                    MUST_FAIL if wrong and not acceptable(path, new) else MAY_FAIL)


def acceptable(path: Path_, name: Any) -> bool:
    """Registered, and of the same registry, or not looked up in the first place."""
    steps = 'pipeline' in path or 'transforms' in path
    return (name in ('GTADataset', ) and path[0] == 'data' and not steps
            or name in ('EncoderDecoder', 'DACS') and path[0] in ('model', 'uda')
            or name == 'mit_b0' and path[0] in ('model', 'uda')
            or name == 'Resize' and steps
            or name == 'AdamW' and path[0] == 'optimizer'
            or path[-2] in ('mask_generator', 'norm_cfg', 'act_cfg', 'embed_cfg', 'fusion_cfg',
                            'embed_neck_cfg'))


def wrong_step(sections: dict, rng: random.Random) -> Mutation:
    """A pipeline with a step too few, too many, or out of order."""
    pipelines = [p for p in all_paths(sections) if p[0] == 'data'
                 and p[-1] in ('pipeline', 'transforms')]
    path = rng.choice(pipelines)
    steps: List[dict] = parent(sections, path)[path[-1]]
    spot = rng.randrange(len(steps))
    what = rng.choice(['removed', 'doubled', 'first', 'last', 'all removed'])
    step = steps[spot]
    if what == 'all removed':
        steps.clear()
    elif what == 'doubled':
        steps.insert(spot, step)
    else:
        del steps[spot]
        if what != 'removed':
            steps.insert(0 if what == 'first' else len(steps), step)
    return Mutation((*path, spot), f'{dotted(path)}.{spot} ({step["type"]}) {what}', MAY_FAIL)


def is_ours(path: Path_) -> bool:
    """Keys that this project reads itself."""
    return (path[0] in ('uda', 'seed') and len(path) > (path[0] == 'uda')
            or 'rare_class_sampling' in path[:-1] or 'crop_pseudo_margins' in path
            or path[:2] == ('runner', 'max_iters'))


def is_wrong_kind(old: Any, new: Any) -> bool:
    """Such as a word for a number. None may mean the default, 1 and 1.0 are both numbers."""
    if isinstance(new, Text):
        return 'inf' not in new
    kinds = KINDS[type(old)], KINDS[type(new)]
    return ('none' not in kinds and kinds[0] != kinds[1]
            and not (kinds == ('number', 'bool') or kinds == ('bool', 'number')))


def is_out_of_range(path: Path_, value: Any) -> bool:
    """None of our numbers is negative, and some are shares."""
    if isinstance(value, (bool, Text)) or not isinstance(value, (int, float)):
        return False
    return (value < 0 or value > 2 ** 64 or value > 1 and path[-1] in SHARES)


def words(sections: dict, path: Path_) -> List[str]:
    """What an error line may name: the key, its dict, or the component that it belongs to."""
    names = [str(key) for key in path if isinstance(key, str)]
    found = [name for name in names[-1:] if len(name) > 1]
    found += ['.'.join(names[:i]) for i in range(2, len(names) + 1)]
    value: Any = sections
    for key in path:
        if isinstance(value, dict) and isinstance(value.get('type'), str):
            found.append(value['type'])
        try:
            value = value[key]
        except (KeyError, IndexError, TypeError):
            break
    if isinstance(value, dict) and isinstance(value.get('type'), str):
        found.append(value['type'])
    return [*found, *(names[:1] if len(names) == 1 else []), FIRST_ITERATION]


def all_paths(value: Any, path: Path_ = ()) -> Iterator[Path_]:
    items = value.items() if isinstance(value, dict) else (
        enumerate(value) if isinstance(value, (list, tuple)) else ())
    for key, item in items:
        yield (*path, key)
        yield from all_paths(item, (*path, key))


def parent(sections: Any, path: Path_) -> Any:
    for key in path[:-1]:
        sections = sections[key]
    return sections


def dotted(path: Path_) -> str:
    return '.'.join(map(str, path))
