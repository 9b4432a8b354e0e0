"""Draw the figure of docs/architecture.md: the rooms of the package and their imports.

Rooms, sizes and arrows are read from the sources. A room stands above all rooms that it imports.
An arrow that follows from others is left out.
"""
import argparse
from itertools import combinations, permutations
from pathlib import Path
from random import Random
from typing import Dict, List, Optional, Sequence, Set, Tuple, Union

from drawing import ROOT, Drawing, Point
from rooms import OPENMMLAB, imported_rooms, imports, rooms

from mmseg_ssr.errors import cli

#: A room, or the bend of an arrow in a row that it passes: (importing, imported, row).
Node = Union[str, Tuple[str, str, int]]
Arrows = Dict[str, Set[str]]
#: Lengths in tenths of an inch: the sheet, a box, a row, the width of a box's or a bend's place,
#: and the distance of arrows that meet.
SHEET, BOX, HEIGHT, ROW, SPACE, BEND, PORT = 98., 15., 5.6, 10., 18., 4., 2.2
#: Number of random orders that the search begins with.
STARTS = 8


def reduced(arrows: Arrows) -> Arrows:
    """Remove the arrows that follow from others."""
    def reach(room: str) -> Set[str]:
        return arrows[room].union(*map(reach, arrows[room]))

    return {room: {to for to in others if not any(to in reach(other) for other in others)}
            for room, others in arrows.items()}


def levels(arrows: Arrows) -> Dict[str, int]:
    """Room -> its row, counted from the bottom, above all rooms that it imports."""
    def least(room: str) -> int:
        return max((1 + least(to) for to in arrows[room]), default=0)

    found = {room: least(room) for room in arrows}
    for room in sorted(found, key=found.get, reverse=True):
        above = [found[other] for other in arrows if room in arrows[other]]
        if len(above) > len(arrows[room]):  # a higher place makes more arrows shorter
            found[room] = min(above) - 1
    return found


class Layout:
    """Places of rooms and of bends in arrows, chosen to cross few arrows.

    Attributes:
        chains: for each arrow its nodes from the importing room down to the imported one.
        rows: nodes from left to right, rows from the bottom up.
        x: node -> its middle, in tenths of an inch.
    """

    def __init__(self, arrows: Arrows):
        level: Dict[Node, int] = dict(levels(arrows))
        self.chains = [[room, *((room, to, i) for i in range(level[room] - 1, level[to], -1)), to]
                       for room in sorted(arrows) for to in sorted(arrows[room])]
        level.update((node, node[2]) for chain in self.chains for node in chain[1:-1])
        self.links = [link for chain in self.chains for link in zip(chain, chain[1:])]
        rows = [[node for node in level if level[node] == i]
                for i in range(max(level.values()) + 1)]
        self.rows = min((self._ordered(rows, seed) for seed in range(STARTS)), key=self._cost)
        self.x = {node: x for row in self.rows for node, x in zip(row, placed(row))}
        for _ in range(50):
            for row in self.rows:
                wanted = [self._middle_of_neighbors(node) for node in row]
                self.x.update(zip(row, placed(row, wanted)))

    def _ordered(self, rows: List[List[Node]], seed: int) -> List[List[Node]]:
        """Improve a random order row by row until nothing changes."""
        draws = Random(seed)
        rows = [draws.sample(row, len(row)) for row in rows]
        before = None
        while before != rows:
            before = list(rows)
            for i, row in enumerate(before):
                beside = {node for near in rows[max(i - 1, 0):i + 2] for node in near}
                links = [link for link in self.links if beside.issuperset(link)]
                rows[i] = min(map(list, permutations(row)), key=lambda order, i=i, links=links:
                              self._cost([*rows[:i], order, *rows[i + 1:]], links))
        return rows

    def _cost(self, rows: List[List[Node]], links: Optional[list] = None) -> Tuple[int, float]:
        """Number of crossings, then the lengths of arrows."""
        spot = {node: (i, x) for i, row in enumerate(rows) for node, x in zip(row, placed(row))}
        lines = [(*spot[a], spot[b][1]) for a, b in links or self.links]
        return (sum(i == j and (a - c) * (b - d) < 0
                    for (i, a, b), (j, c, d) in combinations(lines, 2)),
                sum(abs(a - b) for _, a, b in lines))

    def _middle_of_neighbors(self, node: Node) -> float:
        beside = [b if a == node else a for a, b in self.links if node in (a, b)] or [node]
        return mean([self.x[other] for other in beside])


def placed(row: Sequence[Node], wanted: Optional[Sequence[float]] = None) -> List[float]:
    """Place the nodes of a row next to each other in their order. Returns their middles.

    Args:
        row: nodes from left to right.
        wanted: wanted middle of each node; by default all are centered on the sheet.
    """
    widths = [SPACE if isinstance(node, str) else BEND for node in row]
    offsets = [sum(widths[:i]) + width / 2 for i, width in enumerate(widths)]
    free = SHEET - sum(widths)
    if wanted is None:
        return [free / 2 + offset for offset in offsets]
    # least squares with a fixed order: neighbors that would overlap move as one block
    blocks: List[List[float]] = []
    for x, offset in zip(wanted, offsets):
        blocks.append([min(max(x - offset, 0), free)])
        while len(blocks) > 1 and mean(blocks[-2]) > mean(blocks[-1]):
            blocks[-2:] = [blocks[-2] + blocks[-1]]
    starts = [mean(block) for block in blocks for _ in block]
    return [start + offset for start, offset in zip(starts, offsets)]


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def draw() -> Drawing:
    """Draw the figure from the present sources."""
    files = rooms()
    base = {room for room, paths in files.items() if len(paths) == 1 or room == 'utils'}
    layout = Layout(reduced({room: others - base for room, others in imported_rooms().items()
                             if room not in base}))
    sheet = Drawing(SHEET, ROW * (len(layout.rows) + 1) + 3)
    for points in lines_of(layout):
        sheet.arrow(points, 'imports')
    for i, row in enumerate(layout.rows):
        for room in row:
            if isinstance(room, str):
                draw_box(sheet, room, files[room], layout.x[room] - BOX / 2, y_of(i), BOX,
                         'branch' if knows_openmmlab(files[room]) else 'trained')
    draw_box(sheet, ', '.join(sorted(base)), [path for room in base for path in files[room]],
             2, y_of(-1), SHEET - 4, 'frozen')
    sheet.legend({'imports': 'imports'}, dict(
        branch='imports OpenMMLab', trained='does not', frozen='what all others use'), 0.025)
    return sheet


def draw_box(sheet: Drawing, name: str, paths: Sequence[Path], left: float, bottom: float,
             width: float, kind: str) -> None:
    lines = sum(len(path.read_text(encoding='utf-8').splitlines()) for path in paths)
    size, middle = f'{len(paths)} modules, {lines} lines', left + width / 2
    sheet.box(left, bottom, width, HEIGHT, '', kind)
    sheet.text(middle, bottom + 0.66 * HEIGHT, name, 10, weight='bold')
    sheet.text(middle, bottom + 0.28 * HEIGHT, size, 7.5)


def knows_openmmlab(paths: Sequence[Path]) -> bool:
    return bool({name.split('.')[0] for path in paths for name in imports(path)} & OPENMMLAB)


def y_of(row: int) -> float:
    """Lower edge of the boxes of a row."""
    return ROW * (row + 1) + 4.5


def lines_of(layout: Layout) -> List[List[Point]]:
    """Points of each arrow. Arrows that meet at a box end beside each other."""
    ends = {}
    for side in (0, 1):
        for node in layout.x:
            links = sorted((link for link in layout.links if link[side] == node),
                           key=lambda link, side=side: layout.x[link[1 - side]])
            for i, link in enumerate(links):
                ends[link, side] = layout.x[node] + PORT * (i - (len(links) - 1) / 2)
    row = {node: i for i, nodes in enumerate(layout.rows) for node in nodes}
    return [[point for link in zip(chain, chain[1:]) for point in (
        (ends[link, 0], y_of(row[link[0]])), (ends[link, 1], y_of(row[link[1]]) + HEIGHT))]
        for chain in layout.chains]


@cli
def main(argv: Optional[List[str]] = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--out', type=Path, default=ROOT / 'docs' / 'images' / 'rooms.svg',
                        help='file to write (default: docs/images/rooms.svg)')
    args = parser.parse_args(argv)
    draw().save(args.out)
    print(args.out)


if __name__ == '__main__':
    main()
