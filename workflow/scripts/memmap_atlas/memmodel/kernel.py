"""A kernel: the parameters of one release, architecture and page size that decide what its memmap
costs.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

FreeVariant = Literal["max-order", "max-order-truncated", "max-order-flatmem", "pageblock"]


@dataclass(frozen=True)
class Kernel:
    """Parameters of a kernel; sizes in bytes. What each one means is said in config/README.md.

    ``page_tables`` lists the levels that may have to be made for the vmemmap, lowest first and
    without the top one, as (bytes of address space that one table covers, bytes of the table).
    ``memstart_align`` 0 says that the vmemmap is indexed from pfn 0.
    """

    arch: str
    release: str
    page_size: int
    section_size: int
    max_physmem_bits: int
    va_bits: int
    struct_page_size: int
    max_order_pages: int
    pageblock_pages: int
    mem_section_size: int
    section_roots: Literal["extreme", "static"]
    usage_header_size: int
    vmemmap_leaf: int
    section_buffer: bool
    free_unused_memmap: FreeVariant
    models: tuple[str, ...]
    default_model: str
    long_size: int
    pmd_size: int
    subsection_map: bool
    section_flags_bits: int
    memstart_align: int
    vmemmap_below: int
    tables_below: bool
    pageblock_bits: int
    leaf_record_size: int
    leaf_needs_ram: int
    ram_limit: int
    page_tables: tuple[tuple[int, int], ...]

    def with_section(self, section_size: int) -> "Kernel":
        """The kernel with another SECTION_SIZE_BITS."""
        return replace(self, section_size=section_size)

    @property
    def max_order_size(self) -> int:
        """Bytes of RAM in a MAX_ORDER block."""
        return self.max_order_pages * self.page_size

    @property
    def pageblock_size(self) -> int:
        """Bytes of RAM in a pageblock."""
        return self.pageblock_pages * self.page_size

    @property
    def section_pages(self) -> int:
        """PAGES_PER_SECTION."""
        return self.section_size // self.page_size

    @property
    def section_memmap(self) -> int:
        """Bytes of struct pages of one section."""
        return self.section_pages * self.struct_page_size


def kernel_values(kernel: Kernel) -> dict[str, Any]:
    """The kernel in native types, as YAML, JSON and Snakemake's params take them."""
    return asdict(kernel) | {
        "models": list(kernel.models),
        "page_tables": [list(level) for level in kernel.page_tables],
    }


def kernel_from(values: Mapping[str, Any]) -> Kernel:
    """The kernel whose :func:`kernel_values` are ``values``."""
    tables = tuple((covers, size) for covers, size in values["page_tables"])
    return Kernel(**{**values, "models": tuple(values["models"]), "page_tables": tables})


def default_page_tables(page_size: int, va_bits: int) -> tuple[tuple[int, int], ...]:
    """Levels of page tables below the top one: tables of a page, with entries of 8 bytes.

    include/asm-generic and arch/arm64/include/asm/pgtable-hwdef.h: each level resolves PAGE_SHIFT -
    3 bits.
    """
    entries = page_size // 8
    covers, levels = page_size * entries, []
    while covers < 1 << va_bits:
        levels.append((covers, page_size))
        covers *= entries
    return tuple(levels)
