"""Rules of the kernel that forbid a layout, a section size or a model."""

import numpy as np
from numpy.typing import NDArray

from memmap_atlas.memmodel.kernel import Kernel
from memmap_atlas.memmodel.models import MODELS
from memmap_atlas.memmodel.regions import (
    Ints,
    LayoutLike,
    Regions,
    align_down,
    whole_pages,
)
from memmap_atlas.memmodel.section_tables import SUBSECTION_SIZE


def beside_its_array(layouts: Regions, kernel: Kernel, model: str) -> NDArray[np.bool_]:
    """Return True where FLATMEM's mem_map points beside its array, so that the kernel writes past
    its end.

    mm/page_alloc.c: alloc_node_mem_map() sets mem_map right for a first pfn that is rounded to
    MAX_ORDER blocks, where arm64 rounds the start of RAM to more (arm64_memblock_init(); seen on
    boots of 5.10). No rule forbids such a build; nobody should be told to use it.
    """
    if MODELS[model].family != "flatmem" or not kernel.memstart_align:
        return np.zeros(layouts.first.shape, dtype=bool)
    first = whole_pages(layouts, kernel.page_size).first
    beside: NDArray[np.bool_] = align_down(first, kernel.memstart_align) != align_down(
        first, kernel.max_order_size
    )
    return beside


FEASIBLE = ""


BEYOND = "RAM beyond MAX_PHYSMEM_BITS"


LIMITED = "RAM beyond what the kernel can use"


NO_PAGE = "no whole page of RAM"


LEAF = "less RAM than the vmemmap's leaf asks for"


OF_SECTIONS = (
    "section smaller than a MAX_ORDER block",
    "section smaller than a pageblock",
    "section smaller than a sub-section",
    "section larger than MAX_PHYSMEM_BITS spans",
    "section number does not fit into page->flags",
)


RULES = (FEASIBLE, BEYOND, LIMITED, NO_PAGE, LEAF, *OF_SECTIONS)


def infeasible(layouts: Regions, kernel: Kernel, model: str) -> NDArray[np.object_]:
    """The rule that forbids each point, or "" where none does; shape (layouts,), str objects."""
    rules: NDArray[np.object_] = np.array(RULES, dtype=object)[forbidden(layouts, kernel, model)]
    return rules


def forbidden(layouts: Regions, kernel: Kernel, model: str) -> Ints:
    """Index in RULES of the rule that forbids each point, 0 where none does; shape (layouts,)."""
    ram = whole_pages(layouts, kernel.page_size)
    size, last = ram.size, ram.last
    rule = np.zeros_like(size)
    if of_sections := forbidden_sections(kernel, model):
        return rule + RULES.index(of_sections)
    if MODELS[model].leaf == "kernel":
        # arch/powerpc/mm/book3s64/hash_utils.c: htab_init_page_sizes()
        rule = np.where(size < kernel.leaf_needs_ram, RULES.index(LEAF), rule)
    rule = np.where(last > 1 << kernel.max_physmem_bits, RULES.index(BEYOND), rule)
    if kernel.ram_limit:
        rule = np.where(last > kernel.ram_limit, RULES.index(LIMITED), rule)
    return np.where(size == 0, RULES.index(NO_PAGE), rule)


def forbidden_sections(kernel: Kernel, model: str) -> str:
    """The rule that the kernel's sections break whatever the layout, "" where there is none.

    include/linux/mmzone.h: a section holds a MAX_ORDER block, a pageblock and a sub-section, and
    MAX_PHYSMEM_BITS spans it; include/linux/page-flags-layout.h: a classic section's number lives
    in page->flags (with VMEMMAP it does not).
    """
    section = kernel.section_size
    classic = MODELS[model].family == "sparsemem"
    width = kernel.max_physmem_bits - (section.bit_length() - 1)
    broken = (
        section < kernel.max_order_size,
        section < kernel.pageblock_size,
        section < SUBSECTION_SIZE and kernel.subsection_map,
        width < 0,
        classic and width > kernel.section_flags_bits,
    )
    if not MODELS[model].has_sections:
        return FEASIBLE
    names = (rule for rule, breaks in zip(OF_SECTIONS, broken, strict=True) if breaks)
    return next(names, FEASIBLE)


def explained(rule: str, layout: LayoutLike, kernel: Kernel) -> str:
    """Return a rule that forbids a layout, with the addresses that it is about."""
    limit = {BEYOND: 1 << kernel.max_physmem_bits, LIMITED: kernel.ram_limit}.get(rule)
    if limit is None:
        return rule
    return f"{rule}: RAM ends at {layout[-1][1]:#x}, the kernel uses addresses below {limit:#x}"
