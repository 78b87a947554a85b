"""Huge pages share their struct pages: what HVO and device-dax give back or never take.

Vectorised over sizes of huge pages; in bytes. Both need a struct page whose size is a power of two.
"""

from dataclasses import dataclass

import numpy as np

from memmap_atlas.memmodel.cost import cost
from memmap_atlas.memmodel.kernel import Kernel
from memmap_atlas.memmodel.regions import Ints, Regions, floor_divide
from memmap_atlas.memmodel.release import Release

# include/linux/mm.h: VMEMMAP_RESERVE_NR (4917f55b4ef9 "mm/sparse-vmemmap: improve memory savings
# for compound devmaps", 5.19): head and one tail page
DAX_KEPT = 2
# mm/hugetlb_vmemmap.c: pages kept of each huge page, by the release that it came with
HVO_KEPT = ((Release(5, 14), 2), (Release(5, 18), 1))


@dataclass(frozen=True)
class Optimized:
    """A map with part of its RAM in optimized huge pages, shape (shares,).

    pages: huge pages
    saved: what they give back
    tables: page tables that splitting the vmemmap's leaves takes
    kept: memmap that stays, with what is wasted; ``wasted`` of it is no struct page of RAM
    """

    pages: Ints
    saved: Ints
    tables: Ints
    kept: Ints
    wasted: Ints


def hvo_kept(release: Release) -> int:
    """Pages of memmap that HVO keeps of a huge page, 0 before it was there.

    mm/hugetlb_vmemmap.c: two of them from f41f2ed43ca5 ("mm: hugetlb: free the vmemmap
    pages associated with each HugeTLB page", 5.14) on, one since e7d324850bfc ("mm: hugetlb: free
    the 2nd vmemmap page associated with each HugeTLB page", 5.18).
    """
    return max([kept for since, kept in HVO_KEPT if release >= since][-1:], default=0)


def vmemmap_of(huge: Ints, kernel: Kernel) -> Ints:
    """Struct pages of a huge page of each size."""
    return floor_divide(huge, kernel.page_size) * kernel.struct_page_size


def hvo_saved(huge: Ints, kernel: Kernel, kept: int = 1) -> Ints:
    """Bytes that HVO frees for a huge page of each size: all pages of struct pages but ``kept``.

    mm/hugetlb_vmemmap.h: hugetlb_vmemmap_optimizable_size() (6.12).
    """
    if not kept or kernel.struct_page_size.bit_count() != 1:
        return np.zeros_like(huge)
    saved: Ints = np.maximum(vmemmap_of(huge, kernel) - kept * kernel.page_size, 0)
    return saved


def dax_saved(huge: Ints, kernel: Kernel) -> Ints:
    """Bytes that device-dax saves for a compound page of each size, with its memmap in RAM.

    include/linux/mm.h: __vmemmap_can_optimize(), mm/sparse-vmemmap.c:
    vmemmap_populate_compound_pages() (4917f55b4ef9, 5.19): head and tail page stay, if there are
    more; none where the memmap lies in the device (altmap).
    """
    if kernel.struct_page_size.bit_count() != 1:
        return np.zeros_like(huge)
    pages = floor_divide(vmemmap_of(huge, kernel), kernel.page_size)
    return np.where(pages > DAX_KEPT, (pages - DAX_KEPT) * kernel.page_size, 0)


def optimized(
    layout: Regions, kernel: Kernel, huge: int, percent: Ints, kept: int = 1
) -> Optimized:
    """One layout with ``percent`` of its RAM in huge pages of ``huge`` bytes, side by side.

    A leaf of the vmemmap is split into base pages before any of them is given back: one table of a
    page for each (mm/hugetlb_vmemmap.c: vmemmap_split_pmd(), 6.12).
    """
    known = cost(layout, kernel, kernel.default_model)
    pages = layout.size[0] * percent // 100 // huge
    size = np.array([huge], dtype=np.int64)
    saved = pages * hvo_saved(size, kernel, kept)[0]
    tables = np.zeros_like(pages)
    if kernel.vmemmap_leaf > kernel.page_size:
        shared = pages * vmemmap_of(size, kernel)[0]
        tables = np.where(saved > 0, -(-shared // kernel.vmemmap_leaf) * kernel.page_size, 0)
    wasted = np.full_like(pages, known.wasted[0])
    return Optimized(pages, saved, tables, known.memmap[0] - saved + tables, wasted)
