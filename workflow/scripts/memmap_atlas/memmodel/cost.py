"""Cost of a layout under a model: every byte that the table reports."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from memmap_atlas.memmodel.kernel import Kernel
from memmap_atlas.memmodel.models import MODELS, Memmap, memmap_of
from memmap_atlas.memmodel.quantities import parts_of
from memmap_atlas.memmodel.regions import (
    Ints,
    Regions,
    align_up,
    floor_divide,
    overlap,
    whole_pages,
)
from memmap_atlas.memmodel.section_tables import page_tables, section_roots, section_usage

# of many layouts, or of one
Bytes = TypeVar("Bytes", Ints, int)


@dataclass(frozen=True)
class Cost(Generic[Bytes]):
    """Cost in bytes: int64 arrays of shape (layouts,), or an int each for one layout.

    needed: whole pages of RAM x struct page
    memmap: stays allocated for struct pages after boot
    freed: given back by free_unused_memmap() or by trimming
    hole, edge, rounding: the parts of ``wasted``: kept struct pages of pages between RAM; of pages
        before its first or after its last; and the rest of the allocation
    root_array, root_pages: mem_section, its array of roots and the pages of the roots
    usage: mem_section_usage of the present sections
    page_table: page tables that map the vmemmap
    boot_request: the largest single request for the memmap while booting
    """

    needed: Bytes
    memmap: Bytes
    freed: Bytes
    hole: Bytes
    edge: Bytes
    rounding: Bytes
    root_array: Bytes
    root_pages: Bytes
    usage: Bytes
    page_table: Bytes
    boot_request: Bytes

    @property
    def wasted(self) -> Bytes:
        """Memmap that stays allocated and is no struct page of RAM."""
        return self.memmap - self.needed

    @property
    def section_table(self) -> Bytes:
        """mem_section: the root array and its root pages."""
        return self.root_array + self.root_pages

    @property
    def total(self) -> Bytes:
        """All that stays allocated: the memmap and what comes beside it."""
        first, *others = (getattr(self, part.name) for part in parts_of("total"))
        total: Bytes = sum(others, first)
        return total


def cost(layouts: Regions, kernel: Kernel, model: str) -> Cost[Ints]:
    """Cost of ``layouts`` (regions of RAM in bytes) on ``kernel`` under the model of that name.

    Raises KeyError for an unknown model. Rules that forbid a point are not looked at: see
    :func:`infeasible`.
    """
    memmap = MODELS[model].build(layouts, kernel)
    ram = memmap_of(whole_pages(layouts, kernel.page_size), kernel)
    between = staying(memmap, memmap.struct_pages.clipped(ram.first, ram.last))
    known = staying(memmap, memmap.struct_pages)
    kept = memmap.taken - memmap.given_back
    arrays, pages = section_roots(memmap, kernel)
    return Cost(
        needed=ram.size,
        memmap=kept,
        freed=memmap.given_back,
        hole=between - ram.size,
        edge=known - between,
        rounding=kept - known,
        root_array=arrays,
        root_pages=pages,
        usage=section_usage(memmap, kernel),
        page_table=page_tables(memmap, layouts, kernel),
        boot_request=memmap.request,
    )


def staying(memmap: Memmap, struct_pages: Regions) -> Ints:
    """Bytes of ``struct_pages`` that stay backed after boot."""
    kept = overlap(memmap.kept, struct_pages)
    return kept if memmap.freed is None else kept - overlap(memmap.freed, struct_pages)


def counted_pages(layouts: Regions, kernel: Kernel, model: str) -> Ints:
    """Value of nr_memmap_boot_pages in /proc/vmstat, in pages: the kernel computes it.

    mm/sparse.c: sparse_init_nid() and mm/mm_init.c: alloc_node_mem_map() add whole pages for each
    present section or array, whatever is taken or freed (15995a352474 "mm: report per-page metadata
    information", 6.11; c3576889d87b "mm: fix accounting of memmap pages", 6.17).
    """
    memmap = MODELS[model].build(layouts, kernel)
    if memmap.sections is None:
        return floor_divide(align_up(memmap.taken, kernel.page_size), kernel.page_size)
    each = -(-kernel.section_memmap // kernel.page_size)
    return memmap.sections.size // kernel.section_size * each
