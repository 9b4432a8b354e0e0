"""The cases of a folder of parity data."""
import json
import os
from functools import cached_property
from pathlib import Path
from typing import Any, Dict, List, Optional

import numpy as np
import torch
from torch import Tensor

OWN_DATA = Path(__file__).parents[1] / 'data' / 'parity'
#: Files of the folder that describe it instead of being a case.
ABOUT = ('manifest', 'noise')


class Case:
    """One case: ``NAME.json`` with configuration and facts, ``NAME.npz`` with arrays."""

    def __init__(self, path: Path):
        self.path = path
        self.name = path.name

    @cached_property
    def facts(self) -> Dict[str, Any]:
        return json.loads(self.path.with_name(f'{self.name}.json').read_text(encoding='utf-8'))

    @cached_property
    def arrays(self) -> Dict[str, np.ndarray]:
        with np.load(self.path.with_name(f'{self.name}.npz')) as file:
            return dict(file)

    @property
    def seed(self) -> int:
        return self.facts['seed']

    @property
    def config(self) -> Dict[str, Any]:
        return self.facts['config']

    def __contains__(self, array: str) -> bool:
        """Whether ``array`` is there, whole or as its summaries."""
        return any(name in self.arrays for name in forms_of(array))

    def tensor(self, array: str) -> Tensor:
        """A whole array as a tensor: labels and masks long, images and features float32.

        Raises:
            LookupError: the case does not hold it.
        """
        if array not in self.arrays:
            raise LookupError(f'{self.path}.npz does not hold {array!r} as a whole, which this '
                              f'kind of case is computed from: it holds {sorted(self.arrays)}')
        tensor = torch.from_numpy(self.arrays[array].copy())
        return tensor.long() if tensor.dtype == torch.uint8 else tensor

    def tensors(self, stem: str) -> List[Tensor]:
        """``stem0``, ``stem1``, ... as far as they go."""
        count = 0
        while f'{stem}{count}' in self.arrays:
            count += 1
        return [self.tensor(f'{stem}{i}') for i in range(count)]

    def description(self, array: str) -> str:
        """What the json says of an array, or of its summaries."""
        described = self.facts.get('arrays', {})
        return ' '.join(described.get(name, {}).get('what', '') for name in forms_of(array))


def forms_of(array: str) -> List[str]:
    """Names under which an array may be stored: as it is, or as its summaries."""
    return [array, f'{array}_stats', f'{array}_samples', f'{array}_chmean']


def data_folder() -> Path:
    """``PARITY_DATA``, or the repository's own copy."""
    return Path(os.environ.get('PARITY_DATA') or OWN_DATA)


def find_cases(folder: Optional[Path] = None) -> List[Case]:
    """All cases of the folder; a file without its partner is one too, and fails.

    Raises:
        FileNotFoundError: there is none.
    """
    folder = folder or data_folder()
    names = {path.stem for suffix in ('json', 'npz') for path in folder.glob(f'*.{suffix}')}
    cases = [Case(folder / name) for name in sorted(names.difference(ABOUT))]
    if not cases:
        raise FileNotFoundError(f'no parity case (NAME.json and NAME.npz) in {folder}')
    return cases
