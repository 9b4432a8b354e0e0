"""A fault, and the order of many."""
from dataclasses import dataclass
from enum import IntEnum
from typing import Dict, Iterable, List, Tuple


class Stage(IntEnum):
    """When to mend a fault: each stage needs all stages before it."""

    INSTALLATION = 1
    WEIGHTS = 2
    FOLDERS = 3
    FILES = 4  # published files that are missing or damaged, to be downloaded again
    CONVERSION = 5  # output of the converters
    CONTENT = 6
    STATISTICS = 7


@dataclass(frozen=True)
class Finding:
    """A fault of one file.

    Attributes:
        stage: when to mend the fault.
        title: name of the fault, the same for every file that has it.
        file: the file or folder, or the part of the machine.
        found, expected: the state of the file, and the right state.
        mend: a command or an instruction that mends it.
        is_warning: the state works, but may not be intended.
    """

    stage: Stage
    title: str
    file: str
    found: str
    expected: str
    mend: str
    is_warning: bool = False


def in_order(findings: Iterable[Finding]) -> List[List[Finding]]:
    """Group findings with the same fault and the same repair, first stages first."""
    groups: Dict[Tuple, List[Finding]] = {}
    for one in sorted(findings, key=lambda finding: finding.stage):
        groups.setdefault((one.stage, one.title, one.expected, one.mend), []).append(one)
    return list(groups.values())
