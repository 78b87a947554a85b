"""memmap-atlas hotplug: the memory that adding one range of memory takes."""

import argparse
from pathlib import Path

import numpy as np

from memmap_atlas.catalog.kernels import SHIPPED, load_kernels, shipped_kernels
from memmap_atlas.catalog.lookup import lookup
from memmap_atlas.cli.arguments import address, layout
from memmap_atlas.documents.errors import InputError, Problem
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
from memmap_atlas.text.units import size_text


def run(asked: argparse.Namespace) -> int:
    """Print what adding the range takes. Raises InputError."""
    kernels = load_kernels(SHIPPED, Path(asked.kernels)) if asked.kernels else shipped_kernels()
    kernel = lookup(asked.kernel, kernels, "kernel", "--kernel")
    ((start, end),) = layout([asked.add], "--add")
    ram = layout([word for word in asked.ram.split(",") if word], "--ram")
    added = ranges(start, end - start)
    here = Regions.of([ram]) if ram else none_of(added)
    highest = ram[-1][1] if ram else 0
    block = address(asked.block, "--block") if asked.block else block_size(kernel, highest)
    if not block:
        wrong("--block", "a memory block of 0 bytes: expected a multiple of the section size")
    if reason := refused(added, here, kernel, block)[0]:
        lost = stranded(added.start[0], added.size, block)
        inner = int(lost.start[0]), int(lost.start[0] + lost.usable[0])
        if "block" in reason:
            reason += f" ({size_text(block)})"
        if "whole memory blocks" in reason and lost.usable[0]:
            reason += f"; its whole blocks are {inner[0]:#x}-{inner[1]:#x}"
        wrong("--add", f"{asked.kernel}: {reason}")
    print("\n".join(lines_of(asked, kernel, added, here, block)))
    return 0


def wrong(where: str, text: str) -> None:
    """Raise InputError with one problem."""
    raise InputError([Problem(where, (), text)])


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
        free = address(asked.free, "--free")
        if start % block or (ram.size[0] and start < int(ram.last[0])):
            wrong("--free", f"needs a range above RAM: {start:#x} is not")
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
