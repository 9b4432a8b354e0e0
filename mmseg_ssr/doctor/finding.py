"""One thing that is wrong, and the order of many."""
from dataclasses import dataclass
from enum import IntEnum
from typing import Dict, Iterable, List, Tuple


class Stage(IntEnum):
    """When to mend: what stands on a stage needs all stages before it."""

    INSTALLATION = 1
    WEIGHTS = 2
    FOLDERS = 3
    FILES = 4  # as published: missing or damaged, to be fetched again
    CONVERSION = 5  # what the converters make of them
    CONTENT = 6
    STATISTICS = 7


@dataclass(frozen=True)
class Finding:
    """A fault of one file.

    Attributes:
        stage: when to mend it.
        title: the fault, in the same words for every file that has it.
        file: which file or folder, or which part of the machine.
        found, expected: the state of the file, and the right state.
        mend: a command, or what to do.
        is_warning: it works like that, but may not be meant.
    """

    stage: Stage
    title: str
    file: str
    found: str
    expected: str
    mend: str
    is_warning: bool = False


def in_order(findings: Iterable[Finding]) -> List[List[Finding]]:
    """Findings of the same fault that are mended in the same way together, first stages first."""
    groups: Dict[Tuple, List[Finding]] = {}
    for one in sorted(findings, key=lambda finding: finding.stage):
        groups.setdefault((one.stage, one.title, one.expected, one.mend), []).append(one)
    return list(groups.values())
