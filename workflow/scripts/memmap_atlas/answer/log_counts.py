"""A kernel's own counts in its log, beside what is computed for its map.

What is printed as "pages in unavailable ranges" is the number of struct pages that were made for
no RAM: the waste, without what a leaf is rounded up by.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from memmap_atlas.memmodel.cost import cost, counted_pages
from memmap_atlas.memmodel.feasibility import FEASIBLE, infeasible
from memmap_atlas.memmodel.kernel import Kernel
from memmap_atlas.memmodel.regions import Regions, whole_pages
from memmap_atlas.memmodel.release import UNKNOWN, Change, Release
from memmap_atlas.readers.memory_map import KernelHints, MemoryMap

# mm/page_alloc.c: zero_resv_unavail(): holes are counted
COUNTS_HOLES = Change(Release(4, 18), "907ec5fca3dc", "mm: zero remaining unavailable struct pages")
# the end of the last section is counted too
COUNTS_TAIL = Change(
    Release(5, 6),
    "e822969cab48",
    "mm/page_alloc.c: fix uninitialized memmaps on a partially populated last section",
)
# until then pfn_valid() of the architecture looks at memblock, so that no hole is counted; that of
# 32-bit arm still does
SECTION_PFN_VALID = {
    "arm64": Change(Release(5, 14), "16c9afc77660", "arm64/mm: drop HAVE_ARCH_PFN_VALID"),
}
MEMBLOCK_PFN_VALID = ("arm",)


@dataclass(frozen=True)
class Check:
    """One quantity: what the file says, what is computed (None where there is no such thing), both
    in ``unit``, and the verdict in words.
    """

    quantity: str
    unit: str
    observed: int | None
    computed: int | None
    verdict: str

    @property
    def agrees(self) -> bool:
        """Whether both are there and the same."""
        return self.observed is not None and self.observed == self.computed


def checks(found: MemoryMap, name: str, kernels: Mapping[str, Kernel]) -> list[Check]:
    """Every count of the kernel's own, against kernel ``name`` of ``kernels`` with its default
    model.
    """
    kernel, told = kernels[name], found.told
    ram = Regions.of([found.regions])
    if infeasible(ram, kernel, kernel.default_model)[0] != FEASIBLE:
        return []
    result = cost(ram, kernel, kernel.default_model)
    listed = [unavailable(found, name, kernels)]
    if told.boot_pages is not None:
        pages = int(counted_pages(ram, kernel, kernel.default_model)[0])
        listed.append(compared("nr_memmap_boot_pages", "pages", told.boot_pages, pages))
    if told.mapped is not None:
        what = "the vmemmap part of kernel_page_tables"
        if kernel.default_model.startswith("vmemmap"):
            listed.append(compared(what, "bytes", told.mapped, int(result.memmap[0])))
        else:
            text = f"can't be checked: {name} has no vmemmap"
            listed.append(Check(what, "bytes", told.mapped, None, text))
    return listed


def unavailable(found: MemoryMap, name: str, kernels: Mapping[str, Kernel]) -> Check:
    """Pages in unavailable ranges (mm/page_alloc.c: init_unavailable_mem(), 4.18;
    init_unavailable_range(), 5.12; mm/mm_init.c from 6.4).
    """
    kernel, told = kernels[name], found.told
    quantity = "pages in unavailable ranges"
    computed = pages_without_ram(found, kernel)
    observed = told.unavailable_pages

    def unchecked(reason: str) -> Check:
        return Check(quantity, "pages", observed, computed, f"can't be checked: {reason}")

    if reason := counts_no_holes(told, kernel):
        return unchecked(reason)
    if observed is None:
        return unchecked("the file has no such line")
    if observed == computed:
        return Check(quantity, "pages", observed, computed, "agrees")
    off = observed - computed
    text = f"differs by {off:+,} pages"
    if -off == tail_pages(found, kernel) and (
        told.clipped or release_of(told, kernel) < COUNTS_TAIL.since
    ):
        why = "the file ends before it" if told.clipped else "kernels before 5.6 leave it out"
        return Check(
            quantity, "pages", observed, computed, f"{text}, the end of the last section: {why}"
        )
    others = [
        other
        for other, one in kernels.items()
        if one.arch == kernel.arch
        and one.release == kernel.release
        and (told.page_size is None or one.page_size == told.page_size)
        and pages_without_ram(found, one) == observed
    ]
    if others:
        text += f"; it is what {others[0]} has: is it the kernel of this log?"
    return Check(quantity, "pages", observed, computed, text)


def release_of(told: KernelHints, kernel: Kernel) -> Release:
    """Release of the kernel that wrote the log, or of ``kernel`` where the log does not say."""
    return Release.parse(told.release or kernel.release) or UNKNOWN


def counts_no_holes(told: KernelHints, kernel: Kernel) -> str:
    """Why a kernel's count says nothing of holes, "" where it does."""
    release = release_of(told, kernel)
    if release < COUNTS_HOLES.since:
        first = COUNTS_HOLES.since
        return f"release {release.series} does not count holes, {first} was the first"
    change = SECTION_PFN_VALID.get(kernel.arch)
    if kernel.arch in MEMBLOCK_PFN_VALID or (change and release < change.since):
        return (
            f"{kernel.arch} of release {release.series} counts no hole, its pfn_valid() looks at "
            "memblock"
        )
    if not kernel.default_model.startswith(("vmemmap", "sparsemem")):
        return f"with {kernel.default_model} the count is of another thing"
    return ""


def pages_without_ram(found: MemoryMap, kernel: Kernel) -> int:
    """Struct pages of sections that are of no RAM."""
    result = cost(Regions.of([found.regions]), kernel, kernel.default_model)
    return int(result.hole[0] + result.edge[0]) // kernel.struct_page_size


def tail_pages(found: MemoryMap, kernel: Kernel) -> int:
    """Pages from the end of RAM to the end of its section."""
    end = int(whole_pages(Regions.of([found.regions]), kernel.page_size).last[0])
    return -end % kernel.section_size // kernel.page_size


def compared(quantity: str, unit: str, observed: int, computed: int) -> Check:
    """A count that is there, beside what is computed."""
    off = observed - computed
    verdict = "agrees" if not off else f"differs by {off:+,} {unit}"
    return Check(quantity, unit, observed, computed, verdict)
