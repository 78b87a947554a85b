"""Parameters of a kernel under the names that its source has for them.

The architecture's page.h, pgtable.h and sparsemem.h; include/linux/mmzone.h,
include/linux/pageblock-flags.h and, for "sizeof(struct page)", include/linux/mm_types.h.
"""

from collections.abc import Callable
from dataclasses import dataclass

from memmap_atlas.memmodel.kernel import Kernel
from memmap_atlas.memmodel.models import MODELS
from memmap_atlas.memmodel.section_tables import SUBSECTION_SIZE, sections_per_root


def shift(size: int) -> int:
    """Return the binary logarithm of a power of two."""
    return size.bit_length() - 1


def has_sections(kernel: Kernel) -> bool:
    """Return True where the kernel can be built with SPARSEMEM."""
    return any(MODELS[model].has_sections for model in kernel.models)


@dataclass(frozen=True)
class Constant:
    """Constant of a kernel's source.

    name: macro, or sizeof() of a struct
    meaning: one line, with the unit
    value: of a kernel
    exists: True for kernels that have it
    """

    name: str
    meaning: str
    value: Callable[[Kernel], int]
    exists: Callable[[Kernel], bool] = lambda _: True


CONSTANTS = (
    Constant("BITS_PER_LONG", "bits of a long", lambda kernel: 8 * kernel.long_size),
    Constant("PAGE_SHIFT", "log2 of PAGE_SIZE in bytes", lambda kernel: shift(kernel.page_size)),
    Constant("PMD_SHIFT", "log2 of PMD_SIZE in bytes", lambda kernel: shift(kernel.pmd_size)),
    Constant(
        "VA_BITS", "bits of a virtual address, as the kernel runs", lambda kernel: kernel.va_bits
    ),
    Constant(
        "MAX_ORDER_NR_PAGES", "pages of a MAX_ORDER block", lambda kernel: kernel.max_order_pages
    ),
    Constant("pageblock_nr_pages", "pages of a pageblock", lambda kernel: kernel.pageblock_pages),
    Constant(
        "NR_PAGEBLOCK_BITS",
        "bits of a pageblock in the usage map",
        lambda kernel: kernel.pageblock_bits,
    ),
    Constant(
        "sizeof(struct page)", "bytes of a struct page", lambda kernel: kernel.struct_page_size
    ),
    Constant(
        "MAX_PHYSMEM_BITS",
        "bits of a physical address",
        lambda kernel: kernel.max_physmem_bits,
        has_sections,
    ),
    Constant(
        "SECTION_SIZE_BITS",
        "log2 of a section's RAM in bytes",
        lambda kernel: shift(kernel.section_size),
        has_sections,
    ),
    Constant(
        "PAGES_PER_SECTION",
        "pages of a section",
        lambda kernel: kernel.section_pages,
        has_sections,
    ),
    Constant(
        "SECTIONS_PER_ROOT",
        "sections that a page of mem_section describes, 1 with SPARSEMEM_STATIC",
        sections_per_root,
        has_sections,
    ),
    Constant(
        "sizeof(struct mem_section)",
        "bytes of a struct mem_section",
        lambda kernel: kernel.mem_section_size,
        has_sections,
    ),
    Constant(
        "SUBSECTION_SHIFT",
        "log2 of a sub-section's RAM in bytes (5.3 on)",
        lambda _: shift(SUBSECTION_SIZE),
        lambda kernel: has_sections(kernel) and kernel.subsection_map,
    ),
)


def kernel_constants(kernel: Kernel) -> dict[str, int]:
    """Return the constants of a kernel by name, those of sections only where it can be built with
    SPARSEMEM.
    """
    return {
        constant.name: constant.value(kernel) for constant in CONSTANTS if constant.exists(kernel)
    }
