"""Quantities: the byte columns of the results, in one table.

They form a sum: a map costs its memmap and what comes beside it, the memmap is what is needed and
what is wasted, and waste has three parts.

    total = memmap + section_table + usage + page_table
            memmap = needed + wasted
                              wasted = hole + edge + rounding

:class:`memmap_atlas.memmodel.cost.Cost` has an attribute for each, the table a column
``<name>_bytes``.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Quantity:
    """A number of bytes that is computed for each point.

    name: attribute of ``Cost``, and the column's name without ``_bytes``
    label: short name for figures and pages
    description: for the schema of the table
    part_of: the sum that it is a part of, "" for what is no part of the cost
    """

    name: str
    label: str
    description: str
    part_of: Literal["total", "memmap", "wasted", ""] = ""

    @property
    def column(self) -> str:
        """Name of its column."""
        return f"{self.name}_bytes"


# in the order of the table
QUANTITIES = (
    Quantity("needed", "needed", "whole RAM pages x struct page", "memmap"),
    Quantity("memmap", "memmap", "what stays allocated for struct pages after boot", "total"),
    Quantity("freed", "freed", "given back by free_unused_memmap() or by trimming"),
    Quantity(
        "wasted", "wasted", "memmap_bytes - needed_bytes, the sum of the next three", "memmap"
    ),
    Quantity("hole", "hole", "kept struct pages of pages between RAM", "wasted"),
    Quantity(
        "edge",
        "edge",
        "kept struct pages of pages before the first or after the last of RAM",
        "wasted",
    ),
    Quantity("rounding", "rounding", "the rest of the allocation", "wasted"),
    Quantity("section_table", "section table", "mem_section: roots and root pages", "total"),
    Quantity("usage", "usage maps", "mem_section_usage of the present sections", "total"),
    Quantity("page_table", "page tables", "page tables that map the vmemmap", "total"),
    Quantity(
        "boot_request",
        "boot request",
        "the largest single request for the memmap while booting",
    ),
)
# the columns before them: which point it is, and the rule that forbids it
POINT = {
    "kernel": "name of the kernel",
    "page_bytes": "its page, the granule",
    "section_bytes": "size of a section, the kernel's own or a what-if",
    "struct_page_bytes": "sizeof(struct page)",
    "model": "memory model",
    "selectable": "whether the kernel can be built with the model",
    "feasible": "whether no hard rule of the kernel forbids the point",
    "reason": "the rule that forbids the point; null where feasible",
}
NAMED = {quantity.name: quantity for quantity in QUANTITIES}


def parts_of(name: str) -> tuple[Quantity, ...]:
    """The quantities whose sum is ``name``: "total", "memmap" or "wasted"."""
    return tuple(quantity for quantity in QUANTITIES if quantity.part_of == name)


def smallest_parts(name: str = "total") -> tuple[Quantity, ...]:
    """The quantities that ``name`` sums, each sum among them taken apart, in the order of a bar:
    parts of the memmap first.
    """
    parts: list[Quantity] = []
    for quantity in parts_of(name):
        parts += smallest_parts(quantity.name) or (quantity,)
    return tuple(parts)
