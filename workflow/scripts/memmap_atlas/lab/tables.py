"""The lab's tables: observations, one row for each boot, and residuals, one for each quantity."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from memmap_atlas.memmodel.regions import Layout
from memmap_atlas.sweep.tables import schema

REGIONS = pa.list_(pa.struct([("start", pa.int64()), ("end", pa.int64())]))
BOOT_COLUMNS = [
    ("kernel", pa.string(), "name of the kernel in kernels.yaml or lab-kernels.yaml"),
    ("map", pa.string(), "name of the memory map"),
    ("arch", pa.string(), "architecture, as kernels.yaml names it"),
    ("model", pa.string(), "memory model that the kernel is built with"),
    ("package", pa.string(), "Debian package that the image or its source comes from, or a file"),
    ("version", pa.string(), "its version"),
    ("image_sha256", pa.string(), "digest of the image that was booted"),
    ("qemu", pa.string(), "QEMU's version"),
    ("cpu", pa.string(), "the CPU that QEMU emulated"),
    ("told", REGIONS, "RAM that the machine had, as it was told to the kernel"),
    ("outcome", pa.string(), "complete; or refused, hung, panicked, stopped"),
    ("reason", pa.string(), "why it is not complete; empty where it is"),
    ("log_sha256", pa.string(), "digest of the boot log; empty where there was no boot"),
]
# what the log shows, from an Observation: attribute, column, meaning; null where it does not say
SEEN_COLUMNS = [
    ("memmap", "memmap_bytes", "what stays allocated for struct pages after boot"),
    ("freed", "freed_bytes", "given back by free_unused_memmap()"),
    ("usage", "usage_bytes", "mem_section_usage of the present sections"),
    ("root_array", "root_array_bytes", "array of mem_section roots"),
    ("root_pages", "root_page_bytes", "root pages"),
    ("page_table", "page_table_bytes", "page tables that map the vmemmap"),
    (
        "memmap_and_tables",
        "memmap_and_table_bytes",
        "memmap and its page tables together; where base pages are taken one by one, only this",
    ),
    ("boot_request", "boot_request_bytes", "the largest single request for the memmap"),
    ("array", "array_address", "where the array of FLATMEM starts"),
    ("boot_pages", "boot_pages", "nr_memmap_boot_pages of /proc/vmstat"),
    ("mapped", "mapped_bytes", "the vmemmap part of kernel_page_tables"),
    ("present", "present_pages", "pages of RAM in all zones, as /proc/zoneinfo says"),
    ("block", "block_bytes", "a memory block, as sysfs says"),
]
# what the kernel says of itself: a value of Kernel, column, meaning
TOLD_COLUMNS = [
    ("page_size", "page_bytes", "the granule"),
    ("section_size", "section_bytes", "2^SECTION_SIZE_BITS"),
    ("struct_page_size", "struct_page_bytes", "sizeof(struct page)"),
    ("mem_section_size", "mem_section_bytes", "sizeof(struct mem_section)"),
    ("max_physmem_bits", "max_physmem_bits", "MAX_PHYSMEM_BITS"),
    ("va_bits", "va_bits", "bits of virtual address as it runs"),
    ("max_order_pages", "max_order_pages", "MAX_ORDER_NR_PAGES"),
    ("pageblock_pages", "pageblock_pages", "pageblock_nr_pages"),
]
OBSERVATIONS = [
    *BOOT_COLUMNS,
    ("regions", REGIONS, "RAM as the kernel has it, whole pages"),
    ("buffer_refused", pa.bool_(), "whether the memmap of all sections at once was refused"),
    *((column, pa.int64(), text) for _, column, text in SEEN_COLUMNS),
    *((column, pa.int64(), text) for _, column, text in TOLD_COLUMNS),
]
RESIDUALS = [
    ("kernel", pa.string(), "name of the kernel"),
    ("arch", pa.string(), "architecture"),
    ("model", pa.string(), "memory model"),
    ("map", pa.string(), "name of the memory map"),
    ("quantity", pa.string(), "column of the observations"),
    ("observed", pa.int64(), "what the boot shows"),
    ("predicted", pa.int64(), "what the arithmetic gives, or kernels.yaml says"),
    ("off", pa.int64(), "observed - predicted"),
    ("allowed", pa.int64(), "how far off it may be: a page for each hole of a FLATMEM array"),
]


def regions_column(regions: Layout) -> list[dict[str, int]]:
    """Regions as a value of a table."""
    return [{"start": start, "end": end} for start, end in regions]


def layout_of(value: Sequence[Mapping[str, int]]) -> Layout:
    """Regions from a value of a table."""
    return tuple((region["start"], region["end"]) for region in value)


def write_rows(
    path: Path,
    rows: Sequence[Mapping[str, Any]],
    columns: Sequence[tuple[str, pa.DataType, str]],
    metadata: dict[str, str],
) -> None:
    """Write rows as parquet, with a description of each column in the file."""
    form = schema(columns, metadata)
    pq.write_table(pa.Table.from_pylist(list(rows), schema=form), path, compression="zstd")


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a table."""
    rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    return rows
