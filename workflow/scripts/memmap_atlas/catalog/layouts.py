"""Layouts given as pairs of addresses."""

from collections.abc import Iterable
from itertools import pairwise

from memmap_atlas.documents.errors import Problem
from memmap_atlas.memmodel.regions import HIGHEST_ADDRESS, Layout
from memmap_atlas.text.labels import range_text


def layout_of(
    regions: Iterable[tuple[int, int]], file: str, path: tuple[str | int, ...]
) -> tuple[Layout, list[Problem]]:
    """Return ``regions``, (start, end) in bytes, in address order, and a problem for each that is
    empty, lies where no machine has memory, or overlaps another; ``file`` and ``path`` are their
    location in messages.
    """
    layout = tuple(sorted(regions))
    wrong = []
    for start, end in layout:
        region = f"the region {range_text((start, end))}"
        if start < 0:
            wrong.append(f"{region} starts below 0")
        elif end > HIGHEST_ADDRESS:
            wrong.append(
                f"{region} ends above {HIGHEST_ADDRESS:#x}, beyond what any machine addresses"
            )
        elif end <= start:
            wrong.append(f"{region} is empty: its end must lie above its start")
    for (start, end), following in pairwise(layout):
        if start < end and following[0] < end:
            texts = map(range_text, ((start, end), following))
            wrong.append(f"the regions {' and '.join(texts)} overlap")
    return layout, [Problem(file, path, text) for text in wrong]
