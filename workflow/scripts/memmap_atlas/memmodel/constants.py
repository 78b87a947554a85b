"""Parameters of a kernel under the names that its source has for them."""

from memmap_atlas.memmodel.kernel import Kernel
from memmap_atlas.memmodel.models import MODELS
from memmap_atlas.memmodel.section_tables import SUBSECTION_SIZE, sections_per_root


def kernel_constants(kernel: Kernel) -> dict[str, int]:
    """Return constants of a kernel as its headers name them, those of sections only where it can be
    built with SPARSEMEM.

    The architecture's page.h, pgtable.h and sparsemem.h; include/linux/mmzone.h,
    include/linux/pageblock-flags.h and, for "sizeof(struct page)", include/linux/mm_types.h.
    """
    constants = {
        "BITS_PER_LONG": 8 * kernel.long_size,
        "PAGE_SHIFT": shift(kernel.page_size),
        "PMD_SHIFT": shift(kernel.pmd_size),
        "VA_BITS": kernel.va_bits,
        "MAX_ORDER_NR_PAGES": kernel.max_order_pages,
        "pageblock_nr_pages": kernel.pageblock_pages,
        "NR_PAGEBLOCK_BITS": kernel.pageblock_bits,
        "sizeof(struct page)": kernel.struct_page_size,
    }
    if any(MODELS[model].has_sections for model in kernel.models):
        constants |= {
            "MAX_PHYSMEM_BITS": kernel.max_physmem_bits,
            "SECTION_SIZE_BITS": shift(kernel.section_size),
            "PAGES_PER_SECTION": kernel.section_pages,
            "SECTIONS_PER_ROOT": sections_per_root(kernel),
            "sizeof(struct mem_section)": kernel.mem_section_size,
        }
        if kernel.subsection_map:
            constants["SUBSECTION_SHIFT"] = shift(SUBSECTION_SIZE)
    return constants


def shift(size: int) -> int:
    """Return the binary logarithm of a power of two."""
    return size.bit_length() - 1
