"""Names of result files, which tell them from the files of the user."""
import os
import re
from typing import List

KINDS = ('overlay', 'label', 'confidence')
LEGEND = 'legend.png'
#: Matches :func:`frame_name` with its ending.
FRAME = re.compile(r'\d{6,}\.png')


def frame_name(number: int) -> str:
    """Name of a frame's label or confidence without ending. The first frame is number 1."""
    return f'{number:06d}'


def earlier_results(out: str) -> List[str]:
    """The legend and the folders of results that an earlier command left in ``out``.

    A command leaves a legend and at least one of the folders. If only one of the two is there, it
    is the user's.
    """
    legend = os.path.join(out, LEGEND)
    folders = [os.path.join(out, kind) for kind in KINDS]
    there = os.path.isfile(legend) and any(map(os.path.isdir, folders))
    return [legend, *folders] if there else []
