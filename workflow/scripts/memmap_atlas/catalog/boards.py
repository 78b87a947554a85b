"""Memory maps of many boards, from the table config/boards.tsv."""

import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from memmap_atlas.documents.errors import Problem, refuse
from memmap_atlas.documents.yaml_loader import text_of
from memmap_atlas.memmodel.regions import HIGHEST_ADDRESS, Layout

HEAD = ["board", "arch", "regions"]
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,79}")
ARCH = re.compile(r"[a-z0-9_]{1,20}")
REGION = re.compile(r"0x([0-9a-f]{1,15})-0x([0-9a-f]{1,15})")


@dataclass(frozen=True)
class Board:
    """A board: its architecture, as the kernel's arch/ names it, and its RAM."""

    arch: str
    regions: Layout


def load_boards(path: Path) -> dict[str, Board]:
    """Return boards by name, from lines of name, architecture and half-open regions, separated by
    tabs.

    Raises InputError with all problems of the file.
    """
    boards: dict[str, Board] = {}
    wrong: list[Problem] = []

    def problem(line: int, text: str) -> None:
        wrong.append(Problem(f"{path.name}:{line}", (), text))

    lines = enumerate(text_of(path).splitlines(), start=1)
    table = [(number, line) for number, line in lines if not line.startswith("#")]
    if not table or table[0][1].split("\t") != HEAD:
        problem(table[0][0] if table else 1, f"the first line is {', '.join(HEAD)}, with tabs")
    for number, line in table[1:]:
        name, arch, text = (*line.split("\t"), "", "", "")[:3]
        matches = [REGION.fullmatch(word) for word in text.split()]
        regions = tuple((int(match[1], 16), int(match[2], 16)) for match in matches if match)
        edges = [edge for region in regions for edge in region]
        if not NAME.fullmatch(name) or name in boards:
            problem(number, f"{name!r} is no name of its own: lower-case letters, digits, dashes")
        elif not ARCH.fullmatch(arch):
            problem(number, f"{name} has no architecture: {arch!r} is none")
        elif not all(matches) or not matches:
            problem(number, f"{text!r} is no list of regions such as 0x0-0x80000000")
        elif edges and max(edges) > HIGHEST_ADDRESS:
            problem(number, f"{text!r} ends above {HIGHEST_ADDRESS:#x}")
        elif any(start >= end for start, end in regions):
            problem(number, f"{text!r} has an empty region: its end must lie above its start")
        elif any(end > start for (_, end), (start, _) in pairwise(regions)):
            problem(number, f"the regions {text!r} overlap, or are not in address order")
        boards.setdefault(name, Board(arch, regions))
    refuse(wrong)
    return boards
