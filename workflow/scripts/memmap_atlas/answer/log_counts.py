"""Counts that a kernel printed in its log, compared with what is computed for its map.

"Pages in unavailable ranges" are the struct pages of addresses without RAM: the waste but for the
rounding up to whole leaves.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from memmap_atlas.memmodel.cost import cost, counted_pages
from memmap_atlas.memmodel.feasibility import FEASIBLE, infeasible
from memmap_atlas.memmodel.kernel import Kernel
from memmap_atlas.memmodel.models import MODELS
from memmap_atlas.memmodel.regions import Regions, whole_pages
from memmap_atlas.memmodel.release import UNKNOWN, Change, Release
from memmap_atlas.readers.memory_map import KernelHints, MemoryMap

# mm/page_alloc.c: zero_resv_unavail(): holes are counted. The line has its present words since
# 907ec5fca3dc ("mm: zero remaining unavailable struct pages"), which is of 4.20
COUNTS_HOLES = Release(4, 18)
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
    """Quantity of the file beside what is computed for its map.

    unit: of both numbers
    observed: as the file has it, None where it does not
    computed: for the kernel that is taken, None where that has no such quantity
    verdict: in words
    """

    quantity: str
    unit: str
    observed: int | None
    computed: int | None
    verdict: str

    @property
    def agrees(self) -> bool:
        """Both numbers are known and equal."""
        return self.observed is not None and self.observed == self.computed


def checks(memory: MemoryMap, name: str, kernels: Mapping[str, Kernel]) -> list[Check]:
    """Compare every count that the file's kernel made with kernel ``name`` of ``kernels`` under
    its default model; nothing where a rule of that kernel forbids the map.
    """
    kernel, hints = kernels[name], memory.hints
    ram = Regions.of([memory.regions])
    if infeasible(ram, kernel, kernel.default_model)[0] != FEASIBLE:
        return []
    listed = [unavailable(memory, name, kernels)]
    if hints.boot_pages is not None:
        pages = int(counted_pages(ram, kernel, kernel.default_model)[0])
        listed.append(compared("nr_memmap_boot_pages", "pages", hints.boot_pages, pages))
    if hints.mapped is not None:
        quantity = "the vmemmap part of kernel_page_tables"
        if MODELS[kernel.default_model].leaf:
            size = int(cost(ram, kernel, kernel.default_model).memmap[0])
            listed.append(compared(quantity, "bytes", hints.mapped, size))
        else:
            text = f"can't be checked: {name} has no vmemmap"
            listed.append(Check(quantity, "bytes", hints.mapped, None, text))
    return listed


def unavailable(memory: MemoryMap, name: str, kernels: Mapping[str, Kernel]) -> Check:
    """Compare the pages in unavailable ranges (mm/page_alloc.c: init_unavailable_mem(), 4.18;
    init_unavailable_range(), 5.12; mm/mm_init.c from 6.4).
    """
    kernel, hints = kernels[name], memory.hints
    computed = pages_without_ram(memory, kernel)
    observed = hints.unavailable_pages

    def check(verdict: str) -> Check:
        return Check("pages in unavailable ranges", "pages", observed, computed, verdict)

    if reason := counts_no_holes(hints, kernel):
        return check(f"can't be checked: {reason}")
    if observed is None:
        return check("can't be checked: the file has no such line")
    if observed == computed:
        return check("agrees")
    off = observed - computed
    text = f"differs by {off:+,} pages"
    if -off == tail_pages(memory, kernel) and (
        hints.clipped or release_of(hints, kernel) < COUNTS_TAIL.since
    ):
        why = (
            "the file ends before it"
            if hints.clipped
            else f"kernels before {COUNTS_TAIL.since} leave it out"
        )
        return check(f"{text}, the end of the last section: {why}")
    agreeing = [
        other_name
        for other_name, other in kernels.items()
        if other.arch == kernel.arch
        and other.release == kernel.release
        and (hints.page_size is None or other.page_size == hints.page_size)
        and pages_without_ram(memory, other) == observed
    ]
    if agreeing:
        text += f"; it is what {agreeing[0]} has: is it the kernel of this log?"
    return check(text)


def release_of(hints: KernelHints, kernel: Kernel) -> Release:
    """Return the release of the kernel that wrote the log, or of ``kernel`` where the log does not
    name it.
    """
    return Release.parse(hints.release or kernel.release) or UNKNOWN


def counts_no_holes(hints: KernelHints, kernel: Kernel) -> str:
    """Return why the kernel's count leaves holes out, "" where it has them."""
    release = release_of(hints, kernel)
    if release < COUNTS_HOLES:
        first = COUNTS_HOLES
        return f"release {release.series} does not count holes, {first} was the first"
    change = SECTION_PFN_VALID.get(kernel.arch)
    if kernel.arch in MEMBLOCK_PFN_VALID or (change and release < change.since):
        return (
            f"{kernel.arch} of release {release.series} counts no hole, its pfn_valid() looks at "
            "memblock"
        )
    if not MODELS[kernel.default_model].has_sections:
        return f"with {kernel.default_model} the count is of another thing"
    return ""


def pages_without_ram(memory: MemoryMap, kernel: Kernel) -> int:
    """Return the number of struct pages in sections that describe addresses without RAM."""
    result = cost(Regions.of([memory.regions]), kernel, kernel.default_model)
    return int(result.hole[0] + result.edge[0]) // kernel.struct_page_size


def tail_pages(memory: MemoryMap, kernel: Kernel) -> int:
    """Return the number of pages from the end of RAM to the end of its section."""
    end = int(whole_pages(Regions.of([memory.regions]), kernel.page_size).last[0])
    return -end % kernel.section_size // kernel.page_size


def compared(quantity: str, unit: str, observed: int, computed: int) -> Check:
    """Compare a count that both sides have."""
    off = observed - computed
    verdict = "agrees" if not off else f"differs by {off:+,} {unit}"
    return Check(quantity, unit, observed, computed, verdict)
