"""Places where a map wastes memmap: sections and holes whose struct pages are kept for no RAM.

Part of the arithmetic, beside ``strips``: the same stretches, as ranges with the regions that
make the kernel keep them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from memmap_atlas.memmodel.backing import PARTS, stretches
from memmap_atlas.memmodel.cost import cost
from memmap_atlas.memmodel.kernel import Kernel
from memmap_atlas.memmodel.models import MODELS, Memmap, memmap_of
from memmap_atlas.memmodel.regions import LayoutLike, Regions, whole_pages

Kind = Literal["section", "hole", "edge", "rounding"]


@dataclass(frozen=True)
class Finding:
    """Bytes of memmap that are kept and are no struct page of RAM, in one place.

    kind:
        "section": of a present section what is no RAM, under models that have sections
        "hole": of a hole, under the others
        "edge": before the first region or behind the last one, to the end of a MAX_ORDER block,
            under the others
        "rounding": what no address has: the rest of leaves, pages and arrays of all the memmap
    wasted: bytes of struct pages, or of the rounding
    start, end: the section, hole or edge in bytes of address; None for rounding
    number: of the section, as the kernel counts them; None for the others
    ram: bytes of RAM in it, in whole pages
    regions: numbers of the regions that make the kernel keep it: those in the section, beside the
        hole, or at the edge
    """

    kind: Kind
    wasted: int
    start: int | None = None
    end: int | None = None
    number: int | None = None
    ram: int = 0
    regions: tuple[int, ...] = ()


def waste_findings(ram: LayoutLike, kernel: Kernel, model: str) -> list[Finding]:
    """All that a layout (regions of RAM in bytes) wastes, most bytes first, then by address.

    They sum to ``cost().wasted`` under every model. For discontigmem a page is counted once, and
    what arrays of near regions hold of it twice is rounding, as in ``cost``; so is what classic
    arrays of sections are rounded up by. Raises KeyError for an unknown model; rules that forbid a
    point are not looked at (``cost.infeasible``).
    """
    layout = Regions.of([ram])
    memmap = MODELS[model].build(layout, kernel)
    pages = [
        (number, -(-start // kernel.page_size), end // kernel.page_size)
        for number, (start, end) in enumerate(ram)
    ]
    pages = [(number, first, last) for number, first, last in pages if last > first]
    kept = without_ram(memmap, layout, kernel)
    if memmap.sections is None:
        findings = in_holes(kept, memmap, pages, kernel)
    else:
        findings = in_sections(kept, pages, kernel)
    rounding = int(cost(layout, kernel, model).rounding[0])
    if rounding:
        findings.append(Finding("rounding", rounding))

    def by_size(finding: Finding) -> tuple[int, bool, int]:
        return (-finding.wasted, finding.start is None, finding.start or 0)

    return sorted(findings, key=by_size)


# the number of a region, and its whole pages [first, last)
Pages = Sequence[tuple[int, int, int]]


def without_ram(memmap: Memmap, layout: Regions, kernel: Kernel) -> list[tuple[int, int]]:
    """Kept struct pages of no RAM: [start, end) in bytes of the memmap."""
    edges, part = stretches(memmap, memmap_of(whole_pages(layout, kernel.page_size), kernel))
    wasted = np.isin(part[:, 0], [PARTS.index(name) for name in ("hole", "edge")])
    return list(zip(edges[:-1, 0][wasted].tolist(), edges[1:, 0][wasted].tolist(), strict=True))


def in_sections(kept: Sequence[tuple[int, int]], pages: Pages, kernel: Kernel) -> list[Finding]:
    """Stretches of the memmap by the sections that they belong to."""
    wasted: dict[int, int] = {}
    each = kernel.section_memmap
    for start, end in kept:
        for number in range(start // each, -(-end // each)):
            part = min(end, (number + 1) * each) - max(start, number * each)
            wasted[number] = wasted.get(number, 0) + part
    findings = []
    for number, size in wasted.items():
        low, high = number * kernel.section_pages, (number + 1) * kernel.section_pages
        inner = [(region, max(first, low), min(last, high)) for region, first, last in pages]
        inner = [(region, first, last) for region, first, last in inner if last > first]
        findings.append(
            Finding(
                "section",
                size,
                start=number * kernel.section_size,
                end=(number + 1) * kernel.section_size,
                number=number,
                ram=sum(last - first for _, first, last in inner) * kernel.page_size,
                regions=tuple(region for region, _, _ in inner),
            )
        )
    return findings


def in_holes(
    kept: Sequence[tuple[int, int]], memmap: Memmap, pages: Pages, kernel: Kernel
) -> list[Finding]:
    """Stretches of the memmap by the holes and edges that they belong to."""
    wasted: dict[int, int] = {}
    starts = [first * kernel.struct_page_size for _, first, _ in pages]
    for start, end in kept:
        # how many regions lie below it
        below = int(np.searchsorted(starts, start))
        wasted[below] = wasted.get(below, 0) + end - start
    findings = []
    for below, size in wasted.items():
        beside = pages[max(below - 1, 0) : below + 1]
        # edges reach as far as the model's memmap does
        low = int(memmap.struct_pages.first[0]) // kernel.struct_page_size
        high = int(memmap.struct_pages.last[0]) // kernel.struct_page_size
        start = pages[below - 1][2] if below else low
        end = pages[below][1] if below < len(pages) else high
        findings.append(
            Finding(
                "hole" if 0 < below < len(pages) else "edge",
                size,
                start=start * kernel.page_size,
                end=end * kernel.page_size,
                regions=tuple(region for region, _, _ in beside),
            )
        )
    return findings
