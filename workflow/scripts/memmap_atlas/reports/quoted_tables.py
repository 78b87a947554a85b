"""Tables beside the quoted numbers: the same questions by block size, page size and release.

Each function answers with rows of plain values, as they go into a CSV; bytes are whole numbers.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from memmap_atlas.memmodel.cost import cost
from memmap_atlas.memmodel.hotplug import (
    growth,
    hot_add,
    hot_add_on_memory,
    largest_range,
    memmap_on_memory,
    namespace_data,
    ranges,
    stranded,
    too_old,
    x86_block_size,
)
from memmap_atlas.memmodel.hugetlb import optimized
from memmap_atlas.memmodel.kernel import Kernel
from memmap_atlas.memmodel.regions import Layout, Regions
from memmap_atlas.reports.quoted import one

Row = dict[str, Any]
Kernels = Mapping[str, Kernel]
KIB, MIB, GIB, TIB = 1 << 10, 1 << 20, 1 << 30, 1 << 40

SHOWN = (
    "arm64-6.12-4k",
    "arm64-6.12-16k",
    "arm64-6.12-64k",
    "x86_64-6.12",
    "riscv64-6.12",
    "debian-6.1-powerpc64le",
)
BLOCKS = tuple(size * MIB for size in (16, 64, 128, 256, 512, 1024, 2048))
# a small machine, and where it is extended
SMALL, ABOVE = 512 * MIB, 4 * GIB
FREE = tuple(size * MIB for size in (32, 64, 128, 188, 192, 256, 1024, 2048))
WINDOWS = {
    # lkml.iu.edu 2503.0/03273; linux-arm-kernel 2020-July/589452
    "CXL window, 2025": (0xC050000000, 0x3CA0000000),
    "nvdimm, 2020": (0x240000000, 0xFFE00000),
}
# what a crash kernel is told of low RAM, by kexec on x86
LOW = (0x1000, 0xA0000)
RESERVED = tuple(size * MIB for size in (128, 192, 256, 512))
PLACES = {"on a section": 0x30000000, "16 MiB before one": 0x2F000000}
PERCENT = (0, 25, 50, 75, 90, 95, 99)


def blocks_of(kernel: Kernel) -> list[int]:
    """The block sizes that are whole sections."""
    return [size for size in BLOCKS if size % kernel.section_size == 0]


def needs(kernels: Kernels) -> list[Row]:
    """What must be free before a range is added: one block of each size, and 12 GiB in such."""
    rows: list[Row] = []
    ram = Regions.of([[(0, SMALL)]])
    for name in SHOWN:
        kernel = kernels[name]
        for block in blocks_of(kernel):
            for size in (block, 12 * GIB):
                added = ranges(ABOVE, size)
                plain = hot_add(added, ram, kernel)
                held = hot_add_on_memory(added, ram, kernel, block)
                many = size > block
                old = too_old(kernel, force=False, many=many)
                rows.append(
                    {
                        "kernel": name,
                        "page_bytes": kernel.page_size,
                        "block_bytes": block,
                        "range_bytes": size,
                        "memmap_bytes": int(plain.memmap[0]),
                        "usage_bytes": int(plain.usage[0]),
                        "root_page_bytes": int(plain.root_pages[0]),
                        "page_table_bytes": int(plain.page_table[0]),
                        "linear_table_bytes": int(plain.linear_table[0]),
                        "free_ram_bytes": int(plain.from_ram[0]),
                        "free_ram_memmap_on_memory_bytes": int(
                            (plain if old else held).from_ram[0]
                        ),
                    }
                )
    return rows


def largest(kernels: Kernels) -> list[Row]:
    """The largest range that free RAM can add in one go, and what a TiB takes step by step."""
    rows: list[Row] = []
    for name in SHOWN:
        kernel = kernels[name]
        block = max(kernel.section_size, 128 * MIB)
        free = np.array(FREE, dtype=np.int64)
        ram = Regions.of([[(0, SMALL)]] * len(free))
        sizes = largest_range(free, ABOVE, ram, kernel, block)
        for given, size in zip(FREE, sizes, strict=True):
            steps = growth(given, ABOVE, ram.columns(slice(1)), kernel, block, TIB)
            rows.append(
                {
                    "kernel": name,
                    "page_bytes": kernel.page_size,
                    "block_bytes": block,
                    "free_bytes": given,
                    "largest_range_bytes": int(size),
                    "times_free": round(int(size) / given, 2),
                    "steps_to_1_tib": len(steps),
                    "step_bytes": " ".join(str(step.size) for step in steps),
                }
            )
    return rows


def on_memory(kernels: Kernels) -> list[Row]:
    """Whether a block can hold its own memmap, and what of it that takes."""
    rows: list[Row] = []
    for name in SHOWN:
        kernel = kernels[name]
        blocks = np.array(blocks_of(kernel), dtype=np.int64)
        plain, forced = (memmap_on_memory(blocks, kernel, force=force) for force in (False, True))
        for place, block in enumerate(blocks):
            taken = int(plain.pages[place] + forced.reserved[place])
            rows.append(
                {
                    "kernel": name,
                    "page_bytes": kernel.page_size,
                    "pageblock_pages": kernel.pageblock_pages,
                    "block_bytes": int(block),
                    "block_pages": int(block) // kernel.page_size,
                    "memmap_pages": int(plain.pages[place]),
                    "refused": plain.reason[place],
                    "reserved_pages_forced": int(forced.reserved[place]),
                    "refused_forced": forced.reason[place],
                    "taken_percent_forced": round(100 * taken * kernel.page_size / int(block), 4),
                }
            )
    return rows


def alignment() -> list[Row]:
    """What windows of CXL and pmem lose to blocks of each size."""
    rows: list[Row] = []
    blocks = np.array(BLOCKS[2:], dtype=np.int64)
    for name, (start, size) in WINDOWS.items():
        starts, sizes = np.full_like(blocks, start), np.full_like(blocks, size)
        lost = stranded(starts, sizes, blocks)
        for place, block in enumerate(blocks):
            front, back = int(lost.front[place]), int(lost.back[place])
            rows.append(
                {
                    "window": name,
                    "start": hex(start),
                    "size_bytes": size,
                    "block_bytes": int(block),
                    "front_bytes": front,
                    "back_bytes": back,
                    "usable_bytes": int(lost.usable[place]),
                    "lost_percent": round(100 * (front + back) / size, 4),
                }
            )
    return rows


def x86_blocks(kernels: Kernels) -> list[Row]:
    """The memory block of x86_64 by where boot memory ends."""
    ends = np.array([32, 63, 64, 65, 66, 96, 128, 129], dtype=np.int64) * GIB
    ends = np.append(ends, 64 * GIB + 128 * MIB)
    section = kernels["x86_64-6.12"].section_size
    bare = x86_block_size(ends, section, virtual=False)
    guest = x86_block_size(ends, section, virtual=True)
    advised = x86_block_size(ends, section, virtual=False, advised=256 * MIB)
    return [
        {
            "boot_memory_end_bytes": int(ends[place]),
            "bare_metal_bytes": int(bare[place]),
            "virtual_machine_bytes": int(guest[place]),
            "advised_256mib_bytes": int(advised[place]),
        }
        for place in np.argsort(ends)
    ]


def namespaces(kernels: Kernels) -> list[Row]:
    """What of an nvdimm of 4 GiB is left as data, and as RAM, by page and block size."""
    rows: list[Row] = []
    start, size = WINDOWS["nvdimm, 2020"]
    for name in SHOWN[:3]:
        kernel = kernels[name]
        for held in (True, False):
            data, length = namespace_data(one(start), one(size), kernel, memmap_in_device=held)
            for block in BLOCKS[2:]:
                lost = stranded(data, length, block)
                rows.append(
                    {
                        "page_bytes": kernel.page_size,
                        "memmap": "in the device" if held else "in RAM",
                        "data_start": hex(int(data[0])),
                        "data_bytes": int(length[0]),
                        "block_bytes": block,
                        "ram_start": hex(int(lost.start[0])),
                        "ram_bytes": int(lost.usable[0]),
                        "lost_percent": round(100 * (1 - int(lost.usable[0]) / size), 4),
                    }
                )
    return rows


def crash_kernel(kernels: Kernels) -> list[Row]:
    """What a crash kernel spends on struct pages, by size and place of its reservation."""
    rows: list[Row] = []
    for name in ("x86_64-6.12", "arm64-6.12-4k", "arm64-6.12-64k", "arm64-5.10-4k"):
        kernel = kernels[name]
        low = [LOW] if kernel.arch == "x86_64" else []
        for size in RESERVED:
            for place, start in PLACES.items():
                taken = cost(
                    Regions.of([[*low, (start, start + size)]]), kernel, kernel.default_model
                )
                memmap = int(taken.memmap[0])
                rows.append(
                    {
                        "kernel": name,
                        "page_bytes": kernel.page_size,
                        "section_bytes": kernel.section_size,
                        "reserved_bytes": size,
                        "place": place,
                        "low_ram_bytes": sum(end - begin for begin, end in low),
                        "memmap_bytes": memmap,
                        "needed_bytes": int(taken.needed[0]),
                        "wasted_bytes": int(taken.wasted[0]),
                        "memmap_percent": round(100 * memmap / size, 4),
                    }
                )
    return rows


def huge_pages(kernels: Kernels, machines: Mapping[str, Layout]) -> list[Row]:
    """A machine with more and more of its RAM in optimized huge pages: what stays, and how much of
    it is waste.
    """
    rows: list[Row] = []
    kernel, machine = kernels["x86_64-6.12"], "ec2-xen"
    layout = Regions.of([machines[machine]])
    percent = np.array(PERCENT, dtype=np.int64)
    for huge in (2 * MIB, GIB):
        found = optimized(layout, kernel, huge, percent)
        for place, share in enumerate(PERCENT):
            kept, wasted = int(found.kept[place]), int(found.wasted[place])
            rows.append(
                {
                    "machine": machine,
                    "huge_page_bytes": huge,
                    "percent": share,
                    "huge_pages": int(found.pages[place]),
                    "saved_bytes": int(found.saved[place]),
                    "split_table_bytes": int(found.tables[place]),
                    "kept_bytes": kept,
                    "wasted_bytes": wasted,
                    "wasted_percent": round(100 * wasted / kept, 4),
                }
            )
    return rows


def tables(kernels: Kernels, machines: Mapping[str, Layout]) -> Iterator[tuple[str, list[Row]]]:
    """Every table, with its name."""
    yield "hot-add", needs(kernels)
    yield "hot-add-largest", largest(kernels)
    yield "memmap-on-memory", on_memory(kernels)
    yield "alignment", alignment()
    yield "x86-blocks", x86_blocks(kernels)
    yield "pmem", namespaces(kernels)
    yield "crash-kernel", crash_kernel(kernels)
    yield "huge-pages", huge_pages(kernels, machines)


def as_csv(rows: Sequence[Row]) -> str:
    """Rows as CSV: whole numbers whole, nothing for None."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(rows[0])
    writer.writerows(map(whole, row.values()) for row in rows)
    return text.getvalue()


def whole(value: Any) -> Any:
    """A float that is a whole number as one."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
