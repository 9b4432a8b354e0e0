"""Every file is written through ``utils/atomic_file.py``, so that no part of one gets its name.

The sources are read. A call that writes is allowed if it writes to an open file, or to a name from
``atomic_path``: a variable of a ``with atomic_file(...)`` or ``with atomic_path(...)``, a parameter
of the type ``BinaryIO`` or ``Part``, or an ``io.BytesIO()``.
"""
import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MECHANISM = 'mmseg_ssr/utils/atomic_file.py'
#: Files and functions that write otherwise, and why that leaves no part of a file under its name.
JUSTIFIED = {
    ('mmseg_ssr/engine/logging/run_log.py', '_new_file'): 'a log that lines are appended to',
    ('mmseg_ssr/engine/training/start.py', 'meaning'): 'a log that lines are appended to',
    ('mmseg_ssr/weights/download.py', '_part_of'): 'NAME.part of a download, which goes on later',
    ('mmseg_ssr/engine/config/load.py', '_copy_filled_in'): "mmcv's copy in a temporary folder",
    ('mmseg_ssr/benchmark/scoring.py', 'quiet'): '/dev/null',
    ('mmseg_ssr/benchmark/measure.py', 'reset_peak'): '/proc/self/clear_refs',
    ('mmseg_ssr/benchmark/gpu/checks.py', 'warm_up'): 'a copy in a temporary folder',
    ('mmseg_ssr/benchmark/scale/folders.py', 'make_files'): 'files in a temporary folder',
    ('mmseg_ssr/benchmark/scale/folders.py', 'touch'): 'files in a temporary folder',
    ('mmseg_ssr/errors.py', '_drop_output'): '/dev/null',
    ('mmseg_ssr/weights/safetensors_file.py', 'encode'): 'save gives bytes there',
    ('tools/setup_environment.py', 'install'): 'runs before the package is installed',
    ('tools/draw_method.py', 'main'): 'Drawing.save, which writes a Part',
    ('tools/draw_rooms.py', 'main'): 'Drawing.save, which writes a Part',
}
#: Names of functions and methods that write a file which an argument names.
WRITERS = {
    'imwrite', 'imwritemulti', 'VideoWriter', 'write_text', 'write_bytes', 'savefig', 'save',
    'save_file', 'savez', 'savez_compressed', 'savetxt', 'tofile', 'dump', 'to_csv', 'to_json',
    'to_pickle', 'copy2', 'copyfile', 'copytree', 'FileHandler', 'LogFile',
    'RotatingFileHandler', 'SummaryWriter', 'NamedTemporaryFile', 'mkstemp', 'urlretrieve',
    'make_archive', 'savemat', 'write_video', 'save_image'}
#: Those that are known by their module alone.
QUALIFIED = {'shutil.copy', 'shutil.move'}
SAFE_CALLS = {'atomic_file', 'atomic_path', 'BytesIO', 'StringIO'}
SAFE_TYPES = {'BinaryIO', 'Part'}


def dotted(node):
    """``a.b.c`` of names and attributes."""
    if isinstance(node, ast.Attribute):
        return f'{dotted(node.value)}.{node.attr}'
    return node.id if isinstance(node, ast.Name) else ''


def opens_for_writing(call, name):
    """Whether a mode or flags among the arguments are not for reading alone."""
    is_method = name.endswith('.open') and name not in ('io.open', 'os.open')
    modes = [keyword.value for keyword in call.keywords if keyword.arg == 'mode']
    modes += call.args[0 if is_method else 1:][:1]
    if name == 'os.open':
        return any('O_RDONLY' not in ast.dump(mode) for mode in modes)
    if is_method:  # the argument may be the name of a member
        modes = [mode for mode in modes if isinstance(mode, ast.Constant)]
    return any(not isinstance(mode, ast.Constant) or set(mode.value) <= set('rwaxbt+')
               and set(mode.value) & set('wax+') for mode in modes)


def writes(call):
    name = dotted(call.func)
    last = name.split('.')[-1]
    if last in ('open', 'ZipFile', 'TarFile'):
        return opens_for_writing(call, name)
    if name.endswith('onnx.export'):
        return len(call.args) > 2 or any(keyword.arg == 'f' for keyword in call.keywords)
    return last in WRITERS or name in QUALIFIED


def safe_names(function):
    """Variables of a function that are open files, or names from ``atomic_path``."""
    found = set()
    for node in ast.walk(function):
        if isinstance(node, ast.withitem) and isinstance(node.context_expr, ast.Call) and (
                dotted(node.context_expr.func).split('.')[-1] in SAFE_CALLS):
            found.add(getattr(node.optional_vars, 'id', None))
        elif isinstance(node, ast.arg) and node.annotation is not None and (
                dotted(node.annotation).split('.')[-1] in SAFE_TYPES):
            found.add(node.arg)
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and (
                dotted(node.value.func).split('.')[-1] in SAFE_CALLS):
            found.update(getattr(target, 'id', None) for target in node.targets)
    for node in ast.walk(function):  # a file that is opened under such a name
        if isinstance(node, ast.withitem) and isinstance(node.context_expr, ast.Call) and (
                arguments(node.context_expr) & found):
            found.add(getattr(node.optional_vars, 'id', None))
    return found - {None}


def arguments(call):
    return {one.id for one in [*call.args, *(keyword.value for keyword in call.keywords)]
            if isinstance(one, ast.Name)}


def direct_writers(text):
    """(function, line) of each call that writes a file under its final name."""
    tree, found = ast.parse(text), []

    def look(node, function, safe):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
                look(child, child.name, safe | safe_names(child))
                continue
            if isinstance(child, ast.Call) and writes(child) and not arguments(child) & safe:
                found.append((function, child.lineno))
            look(child, function, safe)

    look(tree, '', set())
    return found


def sources():
    return [ROOT / 'run_experiments.py', *sorted((ROOT / 'mmseg_ssr').rglob('*.py')),
            *sorted((ROOT / 'tools').rglob('*.py'))]


def test_files_are_written_through_the_one_module():
    found = {(path.relative_to(ROOT).as_posix(), function): line for path in sources()
             for function, line in direct_writers(path.read_text(encoding='utf-8'))}
    assert len(sources()) > 200
    others = {place: line for place, line in found.items()
              if place not in JUSTIFIED and place[0] != MECHANISM}
    assert not others, 'write through mmseg_ssr.utils.atomic_file'
    assert found.keys() >= JUSTIFIED.keys(), 'an exception that is not needed any more'


@pytest.mark.parametrize('line', [
    "open(path, 'w')", "open(path, mode='ab')", 'open(path, mode)', "open(path, 'r+b')",
    "Path(path).open('w')", 'Path(path).write_text(x)', 'path.write_bytes(x)',
    'cv2.imwrite(path, x)', 'mmcv.imwrite(x, path)', 'torch.save(x, path)', 'np.save(path, x)',
    'np.savez(path, x)', 'image.save(path)', 'figure.savefig(path)', 'mmcv.dump(x, path)',
    'json.dump(x, open_file_of_mine)', 'pickle.dump(x, file)', 'cv2.VideoWriter(path, 1, 2, 3)',
    'shutil.copy(a, path)', "zipfile.ZipFile(path, 'w')", 'torch.onnx.export(x, y, path)',
    'os.open(path, os.O_WRONLY)', 'frame.to_csv(path)', 'save_file(x, path)',
    'torch.jit.save(x, path)', 'np.arange(3).tofile(path)'])
def test_a_direct_writer_is_found(line):
    assert direct_writers(f'def f(path, x):\n    {line}') == [('f', 2)]


@pytest.mark.parametrize('lines', [
    "with open(path) as file:\n        file.read()", "open(path, 'rb')", 'Path(path).open()',
    "with atomic_file(path) as file:\n        torch.save(x, file)",
    "with atomic_path(path, ending='.png') as part:\n        cv2.imwrite(part, x)",
    "with atomic_path(path) as part, open(part, 'wb') as file:\n        json.dump(x, file)",
    'content = io.BytesIO()\n    image.save(content)', 'torch.save(x, file)', 'x.save(part)',
    "zipfile.ZipFile(path)", 'write_atomic(path, x)', 'x.copy()', 'Image.open(path)',
    'os.open(path, os.O_RDONLY)', 'archive.open(path)', "archive.open('name')"])
def test_other_calls_are_let(lines):
    assert not direct_writers(f'def f(path, x, file: BinaryIO, part: Part):\n    {lines}')
