"""Published weights of BEiT: their names, and position tables for another image size."""
import re
from typing import Dict, Mapping

import numpy as np
import torch
from torch import Tensor

from ...errors import CheckpointError
from .beit import CLASS_POSITIONS

#: Patterns of the published names -> ours, applied in this order.
NAMES = {
    r'^model\.': '', r'^backbone\.': '', r'^blocks\.': 'layers.', r'\.norm([12])\.': r'.ln\1.',
    r'\.mlp\.fc1\.': '.ffn.layers.0.0.', r'\.mlp\.fc2\.': '.ffn.layers.1.',
    r'^patch_embed\.proj\.': 'patch_embed.projection.',
}
SHARED_TABLE = 'rel_pos_bias.relative_position_bias_table'
TABLE = 'attn.relative_position_bias_table'
#: Bounds and precision of the search for the ratio of two neighboring distances.
LOWEST_RATIO, HIGHEST_RATIO, PRECISION = 1.01, 1.5, 1e-6


def beit_layout(weights: Mapping[str, Tensor], num_layers: int) -> Dict[str, Tensor]:
    """Return the weights of a BEiT under the names of :mod:`.beit`.

    Args:
        weights: state dict of Microsoft's BEiT or of mmseg's ``BEiT``. A table of positions that
            all layers share is given to each of them.
        num_layers: number of blocks.
    """
    weights = weights.get('model', weights)
    renamed = {}
    for name, value in weights.items():
        for pattern, ours in NAMES.items():
            name = re.sub(pattern, ours, name)
        renamed[name] = value
    shared = renamed.pop(SHARED_TABLE, None)
    if shared is not None:
        renamed.update({f'layers.{i}.{TABLE}': shared for i in range(num_layers)})
    return {name: value for name, value in renamed.items()
            if not name.endswith('relative_position_index')}


def resample_table(table: Tensor, side: int) -> Tensor:
    """Return a table of relative positions for a square grid of ``side`` x ``side`` patches.

    The rows of the table get distances that grow geometrically, so that near positions keep their
    spacing and the outermost lies at the new border. A bicubic spline through them is read at the
    integers. The rows of the class token are copied.

    Args:
        table: (2m - 1)^2 + 3 rows of a grid of m x m patches, one column per head.

    Raises:
        CheckpointError: the table is not that of a square grid.
    """
    length = round((len(table) - CLASS_POSITIONS) ** 0.5)
    if length ** 2 + CLASS_POSITIONS != len(table) or not length % 2:
        raise CheckpointError(f'a position table of BEiT has {len(table)} rows, which no square '
                              'grid of patches has: give a file of square images')
    if length == 2 * side - 1:
        return table
    from scipy.interpolate import RectBivariateSpline  # takes long to import
    given = geometric_distances(length // 2, side - 1)
    wanted = np.arange(-(side - 1), side, dtype=np.float64).clip(given[0], given[-1])
    grids = table[:-CLASS_POSITIONS].T.reshape(-1, length, length).double().numpy()
    read = [RectBivariateSpline(given, given, grid, kx=3, ky=3, s=0)(wanted, wanted)
            for grid in grids]
    resampled = torch.from_numpy(np.stack(read, -1)).flatten(0, 1).to(table.dtype)
    return torch.cat([resampled, table[-CLASS_POSITIONS:]])


def geometric_distances(count: int, outermost: float) -> np.ndarray:
    """Return 2 * count + 1 places 0, +-1, +-(1 + q), ..., the last one near ``outermost``."""
    low, high = LOWEST_RATIO, HIGHEST_RATIO
    while high - low > PRECISION:
        ratio = (low + high) / 2
        if (1 - ratio ** count) / (1 - ratio) > outermost:
            high = ratio
        else:
            low = ratio
    places = np.cumsum(ratio ** np.arange(count, dtype=np.float64))
    return np.concatenate([-places[::-1], [0.], places])
