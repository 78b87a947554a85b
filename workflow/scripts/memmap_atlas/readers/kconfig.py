"""Configurations of kernels (.config, /proc/config.gz, /boot/config-*): parameters of the memmap
that Kconfig decides, as an entry over the nearest kernel that ships with the atlas.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from memmap_atlas.catalog.kernels import SIZES, Entries, resolve
from memmap_atlas.memmodel.release import UNKNOWN, Release
from memmap_atlas.readers.memory_map import Line, Unreadable
from memmap_atlas.text.escape import printable
from memmap_atlas.text.units import SIZE as SIZE_TEXT
from memmap_atlas.text.units import parse_size, size_text

SET = re.compile(r"(CONFIG_[A-Za-z0-9_]+)=(.*)")
UNSET = re.compile(r"# (CONFIG_[A-Za-z0-9_]+) is not set")
# also of the form that it had until 2.6.39
HEADER = re.compile(
    r"# Linux(?:/\S+| kernel version:) (\d[\w.+~-]{0,63})(?: Kernel Configuration)?"
)
SIZE = re.compile(r"(?:ARM64_|PPC_|PAGE_SIZE_)?(\d{1,3})KB?(?:_PAGES)?")
# Debian's largest have some 13,000
MOST_OPTIONS = 100_000
# characters of the file in a message
LONGEST_TEXT = 40
# of the lines of a file, how many must be options or comments for it to be a configuration
MOSTLY = 0.8
HIGHEST_ORDER = 20

# the architecture's own option and, where it has two widths or byte orders, the others that it
# needs; as config/kernels.yaml names it
ARCHES = (
    # it has the options of x86 too
    ("um", ("UML",)),
    ("arm64", ("ARM64",)),
    ("x86_64", ("X86_64",)),
    ("i386", ("X86_32",)),
    ("riscv64", ("RISCV", "64BIT")),
    ("riscv32", ("RISCV",)),
    ("loongarch64", ("LOONGARCH", "64BIT")),
    ("powerpc64le", ("PPC64", "CPU_LITTLE_ENDIAN")),
    ("powerpc64", ("PPC64",)),
    ("powerpc", ("PPC",)),
    ("s390x", ("S390", "64BIT")),
    ("mips64el", ("MIPS", "64BIT", "CPU_LITTLE_ENDIAN")),
    ("mips64", ("MIPS", "64BIT")),
    ("mipsel", ("MIPS", "CPU_LITTLE_ENDIAN")),
    ("mips", ("MIPS",)),
    ("arm", ("ARM",)),
    ("alpha", ("ALPHA",)),
    ("m68k", ("M68K",)),
    ("sparc64", ("SPARC64",)),
    ("parisc", ("PARISC",)),
    ("sh", ("SUPERH",)),
    ("arc", ("ARC",)),
    ("xtensa", ("XTENSA",)),
)
# page sizes that follow from the architecture
PAGES = {"x86_64": 12, "i386": 12, "riscv64": 12, "s390x": 12, "arm": 12, "m68k": 12, "alpha": 13}
# HPAGE_SHIFT, where it is no PMD of one page of 8-byte entries: arch/*/include/asm/page.h; of
# powerpc the PMD of radix (book3s/64/radix-64k.h)
HUGE_SHIFTS = {"s390x": 20, "arm": 21, "powerpc64le": 21}
# stable releases that took 5ec8e8ea8b77 (6.8), which put an RCU head into mem_section_usage
USAGE_BACKPORTS = (
    Release(5, 10, 210),
    Release(5, 15, 149),
    Release(6, 1, 76),
    Release(6, 6, 15),
    Release(6, 7, 3),
)


@dataclass(frozen=True)
class KernelConfig:
    """Options of a kernel.

    values: by name without CONFIG_, "n" for those that are not set
    arch: by its name in config/kernels.yaml, None where no option decides it
    release: of the header, None without one
    lines: the line of each option
    """

    values: Mapping[str, str]
    arch: str | None = None
    release: str | None = None
    lines: Mapping[str, int] = field(default_factory=dict)

    def on(self, name: str) -> bool:
        """Return True where an option is built in."""
        return self.values.get(name) == "y"

    def number(self, name: str, low: int, high: int) -> int | None:
        """Return the number of an option, None where it is not set. Raises Unreadable where it does
        not lie from ``low`` to ``high``.
        """
        text = self.values.get(name)
        if text is None or text == "n":
            return None
        number = int(text) if text.isascii() and text.isdigit() and len(text) < 5 else -1
        if not low <= number <= high:
            text = f"CONFIG_{name}={shown(text)}: a number from {low} to {high} is right"
            raise Unreadable(text, line=self.lines.get(name))
        return number

    def cite(self, *names: str) -> str:
        """Cite options with their values and lines."""
        cited = []
        for name in names:
            if name not in self.values:
                cited.append(f"no CONFIG_{name} in the configuration")
                continue
            value = self.values[name]
            option = f"CONFIG_{name} is not set"
            if value != "n":
                option = f"CONFIG_{name}={shown(value)}"
            cited.append(f"{option}, line {self.lines.get(name, 0)} of the configuration")
        return "; ".join(cited)


def shown(text: str) -> str:
    """Shorten text of a file for a message, with "?" for what can't be printed."""
    return printable(text[:LONGEST_TEXT], "?")


def is_kind(head: bytes) -> bool:
    """Detect a kernel's configuration: most lines are options or comments."""
    lines = [line.rstrip() for line in head.decode("utf-8", errors="replace").split("\n")[:-1]]
    lines = [line for line in lines if line] or [head.decode("utf-8", errors="replace").strip()]
    options = [line for line in lines if SET.fullmatch(line) or UNSET.fullmatch(line)]
    comments = [line for line in lines if line.startswith("#") and not UNSET.fullmatch(line)]
    return bool(options) and len(options) + len(comments) >= MOSTLY * len(lines)


def read(lines: Iterable[Line]) -> KernelConfig:
    """Return the options of a configuration; the last value of an option counts.

    Raises Unreadable with the first line that is neither an option nor a comment.
    """
    values: dict[str, str] = {}
    lines_by_name: dict[str, int] = {}
    release = None
    for number, line in lines:
        if match := SET.fullmatch(line):
            name, value = match[1][7:], match[2]
        elif match := UNSET.fullmatch(line):
            name, value = match[1][7:], "n"
        elif match := HEADER.fullmatch(line):
            release = release or match[1]
            continue
        elif not line.strip() or line.startswith("#"):
            continue
        else:
            text = f"'{shown(line)}' is no line of a configuration: CONFIG_NAME=value, or a comment"
            raise Unreadable(text, line=number)
        values[name], lines_by_name[name] = value, number
        if len(values) > MOST_OPTIONS:
            raise Unreadable(f"more than {MOST_OPTIONS:,} options", line=number)
    arch = next(
        (arch for arch, options in ARCHES if all(values.get(name) == "y" for name in options)),
        None,
    )
    return KernelConfig(values, arch, release, lines_by_name)


def entry_of(config: KernelConfig, kernels: Entries) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the kernel of a configuration as an entry of config/kernels.yaml over the nearest of
    ``kernels``, and notes on it.

    Raises Unreadable where no kernel of its architecture and page size is known, or where the
    configuration is only a part.
    """
    page_shift = page_shift_of(config, kernels)
    release = Release.parse(config.release)
    name, base = nearest_base(config, kernels, page_shift, release)
    # without a release of its own, that of the kernel that it extends
    at = release or Release.parse(str(base["release"])) or UNKNOWN
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}

    def decide(key: str, value: Any, source: str) -> None:
        sources[key] = source
        if in_bytes(base.get(key)) != value:
            values[key] = size_text(value) if key in SIZES else value

    for key, value, source in [
        *options_decide(config, base, page_shift, at),
        *(release_decides(config, base, release) if release else ()),
        *models_decide(config, base, at),
    ]:
        decide(key, value, source)
    entry = {
        "extends": name,
        "release": config.release or str(base["release"]),
        "description": "what a configuration says, over the kernel that it extends",
        **values,
        "sources": sources,
    }
    notes = notes_of(config, name, base, release, page_shift)
    if "va_bits" in values:
        notes += ("the levels of page tables are derived from its bits of virtual address",)
    return entry, notes


def in_bytes(value: Any) -> Any:
    """Return a value of an entry, with a size in bytes."""
    return parse_size(value) if isinstance(value, str) and SIZE_TEXT.match(value) else value


def page_shift_of(config: KernelConfig, kernels: Entries) -> int:
    """Return the page shift of a configuration. Raises Unreadable where its architecture or page
    size is unknown.
    """
    known = sorted({str(resolve(name, kernels, (), "")["arch"]) for name in kernels})
    if config.arch not in known:
        arch = config.arch or "an architecture that it does not name (as CONFIG_ARM64=y does)"
        raise Unreadable(f"is of {arch}: {', '.join(known)} are known")
    if config.arch in PAGES:
        return PAGES[config.arch]
    sizes = {
        int(match[1])
        for name, value in config.values.items()
        if value == "y" and (match := SIZE.fullmatch(name))
    }
    shift = {4: 12, 8: 13, 16: 14, 32: 15, 64: 16, 256: 18}
    if len(sizes) != 1 or not sizes <= shift.keys():
        named = ", ".join(f"{size} KiB" for size in sorted(sizes)) or "none"
        text = f"names one page size, as CONFIG_PAGE_SIZE_4KB=y does: found {named}"
        raise Unreadable(f"a whole configuration {text}")
    return shift[sizes.pop()]


def nearest_base(
    config: KernelConfig, kernels: Entries, page_shift: int, release: Release | None
) -> tuple[str, dict[str, Any]]:
    """Return the kernel that a configuration's entry extends: of its architecture and page size,
    upstream where there is one, of the newest release not above its own, of its address widths.
    """
    fitting = {
        name: values
        for name, values in ((name, resolve(name, kernels, (), "")) for name in kernels)
        if values["arch"] == config.arch
    }
    sizes = {parse_size(values["page_size"]) for values in fitting.values()}
    if 1 << page_shift not in sizes:
        known = ", ".join(f"{size >> 10} KiB" for size in sorted(sizes))
        raise Unreadable(
            f"has pages of {1 << page_shift >> 10} KiB: of {config.arch} kernels with {known} are "
            "known; write an entry of custom_kernels by hand"
        )
    fitting = {n: v for n, v in fitting.items() if parse_size(v["page_size"]) == 1 << page_shift}
    fitting = {n: v for n, v in fitting.items() if not n.startswith("debian-")} or fitting
    wanted = widths_of(config, page_shift)

    def rank(name: str) -> tuple[bool, int, int, int]:
        values = fitting[name]
        of = Release.parse(str(values["release"])) or UNKNOWN
        above = release is not None and of.series > release.series
        minor = of.major * 1000 + of.minor
        widths = sum(values[key] == value for key, (value, _) in wanted.items())
        # the oldest of those above, else the newest
        return not above, -minor if above else minor, widths, -list(fitting).index(name)

    best = max(fitting, key=rank)
    return best, fitting[best]


def widths_of(config: KernelConfig, page_shift: int) -> dict[str, tuple[int, str]]:
    """Return address widths and their sources, where the configuration decides them."""
    if config.arch == "s390x":
        bits = config.number("MAX_PHYSMEM_BITS", 42, 53)
        return {} if bits is None else {"max_physmem_bits": (bits, config.cite("MAX_PHYSMEM_BITS"))}
    if config.arch == "i386":
        source = f"arch/x86/include/asm/sparsemem.h; {config.cite('X86_PAE')}"
        return {"max_physmem_bits": (36 if config.on("X86_PAE") else 32, source)}
    if config.arch != "arm64":
        return {}
    widths = {}
    if physical := config.number("ARM64_PA_BITS", 36, 52):
        widths["max_physmem_bits"] = physical, config.cite("ARM64_PA_BITS")
    if virtual := config.number("ARM64_VA_BITS", 36, 52):
        source = config.cite("ARM64_VA_BITS")
        if virtual == 52 and page_shift == 16:
            # arch/arm64/Kconfig: VA_BITS_52 falls back to 48 without LVA
            virtual, source = 48, f"{source}, on a CPU without LVA"
        widths["va_bits"] = virtual, source
    return widths


def options_decide(
    config: KernelConfig, base: Mapping[str, Any], page_shift: int, at: Release
) -> list[tuple[str, Any, str]]:
    """Return values that options decide, each as (key, value, source)."""
    values: list[tuple[str, Any, str]] = [
        (key, value, source) for key, (value, source) in widths_of(config, page_shift).items()
    ]
    sized = [name for name in config.values if SIZE.fullmatch(name) and config.values[name] == "y"]
    source = config.cite(*sized[:1]) if sized else f"{config.arch} has no other"
    values.append(("page_size", 1 << page_shift, source))
    max_order, source = max_order_of(config, at)
    values.append(("max_order_pages", 1 << max_order, source))
    if not config.on("HUGETLB_PAGE_SIZE_VARIABLE"):
        order, source = pageblock_order_of(config, base, page_shift, max_order, at)
        values.append(("pageblock_pages", 1 << order, source))
    long_size = base.get("long_size", 8)
    words = 4 if config.on("PAGE_EXTENSION") else 2
    source = f"include/linux/mmzone.h struct mem_section, {words} words; "
    values.append(("mem_section_size", words * long_size, source + config.cite("PAGE_EXTENSION")))
    values.append(("struct_page_size", *struct_page_size(config, long_size, at)))
    for name, roots in (("SPARSEMEM_EXTREME", "extreme"), ("SPARSEMEM_STATIC", "static")):
        if config.on(name):
            values.append(("section_roots", roots, config.cite(name)))
    if config.arch == "i386":
        pae = config.on("X86_PAE")
        source = (
            f"arch/x86/include/asm/sparsemem.h, pgtable-*level_types.h; {config.cite('X86_PAE')}"
        )
        values.append(("section_size", 512 << 20 if pae else 64 << 20, source))
        values.append(("pmd_size", 2 << 20 if pae else 4 << 20, source))
    if config.arch == "arm":
        limit = 36 if config.on("ARM_LPAE") else 32
        source = f"physical addresses of {limit} bits (arch/arm); {config.cite('ARM_LPAE')}"
        values.append(("ram_limit", 1 << limit, source))
    if config.arch == "arm64" and "section_flags_bits" in base:
        values.append(("section_flags_bits", *flags_bits(config, base["section_flags_bits"])))
    return values


def max_order_of(config: KernelConfig, at: Release) -> tuple[int, str]:
    """Return the highest order of the buddy allocator, inclusive, and its source."""
    for name in ("ARCH_FORCE_MAX_ORDER", "FORCE_MAX_ZONEORDER"):
        exclusive = name == "FORCE_MAX_ZONEORDER" or at < Release(6, 4)
        order = config.number(name, 2 if exclusive else 1, HIGHEST_ORDER)
        if order is not None:
            how = "exclusive until 23baf831a32c (6.4)" if exclusive else "inclusive since 6.4"
            return order - exclusive, f"{config.cite(name)}, {how}"
    return 10, "include/linux/mmzone.h: order 10; the configuration gives none"


def pageblock_order_of(
    config: KernelConfig, base: Mapping[str, Any], page_shift: int, max_order: int, at: Release
) -> tuple[int, str]:
    """Return the order of a pageblock and its source (include/linux/pageblock-flags.h)."""
    most, options = max_order, []
    for name in ("PAGE_BLOCK_MAX_ORDER", "PAGE_BLOCK_ORDER"):
        order = config.number(name, 1, HIGHEST_ORDER)
        if order is not None and order < most:
            most = order
            options = [name]
    huge = HUGE_SHIFTS.get(config.arch or "", 2 * page_shift - 3) - page_shift
    if config.arch == "i386" and not config.on("X86_PAE"):
        huge = 10
    for name, since in (("HUGETLB_PAGE", UNKNOWN), ("TRANSPARENT_HUGEPAGE", Release(6, 10))):
        if config.on(name) and at >= since:
            source = (
                f"a huge page of 2^{huge} pages, at most 2^{most}; {config.cite(name, *options)}"
            )
            return min(huge, most), source
    source = f"no huge pages decide it: 2^{most} pages; {config.cite('HUGETLB_PAGE', *options)}"
    return most, source


def struct_page_size(config: KernelConfig, long_size: int, at: Release) -> tuple[int, str]:
    """Return sizeof(struct page) (include/linux/mm_types.h); LAST_CPUPID fits in its flags."""
    size = 56 if long_size == 8 else 32
    options = ["MEMCG"]
    if config.on("MEMCG") or (at >= Release(6, 10) and config.on("SLAB_OBJ_EXT")):
        size += long_size
        options = ["MEMCG" if config.on("MEMCG") else "SLAB_OBJ_EXT"]
    # page.virtual: WANT_PAGE_VIRTUAL of the architecture's asm/page.h
    if config.arch == "m68k" or (config.arch == "loongarch64" and config.on("KFENCE")):
        size += long_size
        options += ["KFENCE"] if config.arch == "loongarch64" else []
    if config.on("KMSAN"):
        size += 2 * long_size
        options.append("KMSAN")
    if config.on("HAVE_ALIGNED_STRUCT_PAGE"):
        size = -(-size // (2 * long_size)) * 2 * long_size
        options.append("HAVE_ALIGNED_STRUCT_PAGE")
    return size, f"include/linux/mm_types.h struct page; {config.cite(*options)}"


def flags_bits(config: KernelConfig, upstream: int) -> tuple[int, str]:
    """Return the bits of page->flags for the section of classic SPARSEMEM
    (include/linux/page-flags-layout.h), from those of the defconfig, which has MEMORY_FAILURE and
    none of the others.
    """
    bits, options = upstream, []
    for name, taken in (
        ("LRU_GEN", 3),
        ("PAGE_IDLE_FLAG", 2),
        ("IDLE_PAGE_TRACKING", 2),
        ("KASAN_SW_TAGS", 8),
        ("KASAN_HW_TAGS", 8),
    ):
        # 5.16 made an option of its own of what the other one took until then
        both = name == "IDLE_PAGE_TRACKING" and "PAGE_IDLE_FLAG" in config.values
        if config.on(name) and not both:
            bits -= taken
            options.append(name)
    if not config.on("MEMORY_FAILURE"):
        bits += 1
        options.append("MEMORY_FAILURE")
    words = config.cite(*options) if options else "none of LRU_GEN, PAGE_IDLE_FLAG and KASAN's tags"
    return bits, f"{upstream} of the defconfig; {words}"


def release_decides(
    config: KernelConfig, base: Mapping[str, Any], release: Release
) -> list[tuple[str, Any, str]]:
    """Return values that the release decides between those of the kernels that ship."""
    long_size = base.get("long_size", 8)
    of = f"Linux {config.release}"
    has_head = release >= Release(6, 8) or any(
        release.series == stable.series and release >= stable for stable in USAGE_BACKPORTS
    )
    values: list[tuple[str, Any, str]] = [
        (
            "usage_header_size",
            2 * long_size if has_head else 0,
            "include/linux/mmzone.h struct mem_section_usage: 5ec8e8ea8b77 (6.8; 5.10.210, "
            f"5.15.149, 6.1.76, 6.6.15, 6.7.3) puts an RCU head of two words in it; {of}",
        ),
        (
            "section_buffer",
            Release(4, 19) <= release < Release(7, 2),
            f"mm/sparse.c sparse_buffer_init(), 4.19 to before 7.2; {of}",
        ),
    ]
    if release >= Release(5, 3) and base.get("subsection_map") is False:
        values.append(("subsection_map", True, f"sub-sections: ba72b4c8cf60 (5.3); {of}"))
    if release >= Release(6, 17) and config.on("MEMORY_ISOLATION"):
        source = "include/linux/pageblock-flags.h: five bits, rounded up to a power of two (6.17); "
        values.append(("pageblock_bits", 8, source + config.cite("MEMORY_ISOLATION")))
    if release >= Release(5, 14) or (
        config.arch == "arm" and Release(5, 10, 87) <= release < Release(5, 11)
    ):
        source = "free_unused_memmap() rounds to pageblocks (e2a86800d586, f921f53e089a, 5.14); "
        values.append(("free_unused_memmap", "pageblock", source + of))
    if config.arch == "riscv64" and release < Release(6, 8):
        source = "arch/riscv/mm/init.c vmemmap_populate(): base pages until ff172d4818ad (6.8); "
        values.append(("vmemmap_leaf", 4096, source + of))
    if config.arch == "riscv64" and release >= Release(7, 2):
        vast = config.on("HUGETLB_PAGE_OPTIMIZE_VMEMMAP")
        source = "arch/riscv/mm/init.c VMEMMAP_ADDR_ALIGN of 7.2; "
        said = config.cite("HUGETLB_PAGE_OPTIMIZE_VMEMMAP")
        values.append(("memstart_align", 16 << 30 if vast else 128 << 20, source + said))
    return values


def models_decide(
    config: KernelConfig, base: Mapping[str, Any], at: Release
) -> list[tuple[str, Any, str]]:
    """Return the model of a configuration, and those that its architecture and NUMA leave open
    (mm/Kconfig). Raises Unreadable where it has no model.
    """
    # mm/memblock.c free_unused_memmap(): generic since 5.11, of arm and arm64 before
    frees = config.on("HAVE_ARCH_PFN_VALID") and (
        at >= Release(5, 11) or config.arch in ("arm", "arm64")
    )
    free = "-free" if frees else ""
    chosen = {
        "SPARSEMEM_VMEMMAP": "vmemmap",
        "SPARSEMEM": f"sparsemem{free}",
        "DISCONTIGMEM": "discontigmem",
        "FLATMEM": f"flatmem{free}",
    }
    option = next((name for name in chosen if config.on(name)), None)
    if option is None:
        raise Unreadable(
            "has no memory model (CONFIG_SPARSEMEM=y or another): it is a part of a configuration "
            "or a defconfig, and `make olddefconfig` makes a whole one of it"
        )
    vmemmap_only, why = forced(config, at)
    sparse = config.on("ARCH_SPARSEMEM_ENABLE")
    left = [chosen[option]]
    if config.on("SPARSEMEM_VMEMMAP_ENABLE"):
        left += [model for model in ("vmemmap", "vmemmap-base") if model in base["models"]]
    if not (vmemmap_only and option == "SPARSEMEM_VMEMMAP"):
        left += [chosen["SPARSEMEM"]] if sparse else []
        flat = config.on("ARCH_FLATMEM_ENABLE") or not sparse
        left += [chosen["FLATMEM"]] if flat else []
        left += ["discontigmem"] if config.on("ARCH_DISCONTIGMEM_ENABLE") else []
    models = list(dict.fromkeys(left))
    cited = config.cite("ARCH_SPARSEMEM_ENABLE", "ARCH_FLATMEM_ENABLE")
    source = why if vmemmap_only else cited
    if set(models) == set(base["models"]):
        models = list(base["models"])
    return [("models", models, source), ("default_model", chosen[option], config.cite(option))]


def forced(config: KernelConfig, at: Release) -> tuple[bool, str]:
    """Return True where SPARSEMEM is always VMEMMAP, and why."""
    if config.arch == "arm64" and at >= Release(5, 13):
        return True, "arch/arm64/Kconfig: VMEMMAP only (782276b4d0ad, 5.13)"
    if config.arch == "s390x":
        return True, "arch/s390/Kconfig: ARCH_SPARSEMEM_ENABLE selects SPARSEMEM_VMEMMAP"
    if config.arch == "x86_64" and config.on("X86_5LEVEL"):
        return True, f"{config.cite('X86_5LEVEL')}, which selects SPARSEMEM_VMEMMAP"
    if config.on("SPARSEMEM_VMEMMAP_ENABLE") and at >= Release(6, 18):
        return (
            True,
            "mm/Kconfig: SPARSEMEM is VMEMMAP where the architecture has it (6.18, derived)",
        )
    return False, ""


def notes_of(
    config: KernelConfig,
    name: str,
    base: Mapping[str, Any],
    release: Release | None,
    page_shift: int,
) -> tuple[str, ...]:
    """Name in words what a configuration leaves open."""
    notes = [f"based on {name} ({base['description']}), which decides what no option does"]
    of = Release.parse(str(base["release"])) or UNKNOWN
    if release is None:
        notes.append(f"it tells no release: taken as {base['release']}")
    elif of.series != release.series:
        notes.append(
            f"that kernel is of {base['release']} and not of {config.release}: what else changed "
            "between them, such as where the vmemmap starts, is not known"
        )
    if config.arch == "arm64" and config.values.get("ARM64_VA_BITS") == "52":
        notes.append(
            "a CPU without LVA is taken: with it 52 bits of virtual address"
            if page_shift == 16
            else "a CPU with LPA2 is taken: without it 48 physical and 48 virtual bits"
        )
    if config.arch == "x86_64" and (config.on("X86_5LEVEL") or (release or of) >= Release(6, 17)):
        notes.append("a CPU without LA57 is taken: with it 52 physical and 57 virtual bits")
    if config.arch == "riscv64":
        notes.append(f"{base['va_bits']} bits of virtual address are taken: the CPU decides them")
    if config.arch == "powerpc64le":
        notes.append("the radix MMU is taken, and its huge pages for pageblocks")
    if config.arch == "s390x":
        notes.append("a machine with EDAT1 is taken")
    if config.on("HUGETLB_PAGE_OPTIMIZE_VMEMMAP") or config.on("HUGETLB_PAGE_FREE_VMEMMAP"):
        notes.append("huge pages can give parts of their memmap back after boot: not counted")
    if config.on("PAGE_EXTENSION"):
        notes.append(
            "what page_ext takes for each page, where something asks for it, is not counted"
        )
    return tuple(notes)
