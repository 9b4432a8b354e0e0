"""Command lines with something wrong in them."""
import random
from pathlib import Path
from typing import Callable, Dict, List

import tiny_training

from .commands import command, converter
from .oracle import MAY_FAIL, MUST_FAIL, Case

NUMBERS = ['', 'x', '1.5', '-1', '1e3', '0x10', '9' * 30, 'None', '-', ' ', 'nan']
DEVICES = ['', 'x', 'gpu', 'cuda:99', 'meta', 'cpu:-1', 'xla', '5', 'mkldnn', 'cpu:x', 'CPU', ' ',
           'vulkan', 'lazy', 'privateuseone']
#: Places where no folder can be made; {} is the case's own folder.
NO_FOLDERS = ['{}/file', '{}/file/inside', '/proc/nowhere', '/dev/null', '/dev/null/x',
              '{}/' + 'x' * 300, '']
#: Files that are not there, or are no files.
NO_FILES = ['{}/nowhere', '{}/nowhere.pth', '{}', '', '{}/data', '/dev/null', 'auto.pth', '{}/file',
            '{}/config.py', 'http://nowhere.invalid/x.pth', 's3://x/y.pth']


def command_line_case(seed: int, world, folder: Path) -> Case:
    """The ``seed``-th command with one or two arguments that are not right."""
    rng = random.Random(seed)
    data = world.data_in(folder)
    (folder / 'file').write_text('some text\n')
    config = tiny_training.write_config(folder / 'config.py', tiny_training.ssr_config(data, 2))
    name = rng.choice([*COMMANDS, 'run', 'train', 'test', 'test'])
    run, good, options, wrong_first = COMMANDS[name](folder, config, str(world.uses()['test'].file))
    chosen: List[str] = []
    if wrong_first and rng.random() < 0.3:
        good = rng.choice(wrong_first)
    else:
        for option in rng.sample(sorted(options), min(rng.choice([1, 1, 2]), len(options))):
            value = rng.choice(options[option])
            chosen += [option, *(value if isinstance(value, list) else [value])]
    arguments = [str(word).replace('{}', str(folder)) for word in [*good, *chosen]]
    case = Case(lambda: run(arguments), told(arguments), folder, owned=['.json'],
                expect=MUST_FAIL if must_fail(name, chosen) else MAY_FAIL)
    case.what = f'{name} {" ".join(map(repr, [*good, *chosen]))[-200:]}'
    return case


def told(arguments: List[str]) -> List[str]:
    """Any of the arguments, by name or value, the usage of the command, or what to give."""
    words = [word.lstrip('-') for word in arguments if len(word) > 1]
    return [*words, *(Path(word).name for word in words if Path(word).name), 'argument',
            'arguments', 'give --eval']


def must_fail(name: str, chosen: List[str]) -> bool:
    """Values that nobody can mean."""
    pairs = list(zip(chosen, chosen[1:]))
    return any(option in ('--seed', '--nproc', '--images', '--val-images', '--batched-slide')
               and value in ('', 'x', '1.5', '-1', 'None', 'nan', '9' * 30)
               or option == '--device' and value not in ('CPU', 'cpu')
               or option in ('--load-from', '--resume-from') and value not in ([], 'auto', '')
               for option, value in pairs)


def training(folder: Path, config: str) -> Dict[str, list]:
    return {
        '--work-dir': NO_FOLDERS, '--load-from': NO_FILES, '--seed': NUMBERS, '--device': DEVICES,
        '--resume-from': NO_FILES, '--sede': ['5'], '--cfg-options': [
            [], ['='], ['x'], ['uda'], ['uda.aplha=1'], ['uda.alpha=[1'], ['model'], ['seed=-1'],
            ['alpha=0.5'], ['uda..alpha=1'], ['.=1'], ['uda.alpha=0.5', '--cfg-options'],
            ['data.train=5'], ['model.backbone.type=x'], ['work_dir=5']],
        '--launcher': ['x', 'pytorch', 'slurm', '']}


def run(folder: Path, config: str, checkpoint: str):
    options = dict(training(folder, config), **{
        '--exp': ['demo', 'nowhere', ''], '--list': [[]], '--json': NO_FOLDERS, '--results': [[]],
        '--dry-run': [[]]})
    wrong = [[], ['--config'], ['--config', ''], ['--config', '{}/nowhere.py'], ['--config', '{}'],
             ['--config', '{}/file'], ['--exp', 'dmeo'], ['--exp', ''], ['config.py'],
             ['--exp', 'demo', '--resume-from', 'x'], ['--config', config, '--config'],
             ['--json', '{}/x.json'], ['--results'], ['--exp', 'nowhere', '--results'],
             ['--exp', 'ssr', '--results', '--json', '{}/file/x.json']]
    good = ['--config', config, '--work-dir', '{}/run', '--device', 'cpu']
    return command('scripts.run_experiments'), good, options, wrong


def train(folder: Path, config: str, checkpoint: str):
    options = dict(training(folder, config), **{'--auto-resume': [[]], '--no-validate': ['x']})
    wrong = [[], [''], ['{}/nowhere.py'], ['{}'], ['{}/file'], [checkpoint], [config, config]]
    good = [config, '--work-dir', '{}/run', '--device', 'cpu', '--no-validate']
    return command('scripts.train'), good, options, wrong


def test(folder: Path, config: str, checkpoint: str):
    options = {
        '--eval': [[], ['x'], ['mIoU', 'x'], [''], ['miou']], '--opacity': ['0', '2', 'x', 'nan'],
        '--out': ['{}/x.txt', '', '{}/nowhere/x.pkl', '{}/data.pkl/x.pkl', '{}/file/x.pkl',
                  '/dev/null/x.pkl', '{}'],
        '--show-dir': NO_FOLDERS, '--work-dir': NO_FOLDERS, '--weights': ['x', 'teacher', ''],
        '--inference-mode': ['x', 'slide', ''], '--device': DEVICES, '--format-only': [[]],
        '--aug-test': [[]], '--test-set': [[]], '--batched-slide': NUMBERS, '--amp': ['x', ''],
        '--zip': ['{}/x.zip', '{}/x', ''], '--eval-options': [
            ['x=5'], ['x'], ['classwise=x'], ['imgfile_prefix={}/file'], ['metric=x'],
            ['gt_seg_maps=5'], ['logger=5']],
        '--cfg-options': [['data.test.ann_dir=x'], ['data.test.img_dir=x'], ['model=5'],
                          ['data.test.pipeline=5'], ['model.test_cfg.mode=x'], ['data.test=None']]}
    wrong = [[], [config], [config, ''], ['', checkpoint], [checkpoint, config], [config, '{}'],
             [config, checkpoint], [config, checkpoint, '--eval', 'mIoU', '--format-only'],
             [config, checkpoint, '--out'], ['{}', checkpoint, '--eval', 'mIoU'],
             [config, '{}/nowhere', '--eval', 'mIoU'], [config, config, '--eval', 'mIoU']]
    good = [config, checkpoint, '--eval', 'mIoU', '--device', 'cpu']
    return command('test'), good, options, wrong


test.__test__ = False


def demo(folder: Path, config: str, checkpoint: str):
    """Nothing here gets as far as to train."""
    wrong = [['--root', '{}/nowhere'], ['--root', '{}/file'], ['--root', ''], ['--images', '-1'],
             ['--images', 'x'], ['--iterations', '-1'], ['--iterations', 'x'], ['--device', 'x'],
             ['--device', 'cuda:99'], ['--nproc', '0'], ['--nproc', '-2'], ['x'], ['--iterations']]
    good = ['--root', '{}', '--images', '-1']
    return command('tools/demo.py'), good, {'--device': DEVICES, '--nproc': ['x', '-1']}, wrong


def streets(folder: Path, config: str, checkpoint: str):
    options = {
        '--images': NUMBERS, '--val-images': NUMBERS, '--seed': NUMBERS, '--nproc': NUMBERS,
        '--size': [[], ['64'], ['0', '0'], ['63', '32'], ['-64', '32'], ['x', 'y'],
                   ['64', '32', '1']]}
    wrong = [[], ['{}/file'], ['{}/data', '--images', '2'], ['/proc/nowhere'], ['/dev/null/x'],
             ['{}/' + 'x' * 300, '--images', '1']]
    good = ['{}/streets', '--images', '1', '--val-images', '1', '--size', '64', '32', '--nproc',
            '1']
    return command('make_streets'), good, options, wrong


def convert(name: str) -> Callable:

    def build(folder: Path, config: str, checkpoint: str):
        wrong = [['{}/nowhere'], ['{}/file'], [''], ['{}'], ['{}/data'], ['/dev/null'],
                 ['{}/data/gta/images'], ['{}/data/gta', 'x'], ['{}/' + 'x' * 300]]
        good = ['{}/data/' + ('gta' if name == 'gta' else 'cityscapes')]
        return converter(name), good, {'--nproc': NUMBERS, '--x': ['']}, wrong

    return build


def doctor(folder: Path, config: str, checkpoint: str):
    options = {'--nproc': NUMBERS, '--quick': [[]], '--cfg-options': [
        ['x'], ['data=5'], ['data.train.source=x']]}
    wrong = [['{}/nowhere.py'], ['{}'], ['{}/file'], [checkpoint], [config, '{}/nowhere.py']]
    return command('doctor'), [config, '--nproc', '1'], options, wrong


def browse(folder: Path, config: str, checkpoint: str):
    options = {
        '--out': NO_FOLDERS, '--iterations': NUMBERS, '--draws': NUMBERS, '--seed': NUMBERS,
        '--checkpoint': NO_FILES, '--weights': ['x', 'teacher', ''], '--device': DEVICES,
        '--cfg-options': [['x'], ['data=5'], ['data.train.source=x'], ['model=5'], ['uda=5']]}
    wrong = [[], [''], ['{}/nowhere.py'], ['{}'], ['{}/file'], [checkpoint], [config, config]]
    good = [config, '--out', '{}/browse', '--iterations', '1', '--draws', '10', '--device', 'cpu']
    return command('browse'), good, options, wrong


def replay(folder: Path, config: str, checkpoint: str):
    wrong = [[], *([name] for name in NO_FILES), [checkpoint]]
    return command('replay'), [checkpoint], {'--device': DEVICES}, wrong


COMMANDS = {
    'run': run, 'train': train, 'test': test, 'demo': demo, 'streets': streets,
    'gta': convert('gta'), 'cityscapes': convert('cityscapes'), 'synthia': convert('synthia'),
    'crosscity': convert('crosscity'), 'synscapes': convert('synscapes'),
    'mapillary': convert('mapillary'), 'wilddash': convert('wilddash'),
    'doctor': doctor, 'browse': browse, 'replay': replay}
