"""Census of device trees: boards that waste memmap, how much, and under which section size; with
the differences from the census of another list of boards.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from memmap_atlas.documents.errors import InputError
from memmap_atlas.memmodel.cost import cost
from memmap_atlas.memmodel.kernel import Kernel
from memmap_atlas.memmodel.regions import Layout, Regions
from memmap_atlas.readers.dispatch import read_file
from memmap_atlas.readers.memory_map import MemoryMap
from memmap_atlas.text.escape import plain_file
from memmap_atlas.text.tables import Section, Table
from memmap_atlas.text.units import size_text

MIB = 1 << 20
SECTION_SIZES = (1024 * MIB, 512 * MIB, 256 * MIB, 128 * MIB, 64 * MIB)
# sections alone: what a leaf rounds up by would be another question
MODEL = "sparsemem"
KERNEL = "arm64-5.10-4k"
MOST_NAMED = 40


@dataclass(frozen=True)
class Tree:
    """A device tree: the board's name, its file from the folder of all, and its RAM, or why it has
    none.
    """

    board: str
    file: str
    regions: Layout
    lack: str
    notes: tuple[str, ...] = ()


def board_name(arch: str, file: str) -> str:
    """Return the name of a source file's board in config/boards.tsv."""
    stem = re.sub(r"\.dt[bs]$", "", file.lower())
    return f"{arch}-{re.sub(r'[^a-z0-9]+', '-', stem)}".strip("-")


def trees_of(folder: Path, arch: str, threads: int) -> list[Tree]:
    """Read every device tree under a folder, in the order of their paths."""
    files = sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.suffix in (".dtb", ".dts") and path.is_file()
    )

    def tree(file: str) -> Tree:
        name, shown = board_name(arch, file), plain_file(file)
        try:
            memory = read_file(folder / file, shown).content
        except InputError as error:
            return Tree(name, shown, (), error.problems[0].text)
        assert isinstance(memory, MemoryMap)
        return Tree(name, shown, memory.regions, "", memory.notes)

    # a source waits for cpp and dtc
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(tree, files))


def waste(boards: Mapping[str, Layout], kernel: Kernel) -> pd.DataFrame:
    """Bytes of wasted memmap: a row for each board, a column for each of SECTION_SIZES."""
    ram = Regions.of(list(boards.values()))
    columns = {size: cost(ram, kernel.with_section(size), MODEL).wasted for size in SECTION_SIZES}
    return pd.DataFrame(columns, index=pd.Index(list(boards), name="board"))


def counted(wasted: pd.DataFrame) -> list[tuple[str, str, str, str]]:
    """For each section size: boards that waste any, more than 1 MiB, the worst, the sum of all."""
    rows = []
    for size in SECTION_SIZES:
        column = wasted[size]
        some, large = int((column > 0).sum()), int((column > MIB).sum())
        share = f"{some} ({100 * some / max(len(column), 1):.1f} %)"
        worst = int(column.max()) if len(column) else 0
        rows.append((share, str(large), mib(worst, 2), mib(int(column.sum()), 1)))
    return rows


def mib(size: int, digits: int) -> str:
    """Bytes in MiB."""
    return f"{size / MIB:,.{digits}f}"


# relation of a board to the other list
SAME, OTHER = "the same map in both", "another map here"
NO_VENDOR = "its vendor has no tree here: the platform is not built"
NO_TREE, NO_RAM = "no such tree here, others of its vendor are", "its tree here has no sized memory"
VARIANT = "not listed, a variant of a listed board (as built with overlays)"
NEW = "not listed"
RELATIONS = (SAME, OTHER, NO_VENDOR, NO_TREE, NO_RAM, VARIANT, NEW)


def relation(board: str, listed: Mapping[str, Layout], found: Mapping[str, Tree]) -> str:
    """Return how a board of one list relates to the other list."""
    if board not in listed:
        words = board.split("-")
        shorter = ("-".join(words[:count]) for count in range(3, len(words)))
        return VARIANT if any(name in listed for name in shorter) else NEW
    if board not in found:
        vendor = "-".join(board.split("-")[:2])
        return NO_TREE if any(name.startswith(f"{vendor}-") for name in found) else NO_VENDOR
    if found[board].lack:
        return NO_RAM
    return SAME if found[board].regions == listed[board] else OTHER


def census(
    trees: Sequence[Tree], listed: Mapping[str, Layout], kernel: Kernel
) -> tuple[pd.DataFrame, list[Section]]:
    """Tabulate every board of the trees and of the list with its waste in both, and sum it up.

    Of several trees of a board, as of its source beside what is built of it, the last with memory
    of a size counts.
    """
    found = {tree.board: tree for tree in sorted(trees, key=lambda tree: bool(tree.regions))}
    sized = {tree.board: tree.regions for tree in trees if tree.regions}
    here, there = waste(sized, kernel), waste(listed, kernel)
    boards = sorted({*sized, *listed})
    kinds = pd.Series({b: relation(b, listed, found) for b in boards}, name="relation", dtype=str)
    both = pd.concat({"trees": here, "list": there}, axis=1).reindex(boards)
    table = pd.DataFrame(index=pd.Index(boards, name="board"))
    table["relation"] = kinds
    table["file"] = [found[b].file if b in found else "" for b in boards]
    for of, maps in (("trees", sized), ("list", listed)):
        table[f"regions_{of}"] = [regions_text(maps.get(b, ())) for b in boards]
    for of in ("trees", "list"):
        for size in SECTION_SIZES:
            values = both[of, size].astype("Int64") if len(boards) else both[of, size]
            table[f"wasted_{of}_{size_text(size)}_bytes"] = values
    return table.reset_index(), list(report(trees, here, there, both, kinds))


def regions_text(regions: Layout) -> str:
    """Regions as config/boards.tsv writes them."""
    return " ".join(f"{start:#x}-{end:#x}" for start, end in regions)


def report(
    trees: Sequence[Tree],
    here: pd.DataFrame,
    there: pd.DataFrame,
    both: pd.DataFrame,
    kinds: "pd.Series[str]",
) -> Iterator[Section]:
    """Write the census in words and numbers, with the cause of each difference from the list."""
    lacking = [tree for tree in trees if tree.lack]
    reasons = pd.Series([re.sub(r"\d[\d,]*|0x[0-9a-f]+", "N", t.lack) for t in lacking], dtype=str)
    others = "The others:" if len(here) < len(trees) else "There are no others."
    lines = [f"{len(trees):,} device trees, {len(here):,} with memory of a size. {others}"]
    lines += [f"{count:,}: {text}" for text, count in reasons.value_counts().items()]
    if again := len(trees) - len(lacking) - len(here):
        lines.append(f"{again:,}: of a board that another tree is of")
    odd = [f"{tree.file}: {note}" for tree in trees for note in tree.notes if "overlaps" in note]
    lines += [f"Overlapping banks: {text}" for text in odd]
    heads = ("section", "boards that waste", "> 1 MiB", "worst, MiB", "sum, MiB")
    yield Section("Device trees", ["\n".join(lines)])
    for title, wasted in (("These trees", here), ("The list (config/boards.tsv)", there)):
        rows = [
            (size_text(size), *cells)
            for size, cells in zip(SECTION_SIZES, counted(wasted), strict=True)
        ]
        text = f"{len(wasted):,} boards; pages of 4 KiB, struct page of 64 bytes, sections alone."
        yield Section(f"{title}: wasted memmap", [text, Table(heads, rows)])
    yield differences(both, kinds)
    yield named(both, kinds)


def differences(both: pd.DataFrame, kinds: "pd.Series[str]") -> Section:
    """Tabulate the sums of both by the relation of their boards."""
    rows = []
    for kind in RELATIONS:
        mine = both[kinds == kind]
        cells = [
            f"{mib(int(mine['list', size].sum()), 1)} / {mib(int(mine['trees', size].sum()), 1)}"
            for size in SECTION_SIZES
        ]
        rows.append((kind, f"{len(mine):,}", *cells))
    cells = [
        f"{mib(int(both['list', size].sum()), 1)} / {mib(int(both['trees', size].sum()), 1)}"
        for size in SECTION_SIZES
    ]
    rows.append(("all", f"{len(both):,}", *cells))
    heads = ("board", "boards", *(size_text(size) for size in SECTION_SIZES))
    text = "Wasted memmap in MiB, list / trees, by how a board of one is found in the other."
    return Section("What tells the two apart", [text, Table(heads, rows)])


def named(both: pd.DataFrame, kinds: "pd.Series[str]") -> Section:
    """Tabulate the boards whose waste differs, largest differences first."""
    listed, here = (both[of].fillna(0).to_numpy(dtype=np.int64) for of in ("list", "trees"))
    off = here - listed
    total = np.abs(off).sum(axis=1)
    order = [index for index in np.argsort(-total, kind="stable").tolist() if total[index]]
    rows = [
        (both.index[index], kinds.iloc[index], *(f"{size / MIB:+,.2f}" for size in off[index]))
        for index in order[:MOST_NAMED]
    ]
    heads = ("board", "it is", *(size_text(size) for size in SECTION_SIZES))
    parts: list[str | Table] = [
        f"{len(order):,} boards waste more or less here than in the list; trees less list, MiB."
    ]
    if rows:
        parts.append(Table(heads, rows, names=2))
    if len(order) > MOST_NAMED:
        parts.append(f"and {len(order) - MOST_NAMED} more, in the table")
    return Section("Boards that make the difference", parts)
