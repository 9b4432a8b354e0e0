"""The page: its parts, and their rendering as one HTML file."""
import datetime
from typing import NamedTuple, Optional, Sequence

import jinja2

from .. import __version__
from ..engine.experiments.results import Grid
from .bars import Group, Score
from .figures import Picture
from .gallery import Gallery
from .sections import Section


class Page(NamedTuple):
    """The parts of a page, in the order in which they are shown. An empty part is left out.

    Attributes:
        title: title of the page.
        about: a line below the title.
        scores: the score of each run.
        tables: tables about all runs.
        notes: lines below these tables.
        groups: the IoU of each class.
        compared_with: name of what the classes are compared with, if there is something.
        classes: the same in numbers.
        gallery: best, median and worst image, and images that the runs differ on.
        losses, curves, class_curves: curves over the iterations.
        sections: a section for each run.
        left_out: a line for each omission.
    """
    title: str
    about: str
    scores: Sequence[Score]
    tables: Sequence[Grid]
    notes: Sequence[str] = ()
    groups: Sequence[Group] = ()
    compared_with: str = ''
    classes: Optional[Grid] = None
    gallery: Optional[Gallery] = None
    losses: Sequence[Picture] = ()
    curves: Sequence[Picture] = ()
    class_curves: Sequence[Picture] = ()
    sections: Sequence[Section] = ()
    left_out: Sequence[str] = ()


def render(page: Page) -> str:
    """Return the page as HTML that needs no other file."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader('mmseg_ssr.report'), autoescape=True,
        trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined)
    return environment.get_template('page.html.jinja').render(
        page._asdict(), runs=[(score.bar.name, score.bar.color) for score in page.scores],
        version=__version__, date=datetime.datetime.now().strftime('%Y-%m-%d %H:%M'))
