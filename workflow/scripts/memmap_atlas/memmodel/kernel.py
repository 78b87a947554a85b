"""Kernels: the parameters of one release, architecture and page size that decide what its memmap
costs.

:class:`Kernel` is the table of these values: each field is annotated with a :class:`Parameter`, its
meaning and what it accepts, from which come the form of config/kernels.yaml and the table of
config/README.md. A new value is a field here, its use in a rule, and its values in
config/kernels.yaml.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any, Literal, get_args, get_type_hints

FreeVariant = Literal["max-order", "max-order-truncated", "max-order-flatmem", "pageblock"]
Roots = Literal["extreme", "static"]
Kind = Literal["size", "number", "flag", "choice", "text", "model", "models", "levels"]


@dataclass(frozen=True)
class Parameter:
    """Meaning and accepted form of one value of a kernel.

    kind: how files write it; a size is in bytes or as 64MiB
    low, high, multiple: bounds of a number, both included, and what it is a multiple of
    options: all values of a choice
    pattern: regular expression of a text
    power_of_two, whole_pages: checks of a size
    derived: computes the value from the others where a file gives none
    absent: the value where a file gives none, in words where its digits do not say enough
    default: the field's own default; None where a file gives the value or it is derived
    """

    kind: Kind
    meaning: str
    low: int = 0
    high: int = 0
    multiple: int = 1
    options: tuple[str | int, ...] = ()
    pattern: str = ""
    power_of_two: bool = False
    whole_pages: bool = False
    derived: Callable[[Mapping[str, Any]], Any] | None = None
    absent: str = ""
    default: Any = None

    @property
    def needed(self) -> bool:
        """True where a kernel's entry, or one that it extends, has to give the value."""
        return self.default is None and self.derived is None

    @property
    def description(self) -> str:
        """The meaning, and the value where a file gives none."""
        if self.needed:
            return self.meaning
        plain = str(self.default).lower() if self.default or self.kind == "flag" else "none"
        return f"{self.meaning}; {self.absent or plain} where not given"


def size(meaning: str, **properties: Any) -> Parameter:
    """A number of bytes."""
    return Parameter("size", meaning, **properties)


def number(meaning: str, low: int, high: int, **properties: Any) -> Parameter:
    """A whole number from ``low`` to ``high``."""
    return Parameter("number", meaning, low, high, **properties)


def choice(meaning: str, *options: str | int, **properties: Any) -> Parameter:
    """One of ``options``."""
    return Parameter("choice", meaning, options=options, **properties)


def flag(meaning: str, **properties: Any) -> Parameter:
    """True or false."""
    return Parameter("flag", meaning, **properties)


@dataclass(frozen=True, kw_only=True)
class Kernel:
    """Parameters of a kernel; sizes in bytes."""

    arch: Annotated[
        str,
        Parameter(
            "text", "architecture, as the kernel's arch/ names it", pattern="^[a-z0-9_]{1,20}$"
        ),
    ]
    release: Annotated[
        str,
        Parameter(
            "text", "release of Linux, as text", pattern="^[A-Za-z0-9][A-Za-z0-9._+~-]{0,63}$"
        ),
    ]
    page_size: Annotated[int, size("PAGE_SIZE, the granule", power_of_two=True)]
    section_size: Annotated[
        int,
        size("bytes of RAM in a section, 2^SECTION_SIZE_BITS", power_of_two=True, whole_pages=True),
    ]
    max_physmem_bits: Annotated[int, number("MAX_PHYSMEM_BITS, bits of a physical address", 20, 57)]
    va_bits: Annotated[int, number("bits of virtual address as it runs", 20, 64)]
    struct_page_size: Annotated[int, number("sizeof(struct page), in bytes", 4, 256, multiple=4)]
    max_order_pages: Annotated[
        int, number("MAX_ORDER_NR_PAGES, pages of a MAX_ORDER block", 1, 1 << 20)
    ]
    pageblock_pages: Annotated[int, number("pageblock_nr_pages, pages of a pageblock", 1, 1 << 20)]
    mem_section_size: Annotated[int, number("sizeof(struct mem_section), in bytes", 4, 256)]
    section_roots: Annotated[
        Roots, choice("SPARSEMEM_EXTREME or SPARSEMEM_STATIC", *get_args(Roots))
    ]
    usage_header_size: Annotated[
        int, number("bytes of mem_section_usage before its bitmaps", 0, 256)
    ]
    vmemmap_leaf: Annotated[
        int,
        size(
            "bytes of the vmemmap that one entry maps at boot: a page or a PMD",
            power_of_two=True,
            whole_pages=True,
        ),
    ]
    section_buffer: Annotated[
        bool, flag("true where boot makes one request for the memmap of all sections")
    ]
    free_unused_memmap: Annotated[
        FreeVariant,
        choice("how free_unused_memmap() rounds what it frees", *get_args(FreeVariant)),
    ]
    models: Annotated[
        tuple[str, ...],
        Parameter("models", "models that it can be built with, a list such as [vmemmap]"),
    ]
    default_model: Annotated[str, Parameter("model", "the one that it ships with")]
    long_size: Annotated[int, choice("bytes of a long", 4, 8)] = 8
    pmd_size: Annotated[
        int,
        size(
            "PMD_SIZE",
            power_of_two=True,
            derived=lambda values: values["page_size"] * (values["page_size"] // 8),
            absent="a page's worth of 8-byte entries",
        ),
    ]
    subsection_map: Annotated[
        bool, flag("true where mem_section_usage has a sub-section bitmap (from 5.3)")
    ] = True
    section_flags_bits: Annotated[
        int,
        number(
            "bits of page->flags left for the section number of classic SPARSEMEM",
            0,
            64,
            derived=lambda values: 34 if values["long_size"] == 8 else 8,
            absent="34, or 8 with 4-byte longs,",
        ),
    ]
    memstart_align: Annotated[
        int,
        size(
            "the vmemmap starts at the struct page of start-of-RAM rounded down to this or a "
            "section (arm64)",
            absent="at that of pfn 0",
        ),
    ] = 0
    vmemmap_below: Annotated[
        int,
        size("how far below a boundary of all page tables the vmemmap starts", absent="not at all"),
    ] = 0
    tables_below: Annotated[
        bool,
        flag("true where the tables below that boundary exist before the vmemmap"),
    ] = False
    pageblock_bits: Annotated[
        int, number("NR_PAGEBLOCK_BITS, bits of a pageblock in the usage map", 1, 64)
    ] = 4
    leaf_record_size: Annotated[
        int,
        number(
            "bytes that the kernel records for each leaf of the vmemmap, in whole pages (powerpc)",
            0,
            256,
        ),
    ] = 0
    leaf_needs_ram: Annotated[int, size("RAM that a machine must have for that vmemmap_leaf")] = 0
    ram_limit: Annotated[
        int,
        size(
            "address above which the kernel uses no RAM, on 32 bits without HIGHMEM or LPAE",
        ),
    ] = 0
    page_tables: Annotated[
        tuple[tuple[int, int], ...],
        Parameter(
            "levels",
            "levels of tables that the vmemmap may need, lowest first and without the top one, as "
            "[bytes covered, bytes of the table]",
            derived=lambda values: default_page_tables(values["page_size"], values["va_bits"]),
            absent="derived from va_bits",
        ),
    ]

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


PARAMETERS: Mapping[str, Parameter] = {
    name: replace(annotated.__metadata__[0], default=getattr(Kernel, name, None))
    for name, annotated in get_type_hints(Kernel, include_extras=True).items()
}


def kernel_values(kernel: Kernel) -> dict[str, Any]:
    """Return the kernel in native types, as YAML, JSON and Snakemake's params take them."""
    return {name: as_lists(value) for name, value in asdict(kernel).items()}


def kernel_from(values: Mapping[str, Any]) -> Kernel:
    """Return the kernel whose :func:`kernel_values` are ``values``."""
    return Kernel(**{name: as_tuples(value) for name, value in values.items()})


def as_lists(value: Any) -> Any:
    """Return ``value`` with lists for its tuples, however deep."""
    return [as_lists(item) for item in value] if isinstance(value, tuple) else value


def as_tuples(value: Any) -> Any:
    """Return ``value`` with tuples for its lists, however deep."""
    return tuple(as_tuples(item) for item in value) if isinstance(value, list | tuple) else value


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
