"""Bad input of every kind ends in success or in one clear line (contract C6).

A failing case is run again by its name, as in
``pytest -m '' 'tests/fuzz/test_fuzz.py::test_bad_input[config-17]'``.
"""
import os

import pytest

from .checkpoints import checkpoint_case
from .command_lines import command_line_case
from .configs import config_case
from .images import image_case
from .oracle import faults
from .statistics_files import statistics_case

KINDS = {'config': (config_case, 40, 400), 'checkpoint': (checkpoint_case, 30, 200),
         'image': (image_case, 30, 200), 'statistics': (statistics_case, 20, 100),
         'command': (command_line_case, 30, 200)}
MORE = int(os.environ.get('FUZZ_CASES', 0))


def cases():
    for kind, (_, short, long) in KINDS.items():
        for seed in range(max(long, MORE)):
            marks = [pytest.mark.soak] if seed >= short else []
            yield pytest.param(kind, seed, id=f'{kind}-{seed}', marks=marks)


@pytest.mark.parametrize('kind, seed', cases())
def test_bad_input(kind, seed, world, tmp_path):
    case = KINDS[kind][0](seed, world, tmp_path)
    found = faults(case)
    assert not found, f'{kind}-{seed}, {case.what}: ' + '; '.join(found)
