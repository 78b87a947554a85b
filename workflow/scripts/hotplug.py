"""Say what adding one range of memory takes: python workflow/scripts/hotplug.py --help."""

import argparse
import re
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
from memmap_atlas.catalog.kernels import load_kernels
from memmap_atlas.documents.errors import InputError, nearest
from memmap_atlas.memmodel.hotplug import (
    block_size,
    growth,
    hot_add,
    hot_add_on_memory,
    largest_range,
    memmap_on_memory,
    none_of,
    ranges,
    refused,
    stranded,
    too_old,
)
from memmap_atlas.memmodel.kernel import Kernel
from memmap_atlas.memmodel.regions import Regions
from memmap_atlas.text.labels import amount
from memmap_atlas.text.units import parse_size, size_text

KERNELS = Path(__file__).parents[2] / "config/kernels.yaml"
MOST = 1 << 57
EXAMPLE = "an example: --kernel arm64-6.12-4k --ram 0x0-0x10000000 --add 0x240000000-0x540000000"


class Wrong(Exception):
    """Mistake in the question, in one line."""


def address(text: str) -> int:
    """Parse an address or a size: 0x240000000, 4096, 128MiB. Raises Wrong."""
    try:
        value = int(text, 16) if text.lower().startswith("0x") else int(text)
    except ValueError:
        try:
            value = parse_size(text)
        except ValueError:
            raise Wrong(
                f"{text[:60]!r} is no address or size: write 0x240000000 or 128MiB"
            ) from None
    if not 0 <= value < MOST:
        raise Wrong(f"{text[:60]!r} is not within 0 and 128 PiB")
    return value


def region(text: str) -> tuple[int, int]:
    """Parse a half-open range such as 0x240000000-0x540000000. Raises Wrong."""
    match = re.fullmatch(r"([0-9A-Za-z]+)-([0-9A-Za-z]+)", text)
    if match is None:
        raise Wrong(f"{text[:60]!r} is no range: write start-end, half-open, as in 0x0-0x80000000")
    start, end = address(match[1]), address(match[2])
    if start >= end:
        raise Wrong(f"{text[:60]!r} is empty: its end must lie above its start")
    return start, end


def arguments(words: list[str]) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLE)
    parser.add_argument("--kernel", required=True, help="a kernel of config/kernels.yaml by name")
    parser.add_argument("--kernels", metavar="FILE", help="a file of your own in the same form")
    parser.add_argument("--add", required=True, metavar="RANGE", help="what is added, half-open")
    parser.add_argument(
        "--ram", default="", metavar="RANGES", help="RAM that is there, ranges with commas between"
    )
    parser.add_argument("--block", metavar="SIZE", help="the memory block; the kernel's own if not")
    parser.add_argument("--free", metavar="SIZE", help="free RAM: how much can be added with it")
    parser.add_argument(
        "--memmap-on-memory",
        nargs="?",
        const="on",
        choices=["on", "force"],
        help="each block holds its own memmap",
    )
    return parser.parse_args(words)


def chosen(name: str, own: str | None) -> Kernel:
    """Return the kernel of that name. Raises Wrong."""
    kernels = load_kernels(KERNELS, *([Path(own)] if own else []))
    if name not in kernels:
        raise Wrong(f"no kernel {name!r}{nearest(name, list(kernels))}")
    return kernels[name]


def answer(words: list[str]) -> list[str]:
    """Return the answer in lines. Raises Wrong or InputError."""
    asked = arguments(words)
    kernel = chosen(asked.kernel, asked.kernels)
    start, end = region(asked.add)
    ram = sorted(region(word) for word in asked.ram.split(",") if word)
    if any(below[1] > above[0] for below, above in pairwise(ram)):
        raise Wrong(f"the regions of --ram overlap: {asked.ram[:60]}")
    added = ranges(start, end - start)
    here = Regions.of([ram]) if ram else none_of(added)
    block = address(asked.block) if asked.block else block_size(kernel, ram[-1][1] if ram else 0)
    if not block:
        raise Wrong("a memory block of 0 bytes is none")
    if reason := refused(added, here, kernel, block)[0]:
        lost = stranded(added.start[0], added.size, block)
        inner = int(lost.start[0]), int(lost.start[0] + lost.usable[0])
        if "block" in reason:
            reason += f" ({size_text(block)})"
        if "whole memory blocks" in reason and lost.usable[0]:
            reason += f"; its whole blocks are {inner[0]:#x}-{inner[1]:#x}"
        raise Wrong(f"{asked.kernel}: {reason}")
    return lines_of(asked, kernel, added, here, block)


def lines_of(
    asked: argparse.Namespace, kernel: Kernel, added: Regions, ram: Regions, block: int
) -> list[str]:
    """Return the lines on a range that can be added."""
    size, start = int(added.size[0]), int(added.start[0, 0])
    plain = hot_add(added, ram, kernel)
    lines = [
        f"{asked.kernel}: {size // block:,} memory blocks of {size_text(block)},"
        f" {amount(size)} from {start:#x}",
        f"free RAM that it needs: {amount(int(plain.from_ram[0]))}",
    ]
    parts = {
        "struct pages": plain.memmap,
        "tables of the linear map": plain.linear_table,
        "tables of the vmemmap": plain.page_table,
        "usage maps and roots": plain.usage + plain.root_pages,
    }
    lines += [f"  {name}: {amount(int(part[0]))}" for name, part in parts.items()]
    if asked.memmap_on_memory:
        lines += own_memmap(kernel, added, ram, block, force=asked.memmap_on_memory == "force")
    if asked.free:
        free = address(asked.free)
        if start % block or (ram.size[0] and start < int(ram.last[0])):
            raise Wrong(f"--free needs a range above RAM: {start:#x} is not")
        most = largest_range(np.array([free], dtype=np.int64), start, ram, kernel, block)
        steps = growth(free, start, ram, kernel, block, size)
        lines.append(f"{amount(free)} free can add in one go: {amount(int(most[0]))}")
        if sum(step.size for step in steps) < size:
            lines.append("not even a block of it can be added")
        else:
            named = ", ".join(size_text(step.size) for step in steps)
            lines.append(f"each step online before the next, it takes {len(steps)}: {named}")
    return lines


def own_memmap(
    kernel: Kernel, added: Regions, ram: Regions, block: int, *, force: bool
) -> list[str]:
    """Return the lines on memmap_on_memory."""
    many = int(added.size[0]) > block
    held = memmap_on_memory(np.array([block], dtype=np.int64), kernel, force=force)
    if reason := too_old(kernel, force=force, many=many) or held.reason[0]:
        return [f"memmap_on_memory is not used: {reason}"]
    added_on_memory = hot_add_on_memory(added, ram, kernel, block, force=force)
    pages, reserved = int(held.pages[0]), int(held.reserved[0])
    return [
        f"with memmap_on_memory: {amount(int(added_on_memory.from_ram[0]))} of free RAM;"
        f" of each block {pages:,} pages hold its struct pages, {reserved:,} fill a pageblock",
        f"  usable of the range: {amount(int(added_on_memory.usable[0]))}",
    ]


def main() -> None:
    """Print the answer, or one line with exit code 1."""
    try:
        print("\n".join(answer(sys.argv[1:])))
    except (Wrong, InputError) as error:
        sys.exit(f"hotplug: {error}")


if __name__ == "__main__":
    main()
