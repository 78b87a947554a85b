"""Numbers that people quoted in public, beside the numbers that the library computes for them.

tests/golden/quoted.yaml has an entry for each: who gave which number where, the calculation and its
inputs, and our verdict. `python -m tests.tools.quoted_numbers` writes docs/quoted-numbers.md.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import yaml
from memmap_atlas.catalog.kernels import load_kernels
from memmap_atlas.memmodel.cost import cost
from memmap_atlas.memmodel.hotplug import (
    HotAdd,
    Stranded,
    hot_add,
    largest_range,
    memmap_on_memory,
    namespace_data,
    ranges,
    stranded,
    x86_block_size,
)
from memmap_atlas.memmodel.hugetlb import dax_saved, hvo_kept, hvo_saved, vmemmap_of
from memmap_atlas.memmodel.kernel import Kernel
from memmap_atlas.memmodel.regions import Ints, Regions
from memmap_atlas.memmodel.release import UNKNOWN, Release
from memmap_atlas.text.tables import Table, piped
from memmap_atlas.text.units import parse_size

from tests.tools.paths import GOLDEN, ROOT

FILE = GOLDEN / "quoted.yaml"
PAGE = ROOT / "docs/quoted-numbers.md"
UNITS = {"bytes": "", "pages": " pages", "percent": " %"}
KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30


@dataclass(frozen=True)
class Inputs:
    """Inputs of a calculation: a kernel, and sizes in bytes; 0, () or "" where not given."""

    kernel: Kernel | None
    start: int = 0
    size: int = 0
    ram: tuple[tuple[int, int], ...] = ()
    of: int = 0
    free: int = 0
    block: int = 0
    huge: int = 0
    release: str = ""

    @property
    def known(self) -> Kernel:
        """The kernel, where one is needed."""
        assert self.kernel is not None
        return self.kernel

    @property
    def layout(self) -> Regions:
        """RAM, as one layout."""
        return Regions.of([self.ram])


@dataclass(frozen=True)
class Quote:
    """A quoted number and the one computed for it, both in the entry's unit.

    verdict: follows from the two numbers
    """

    name: str
    entry: Mapping[str, Any]
    quoted: Fraction
    computed: Fraction
    verdict: str


def one(value: int) -> Ints:
    """A value as an array of one."""
    return np.array([value], dtype=np.int64)


def added(given: Inputs) -> HotAdd:
    """The range beside RAM."""
    return hot_add(ranges(given.start, given.size), given.layout, given.known)


def lost(given: Inputs) -> Stranded:
    """The range in blocks."""
    return stranded(one(given.start), one(given.size), given.block)


def kmem(given: Inputs) -> int:
    """Bytes of a namespace with its memmap in the device that become RAM."""
    data, size = namespace_data(one(given.start), one(given.size), given.known)
    return int(stranded(data, size, given.block).usable[0])


def room_for(given: Inputs) -> int:
    """RAM of one region from 0, in whole MiB, that holds ``size`` bytes beside its struct pages."""
    tries = given.size + np.arange(0, given.size // 32 + 256 * MIB, MIB, dtype=np.int64)
    layouts = Regions(np.zeros((1, len(tries)), dtype=np.int64), tries[None])
    left = tries - cost(layouts, given.known, "vmemmap").memmap
    return int(tries[left >= given.size][0])


def percent(part: int, whole: int) -> Fraction:
    """``part`` in per cent of ``whole``."""
    return Fraction(100 * part, whole)


def saved(given: Inputs) -> int:
    """Bytes that HVO frees for one huge page."""
    kept = hvo_kept(Release.parse(given.release) or UNKNOWN)
    return int(hvo_saved(one(given.huge), given.known, kept)[0])


def shared(given: Inputs) -> int:
    """Struct pages of one huge page."""
    return int(vmemmap_of(one(given.huge), given.known)[0])


def dax_of_hvo(given: Inputs) -> Fraction:
    """Savings of device-dax as a share of those of HVO."""
    huge = one(given.huge)
    return percent(int(dax_saved(huge, given.known)[0]), int(hvo_saved(huge, given.known)[0]))


def largest(given: Inputs) -> int:
    """The largest range that the free RAM can add in one go."""
    found = largest_range(one(given.free), given.start, given.layout, given.known, given.block)
    return int(found[0])


def x86_block(given: Inputs) -> int:
    """The block of bare metal with boot memory of ``size``."""
    return int(x86_block_size(one(given.size), given.known.section_size, virtual=False)[0])


def on_memory(given: Inputs) -> tuple[int, int]:
    """Pages that a block's memmap takes of it, and those that force adds."""
    held = memmap_on_memory(one(given.block), given.known, force=True)
    return int(held.pages[0]), int(held.reserved[0])


def memmap(given: Inputs) -> int:
    """Memmap that stays on a map."""
    return int(cost(given.layout, given.known, given.known.default_model).memmap[0])


def without_ram(given: Inputs) -> int:
    """Struct pages that a map has for no RAM: what the kernel counts in unavailable ranges."""
    known = cost(given.layout, given.known, given.known.default_model)
    return int(known.hole[0] + known.edge[0]) // given.known.struct_page_size


def both(given: Inputs) -> int:
    """Bytes that a range loses to blocks at both ends."""
    return int((lost(given).front + lost(given).back)[0])


def head(given: Inputs) -> int:
    """Bytes before the data of a namespace."""
    data, _ = namespace_data(one(given.start), one(given.size), given.known)
    return int(data[0]) - given.start


RANGE = ("kernel", "start", "size", "ram")
WINDOW = ("start", "size", "block")
# by name: what it needs, and what computes it
CALCULATIONS: dict[str, tuple[tuple[str, ...], Callable[[Inputs], int | Fraction]]] = {
    "hot-add-memmap": (RANGE, lambda given: int(added(given).memmap[0])),
    "hot-add-need": (RANGE, lambda given: int(added(given).from_ram[0])),
    "hot-add-percent": (
        (*RANGE, "of"),
        lambda given: percent(int(added(given).memmap[0]), given.of),
    ),
    "largest-range": (("kernel", "free", "start", "ram", "block"), largest),
    "room-for": (("kernel", "size"), room_for),
    "on-memory-pages": (("kernel", "block"), lambda given: on_memory(given)[0]),
    "on-memory-reserved": (("kernel", "block"), lambda given: on_memory(given)[1]),
    "on-memory-lost": (
        ("kernel", "block"),
        lambda given: on_memory(given)[1] * given.known.page_size,
    ),
    "size": (("size",), lambda given: given.size),
    "stranded-front": (WINDOW, lambda given: int(lost(given).front[0])),
    "stranded-back": (WINDOW, lambda given: int(lost(given).back[0])),
    "stranded-both": (WINDOW, both),
    "stranded-percent": (WINDOW, lambda given: percent(both(given), given.size)),
    "x86-block": (("kernel", "size"), x86_block),
    "namespace-head": (("kernel", "start", "size"), head),
    "kmem-usable": (("kernel", *WINDOW), kmem),
    "memmap": (("kernel", "ram"), memmap),
    "pages-without-ram": (("kernel", "ram"), without_ram),
    "struct-pages": (("kernel", "huge"), shared),
    "struct-page-pages": (
        ("kernel", "huge"),
        lambda given: Fraction(shared(given), given.known.page_size),
    ),
    "hvo-pages": (
        ("kernel", "huge", "release"),
        lambda given: saved(given) // given.known.page_size,
    ),
    "hvo-saves": (
        ("kernel", "huge", "of", "release"),
        lambda given: saved(given) * (given.of // given.huge),
    ),
    "hvo-percent": (
        ("kernel", "huge", "release"),
        lambda given: percent(saved(given), shared(given)),
    ),
    "dax-of-hvo": (("kernel", "huge"), dax_of_hvo),
}


def load_quotes(kernels: Mapping[str, Kernel]) -> list[Quote]:
    """Return the quotes of the file, each with the number that is computed for it."""
    entries = yaml.safe_load(FILE.read_text())
    return [quote(name, entry, kernels) for name, entry in entries.items()]


def quote(name: str, entry: Mapping[str, Any], kernels: Mapping[str, Kernel]) -> Quote:
    """Return one quote from its entry."""
    needed, calculation = CALCULATIONS[entry["computes"]]
    given = dict(entry["inputs"])
    assert {*given, *({"kernel"} & {*entry})} == {*needed}, name
    release = given.pop("release", "")
    ram = tuple((parse_size(low), parse_size(high)) for low, high in given.pop("ram", ()))
    kernel = kernels[entry["kernel"]] if "kernel" in entry else None
    sizes = {key: parse_size(value) for key, value in given.items()}
    quoted = number(entry["quoted"])
    computed = Fraction(calculation(Inputs(kernel, ram=ram, release=release, **sizes)))
    precision = number(entry.get("precision", 0))
    follows = verdict(quoted, computed, precision, bound=entry.get("bound", False))
    return Quote(name, entry, quoted, computed, follows)


def number(value: float | str) -> Fraction:
    """Return a number as it is written, exactly: 1.56, or a size such as 64MiB."""
    return Fraction(parse_size(value)) if isinstance(value, str) else Fraction(str(value))


def verdict(quoted: Fraction, computed: Fraction, precision: Fraction, bound: bool) -> str:
    """Return "agrees" where the numbers are equal, or where the computed one is below a ``bound``;
    "rounds" where they differ by half of ``precision`` at most; "wrong" otherwise.
    """
    if quoted == computed or (bound and computed < quoted):
        return "agrees"
    return "rounds" if not bound and abs(quoted - computed) <= precision / 2 else "wrong"


def shown(value: Fraction, unit: str = "") -> str:
    """Return a number for people: whole where it is, else four decimals; bytes in the largest unit
    that needs no more.
    """
    if unit == "bytes":
        for name, size in (("GiB", GIB), ("MiB", MIB), ("KiB", KIB)):
            if abs(value) >= size:
                return f"{shown(value / size)} {name}"
        return f"{shown(value)} B"
    if value.denominator == 1:
        return f"{int(value):,}"
    return f"{float(value):,.4f}".rstrip("0")


def cell(value: Fraction, unit: str, *, signed: bool = False) -> str:
    """Return a number of the page, with its unit."""
    sign = "+" if signed and value > 0 else ""
    return f"{sign}{shown(value, unit)}{UNITS[unit]}"


def page(quotes: list[Quote]) -> str:
    """Return docs/quoted-numbers.md."""
    counts = {name: sum(one.verdict == name for one in quotes) for name in VERDICTS}
    head = ["who", "where", "quoted", "computed", "difference", "verdict", "why"]
    agree, rounded, wrong = (counts[name] for name in ("agrees", "rounds", "wrong"))
    text = f"""# Quoted numbers

{len(quotes)} numbers about struct pages that were given in public, or follow from a quoted rule,
beside the numbers that the arithmetic of memory hotplug, pmem, crash kernels and HugeTLB computes:
{agree} agree, {rounded} are rounded, {wrong} are wrong. The wrong ones come first.

Each number is a test: `tests/unit/test_quoted.py` computes it from the inputs in
`tests/golden/quoted.yaml`, and `python -m tests.tools.quoted_numbers` writes this page.
"""
    for name in VERDICTS:
        rows = [row(one) for one in quotes if one.verdict == name]
        text += f"\n## {name.capitalize()}\n\n{piped(Table(head, rows, names=len(head)))}\n"
    return text


# in the order of the page
VERDICTS = ("wrong", "rounds", "agrees")


def row(quoted: Quote) -> list[str]:
    """Return the row of a quote."""
    entry, unit = quoted.entry, quoted.entry["unit"]
    when = f", {entry['when']}" if "when" in entry else ""
    return [
        f"{entry['who']}: {entry['says']}",
        f"{entry['where']}{when}",
        cell(quoted.quoted, unit),
        cell(quoted.computed, unit),
        cell(quoted.computed - quoted.quoted, unit, signed=True),
        quoted.verdict,
        entry["why"],
    ]


if __name__ == "__main__":
    PAGE.write_text(page(load_quotes(load_kernels(ROOT / "config/kernels.yaml"))))
