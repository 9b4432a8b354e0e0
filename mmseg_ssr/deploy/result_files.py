"""The names of results in their folder, and telling them from the files of the user."""
import os
import re
from typing import List

KINDS = ('overlay', 'label', 'confidence')
LEGEND = 'legend.png'
#: What :func:`frame_name` gives, with its ending.
FRAME = re.compile(r'\d{6,}\.png')


def frame_name(number: int) -> str:
    """Of the label or confidence of a video's frame, without ending; the first is number 1."""
    return f'{number:06d}'


def earlier_results(out: str) -> List[str]:
    """The legend and the folders of results that an earlier command has left in ``out``.

    It leaves a legend and at least one of the folders: one without the other is the user's.
    """
    legend = os.path.join(out, LEGEND)
    folders = [os.path.join(out, kind) for kind in KINDS]
    there = os.path.isfile(legend) and any(map(os.path.isdir, folders))
    return [legend, *folders] if there else []
