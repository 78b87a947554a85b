"""Numbers that people gave in public, beside what is computed for them.

A quote is an entry of workflow/resources/quoted.yaml: who said which number where, what computes
it from which inputs, and what we hold of it. What we hold must follow from the two numbers, else
the file is refused: a change of the arithmetic is seen here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from memmap_atlas.documents.errors import ConfigError, Problem, nearest, noting, refuse
from memmap_atlas.documents.validate import problems
from memmap_atlas.documents.yaml_loader import load_yaml
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

AGREES, ROUNDS, WRONG, OPEN = "agrees", "rounds", "wrong", "can't be checked"
# in the order that people want to see them
VERDICTS = (WRONG, ROUNDS, AGREES, OPEN)
UNITS = {"bytes": "", "pages": " pages", "percent": " %"}
MIB = 1 << 20
COLUMNS = [
    ("name", pa.string(), "name of the quote"),
    ("question", pa.string(), "what the number is about"),
    ("who", pa.string(), "who gave it"),
    ("where", pa.string(), "where it is found again"),
    ("when", pa.string(), "when, as far as it is known"),
    ("says", pa.string(), "what was said, in other words"),
    ("input", pa.string(), "what it is computed from"),
    ("unit", pa.string(), "unit of the next three"),
    ("quoted", pa.float64(), "the number that was given"),
    ("computed", pa.float64(), "what is computed for it; null where nothing is"),
    ("difference", pa.float64(), "computed - quoted"),
    ("verdict", pa.string(), "agrees, rounds, wrong or can't be checked"),
    ("why", pa.string(), "why"),
]


@dataclass(frozen=True)
class Inputs:
    """What a quote is computed from: a kernel, and values in bytes; 0, () or "" where not given."""

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
    """One number that was given, and what is computed for it; see :data:`COLUMNS`."""

    name: str
    text: Mapping[str, str]
    quoted: Fraction
    computed: Fraction | None
    verdict: str

    def row(self) -> dict[str, Any]:
        """As a row of the table."""
        known = None if self.computed is None else float(self.computed)
        values = {
            **self.text,
            "name": self.name,
            "quoted": float(self.quoted),
            "computed": known,
            "difference": None if self.computed is None else float(self.computed - self.quoted),
            "verdict": self.verdict,
        }
        return {name: values[name] for name, _, _ in COLUMNS}


# --- what computes a number ---------------------------------------------------------------------


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
    """What of a namespace with its memmap in the device becomes RAM."""
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
    """What HVO gives back of one huge page."""
    kept = hvo_kept(Release.parse(given.release) or UNKNOWN)
    return int(hvo_saved(one(given.huge), given.known, kept)[0])


def shared(given: Inputs) -> int:
    """Struct pages of one huge page."""
    return int(vmemmap_of(one(given.huge), given.known)[0])


def dax_of_hvo(given: Inputs) -> Fraction:
    """What device-dax saves, of what HVO saves."""
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
    """What a range loses to blocks at both ends."""
    return int((lost(given).front + lost(given).back)[0])


def head(given: Inputs) -> int:
    """What lies before the data of a namespace."""
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


# --- from the file to quotes --------------------------------------------------------------------


def load_quotes(path: Path, kernels: Mapping[str, Kernel]) -> list[Quote]:
    """The quotes of a file, each with what is computed for it.

    Raises ConfigError with all problems: of its form, of kernels and inputs, and where the verdict
    that stands there is not the one that follows from the numbers.
    """
    content = load_yaml(path)
    refuse(problems(content, "quoted", path.name))
    quotes: list[Quote] = []
    wrong: list[Problem] = []
    for name, entry in content.items():
        with noting(wrong):
            quotes.append(quote(name, entry, kernels, path.name))
    refuse(wrong)
    return quotes


def quote(name: str, entry: Mapping[str, Any], kernels: Mapping[str, Kernel], file: str) -> Quote:
    """One quote from its entry. Raises ConfigError as :func:`load_quotes`."""
    given = inputs_of(name, entry, kernels, file)
    quoted = number(entry["quoted"])
    computed = None
    if "computes" in entry:
        computed = Fraction(CALCULATIONS[entry["computes"]][1](given))
    precision = number(entry.get("precision", 0))
    found = verdict(quoted, computed, precision, bound=entry.get("bound", False))
    if found != entry["verdict"]:
        text = f"{entry['verdict']!r}, but {shown(quoted)} beside {shown(computed)} is {found!r}"
        raise ConfigError([Problem(file, (name, "verdict"), text)])
    words = {key: entry.get(key, "") for key, kind, _ in COLUMNS[1:] if kind == pa.string()}
    return Quote(name, words | {"input": told(entry)}, quoted, computed, found)


def inputs_of(
    name: str, entry: Mapping[str, Any], kernels: Mapping[str, Kernel], file: str
) -> Inputs:
    """What an entry is computed from.

    Raises ConfigError where a kernel or a calculation is unknown, or the inputs are not those that
    the calculation takes.
    """

    def problem(key: str, text: str) -> ConfigError:
        return ConfigError([Problem(file, (name, key), text)])

    kernel = None
    if (called := entry.get("kernel")) is not None:
        if called not in kernels:
            raise problem("kernel", f"no kernel {called!r}{nearest(called, list(kernels))}")
        kernel = kernels[called]
    given = dict(entry.get("inputs", {}))
    named = {*given, *({"kernel"} if kernel else ())}
    calculation = entry.get("computes")
    if calculation is None:
        return Inputs(kernel)
    if calculation not in CALCULATIONS:
        hint = nearest(calculation, list(CALCULATIONS))
        text = f"no calculation {calculation!r}{hint}; there are {', '.join(CALCULATIONS)}"
        raise problem("computes", text)
    needed = CALCULATIONS[calculation][0]
    if named != set(needed):
        raise problem("inputs", f"{calculation} takes {', '.join(needed)}")
    release = given.pop("release", "")
    ram = tuple((parse_size(low), parse_size(high)) for low, high in given.pop("ram", ()))
    edges = [edge for region in ram for edge in region]
    if edges != sorted(edges) or len(set(ram)) < len(ram):
        raise problem("inputs", "ram has regions that overlap, or are not in address order")
    sizes = {key: parse_size(value) for key, value in given.items()}
    for key in ("size", "of", "block", "huge"):
        if sizes.get(key) == 0:
            raise problem("inputs", f"{key} is 0: it must be more")
    return Inputs(kernel, ram=ram, release=release, **sizes)


def number(value: float | str) -> Fraction:
    """A number as it is written, exact: 1.56, or a size such as 64MiB."""
    return Fraction(parse_size(value)) if isinstance(value, str) else Fraction(str(value))


def verdict(quoted: Fraction, computed: Fraction | None, precision: Fraction, bound: bool) -> str:
    """What follows from the numbers: the same; the same but for rounding to ``precision``; below a
    ``bound``; or wrong.
    """
    if computed is None:
        return OPEN
    if quoted == computed or (bound and computed < quoted):
        return AGREES
    return ROUNDS if not bound and abs(quoted - computed) <= precision / 2 else WRONG


def told(entry: Mapping[str, Any]) -> str:
    """Kernel and inputs in a line."""
    parts = [entry["kernel"]] if "kernel" in entry else []
    for key, value in entry.get("inputs", {}).items():
        if key == "ram":
            value = " ".join(f"{place(low)}-{place(high)}" for low, high in value)
        parts.append(f"{key} {place(value) if isinstance(value, int) else value}")
    return ", ".join(parts)


def place(value: int | str) -> str:
    """An address as people write it."""
    return hex(value) if isinstance(value, int) and value else str(value)


def shown(value: Fraction | None, unit: str = "") -> str:
    """A number for people: whole where it is, else four decimals; bytes in the largest unit that
    needs no more.
    """
    if value is None:
        return "nothing"
    if unit == "bytes":
        for name, size in (("GiB", 1 << 30), ("MiB", MIB), ("KiB", 1 << 10)):
            if abs(value) >= size:
                return f"{shown(value / size)} {name}"
        return f"{shown(value)} B"
    if value.denominator == 1:
        return f"{int(value):,}"
    return f"{float(value):,.4f}".rstrip("0")


def cell(value: Fraction | None, unit: str, *, signed: bool = False) -> str:
    """A number of the table, with its unit."""
    if value is None:
        return "-"
    sign = "+" if signed and value > 0 else ""
    return f"{sign}{shown(value, unit)}{UNITS[unit]}"


def lines(quotes: list[Quote]) -> list[list[str]]:
    """The table for people, its head first."""
    head = ["question", "who", "says", "quoted", "computed", "difference", "verdict", "why"]
    body = []
    for one_quote in quotes:
        text, unit = one_quote.text, one_quote.text["unit"]
        known = one_quote.computed
        difference = None if known is None else known - one_quote.quoted
        when = f", {text['when']}" if text["when"] else ""
        body.append(
            [
                text["question"],
                f"{text['who']} ({text['where']}{when})",
                text["says"],
                cell(one_quote.quoted, unit),
                cell(known, unit),
                cell(difference, unit, signed=True),
                one_quote.verdict,
                text["why"],
            ]
        )
    return [head, *body]


def as_markdown(quotes: list[Quote]) -> str:
    """The table as Markdown."""
    head, *body = lines(quotes)
    return piped(Table(head, body, names=len(head))) + "\n"


def as_text(quotes: list[Quote]) -> str:
    """A paragraph for each quote, those that are wrong first, and how many of each there are."""
    counts = {name: sum(one.verdict == name for one in quotes) for name in VERDICTS}
    paragraphs = [", ".join(f"{count} {name}" for name, count in counts.items())]
    for name in VERDICTS:
        for found in [one for one in quotes if one.verdict == name]:
            text, unit = found.text, found.text["unit"]
            when = f", {text['when']}" if text["when"] else ""
            known = cell(found.computed, unit)
            numbers = f"quoted {cell(found.quoted, unit)}, computed {known}"
            if found.computed is not None and found.computed != found.quoted:
                difference = cell(found.computed - found.quoted, unit, signed=True)
                numbers += f", difference {difference}"
            paragraphs.append(
                f"{found.name}: {name}\n  {text['who']}{when}: {text['says']}\n"
                f"  {numbers}\n  {text['why']}\n  {text['where']}"
            )
    return "\n\n".join(paragraphs) + "\n"
