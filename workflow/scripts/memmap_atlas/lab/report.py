"""Results of a lab in words: agreement, residuals that are off, and boots that failed."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from memmap_atlas.lab.residuals import Agreement, agreements, is_within
from memmap_atlas.lab.tables import TOLD_COLUMNS
from memmap_atlas.text.tables import Table, columns

Row = Mapping[str, Any]
# what the table has a column for; all that the kernel says of itself is one more
SHOWN = {
    "ram_bytes": "RAM",
    "present_pages": "present",
    "memmap_bytes": "memmap",
    "freed_bytes": "freed",
    "freed_in_place_bytes": "in place",
    "usage_bytes": "usage",
    "root_array_bytes": "roots",
    "root_page_bytes": "root pages",
    "page_table_bytes": "tables",
    "memmap_and_table_bytes": "with tables",
    "boot_request_bytes": "request",
    "boot_pages": "counter",
    "mapped_bytes": "ptdump",
}
TOLD = "parameters"
MOST_LISTED = 40
THREAD = ("thread-3g", "thread-4g")


def summary(residuals: Sequence[Row]) -> dict[str, dict[str, Agreement]]:
    """Return the agreement by kernel and column of the table, in order.

    ``parameters`` is for all that a boot tells of its kernel: it is off where one of them is.
    """
    parameters = {column for _, column, _ in TOLD_COLUMNS}
    columns = [dict(row) for row in residuals if row["quantity"] not in parameters]
    boots: dict[tuple[str, str], dict[str, Any]] = {}
    for row in residuals:
        if row["quantity"] in parameters:
            boot = boots.setdefault(
                (row["kernel"], row["map"]), {**row, "quantity": TOLD, "off": 0}
            )
            boot["off"] = boot["off"] or row["off"]
    columns += boots.values()
    table: dict[str, dict[str, Agreement]] = {}
    for (kernel, quantity), agreement in agreements(columns).items():
        table.setdefault(kernel, {})[quantity] = agreement
    return table


def agreement_table(observations: Sequence[Row], residuals: Sequence[Row]) -> list[str]:
    """Return a line for each kernel: its boots, the complete ones, and for each quantity how many
    agree to the byte, as exact/boots; +n are within the page that FLATMEM leaves open for each
    hole.
    """
    table = summary(residuals)
    heads = [*SHOWN.values(), TOLD]
    kernels = list(dict.fromkeys(row["kernel"] for row in observations))
    rows = []
    for kernel in kernels:
        mine = [row for row in observations if row["kernel"] == kernel]
        complete = sum(row["outcome"] == "complete" for row in mine)
        cells = [cell(table.get(kernel, {}).get(quantity)) for quantity in (*SHOWN, TOLD)]
        rows.append([kernel, str(len(mine)), str(complete), *cells])
    return columns(Table(["kernel", "boots", "complete", *heads], rows)).splitlines()


def cell(agreement: Agreement | None) -> str:
    """Write one cell: exact/boots, those within what is allowed, and the worst that is off."""
    if agreement is None:
        return "-"
    text = f"{agreement.exact}/{agreement.boots}"
    if agreement.within:
        text = f"{agreement.exact}+{agreement.within}/{agreement.boots}"
    return text if agreement.holds else f"{text} off {agreement.worst:+,}"


def faults(residuals: Sequence[Row]) -> list[str]:
    """Return a line for each residual that is off, the first MOST_LISTED of them; parameters that
    contradict kernels.yaml once for each kernel.
    """
    parameters = {column for _, column, _ in TOLD_COLUMNS}
    lines: dict[str, None] = {}
    for row in residuals:
        if is_within(row):
            continue
        values = f"{row['quantity']} {row['observed']:,}, not {row['predicted']:,}"
        if row["quantity"] in parameters:
            lines[f"{row['kernel']}: the kernel says {values} as kernels.yaml has it"] = None
        else:
            lines[f"{row['kernel']} on {row['map']}: booted {values} ({row['off']:+,})"] = None
    listed = list(lines)
    more = len(listed) - MOST_LISTED
    return listed[:MOST_LISTED] + ([f"and {more} more"] if more > 0 else [])


def failures(observations: Sequence[Row]) -> list[str]:
    """Return a line for each boot that is not complete, with its reason."""
    return [
        f"{row['kernel']} on {row['map']}: {row['outcome']}: {row['reason']}"
        for row in observations
        if row["outcome"] != "complete"
    ]


def thread_lines(observations: Sequence[Row]) -> list[str]:
    """Return the vmemmap part of kernel_page_tables on the maps of the thread of 2016."""
    return [
        f"{row['kernel']} on {row['map']}: {row['mapped_bytes']:,} bytes mapped"
        for row in observations
        if row["map"] in THREAD and row["mapped_bytes"] is not None
    ]


def boot_report(row: Row, residuals: Sequence[Row], folder: Path) -> list[str]:
    """Return the lines for one boot: each quantity as booted, computed, and the difference."""
    lines = [f"\n{row['kernel']} on {row['map']}: {row['outcome']} {row['reason']}".rstrip(), ""]
    if residuals:
        rows = [
            (
                residual["quantity"],
                *(f"{residual[key]:,}" for key in ("observed", "predicted", "off")),
                "" if is_within(residual) else "<-",
            )
            for residual in residuals
        ]
        lines += columns(Table(("", "booted", "computed", "off", ""), rows)).splitlines()
    return [*lines, "", f"log.gz, and boot.sh to boot it by hand, are in {folder}"]


def caption(observations: Sequence[Row], residuals: Sequence[Row], source: str) -> str:
    """Write the caption of the figure of computed against booted."""
    complete = sum(row["outcome"] == "complete" for row in observations)
    exact = sum(row["off"] == 0 for row in residuals)
    within = sum(row["off"] != 0 and is_within(row) for row in residuals)
    versions = sorted({row["qemu"].removeprefix("QEMU emulator ") for row in observations})
    return (
        "Left: bytes that a booted kernel keeps for its array of struct page, over what the "
        "arithmetic gives for the same memory map, one point a boot; on the line both are the "
        "same. Right: for each kernel and quantity how many boots show it, and whether all "
        "agree to the byte. RAM is the memory map as the kernel has it, present its pages in "
        "/proc/zoneinfo; memmap, freed (given back by free_unused_memmap()), usage maps, roots "
        "and root pages of mem_section, page tables of the vmemmap, and the largest request "
        "come from its log of early allocations (memblock=debug); counter is "
        "nr_memmap_boot_pages, ptdump the vmemmap part of kernel_page_tables; parameters are "
        "what the kernel says of itself against kernels.yaml. Where base pages were taken one "
        "by one, memmap and tables are known together only (with tables). A FLATMEM array "
        "starts anywhere in a page, and may free up to a page more for each hole than is "
        "computed; in place is what is freed of an array that starts where it did. "
        f"{len(observations):,} boots, {complete:,} of them complete; "
        f"{len(residuals):,} quantities, {exact:,} to the byte, {within:,} within the page a hole, "
        f"{len(residuals) - exact - within:,} off. {', '.join(versions)}. {source}"
    )
