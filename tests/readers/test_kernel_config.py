"""Kernel configurations: Debian's own give the kernels that ship with the atlas, each option its
value, and no bytes anything but a clear message.
"""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from memmap_atlas.catalog.kernels import build_kernels, read_entries
from memmap_atlas.documents.validate import problems
from memmap_atlas.documents.yaml_loader import load_yaml
from memmap_atlas.memmodel.kernel import Kernel
from memmap_atlas.memmodel.release import Release
from memmap_atlas.readers import kconfig
from memmap_atlas.readers.dispatch import text_of
from memmap_atlas.readers.kconfig import KernelConfig, entry_of, is_kind
from memmap_atlas.readers.memory_map import Line, Unreadable

from tests.tools.fuzzing import FUZZ, mutated
from tests.tools.paths import ROOT

ENTRIES, FILES = read_entries(ROOT / "config/kernels.yaml")
KERNELS = build_kernels(ENTRIES, FILES)
CONFIGS: dict[str, str] = load_yaml(ROOT / "tests/golden/kernel-configs.yaml")

# where the entry of a configuration is another than the kernel that ships, and why
EXPLAINED = {
    # four levels of tables, as the CPU that was booted has them: no option says so
    "debian-7.2-riscv64": {"va_bits", "page_tables"},
}
ARM64 = CONFIGS["debian-6.12-arm64"]


def lines_of(data: bytes) -> Iterator[Line]:
    return ((number, text_of(line)) for number, line in enumerate(data.split(b"\n"), 1))


def read(text: str) -> KernelConfig:
    return kconfig.read(lines_of(text.encode()))


def changed(text: str, **options: str) -> str:
    """A configuration with some options at other values, "n" for not set."""
    for name, value in options.items():
        kept = [
            line
            for line in text.splitlines()
            if not line.startswith((f"CONFIG_{name}=", f"# CONFIG_{name} "))
        ]
        new = f"# CONFIG_{name} is not set" if value == "n" else f"CONFIG_{name}={value}"
        text = "\n".join([*kept, new, ""])
    return text


def of_release(text: str, release: str) -> str:
    """A configuration of another release."""
    header = next(line for line in text.splitlines() if line.startswith("# Linux/"))
    return text.replace(
        header, f"{header.split()[0]} {header.split()[1]} {release} Kernel Configuration"
    )


def kernel_of(text: str) -> tuple[Kernel, dict[str, Any], tuple[str, ...]]:
    """Return the kernel of a configuration, its entry and the notes."""
    entry, notes = entry_of(read(text), ENTRIES)
    assert problems({"mine": entry}, "kernels", "mine.yaml") == []
    return build_kernels({**ENTRIES, "mine": entry}, {"mine": "mine.yaml"})["mine"], entry, notes


@pytest.mark.parametrize("name", CONFIGS)
def test_debian(name: str) -> None:
    """The kernel of Debian's configuration is the one that ships, value for value."""
    assert is_kind(CONFIGS[name].encode())
    kernel, entry, _ = kernel_of(CONFIGS[name])
    own, shipped = asdict(kernel), asdict(KERNELS[name])
    differing = {key for key in own if own[key] != shipped[key]} - {"release"}
    assert differing == EXPLAINED.get(name, set())
    assert str(entry["release"]).startswith(f"{KERNELS[name].release}.")


@pytest.mark.parametrize("name", CONFIGS)
def test_sources(name: str) -> None:
    """Each value that an entry gives has its source, and a line that is named has that option."""
    _, entry, _ = kernel_of(CONFIGS[name])
    lines = CONFIGS[name].splitlines()
    assert (
        entry.keys() - {"extends", "release", "description", "sources"} <= entry["sources"].keys()
    )
    told = [part for source in entry["sources"].values() for part in source.split("; ")]
    placed = [part for part in told if " of the configuration" in part and ", line " in part]
    assert placed
    for part in placed:
        what, _, rest = part.partition(", line ")
        assert lines[int(rest.split()[0]) - 1].removeprefix("# ") == what


@pytest.mark.parametrize(
    ("name", "options", "release", "key", "value"),
    [
        # the order of the largest block: exclusive by its old name and until 6.4
        ("debian-6.1-arm64", {"ARCH_FORCE_MAX_ORDER": "13"}, "6.3.9", "max_order_pages", 1 << 12),
        ("debian-6.1-arm64", {"ARCH_FORCE_MAX_ORDER": "13"}, "6.4.0", "max_order_pages", 1 << 13),
        ("debian-5.10-arm64", {"FORCE_MAX_ZONEORDER": "14"}, None, "max_order_pages", 1 << 13),
        # pageblocks: of a huge page, of THP's since 6.10, of the largest block, or of an option
        ("debian-6.12-arm64", {"HUGETLB_PAGE": "n"}, "6.10.1", "pageblock_pages", 512),
        ("debian-6.12-arm64", {"HUGETLB_PAGE": "n"}, "6.9.1", "pageblock_pages", 1024),
        ("debian-6.12-arm64", {"HUGETLB_PAGE": "n", "TRANSPARENT_HUGEPAGE": "n"}, None,
         "pageblock_pages", 1024),
        ("debian-7.2-cloud-arm64", {"PAGE_BLOCK_MAX_ORDER": "3"}, None, "pageblock_pages", 8),
        # without hugetlb a PMD of powerpc's radix: 2 MiB of 64 KiB
        ("debian-6.1-powerpc64le", {"HUGETLB_PAGE": "n", "HUGETLB_PAGE_SIZE_VARIABLE": "n"}, "6.12",
         "pageblock_pages", 32),
        ("debian-6.12-arm64-16k", {"ARCH_FORCE_MAX_ORDER": "8"}, None, "pageblock_pages", 256),
        # struct page
        ("debian-6.12-amd64", {"MEMCG": "n"}, None, "struct_page_size", 64),
        ("debian-6.1-powerpc64le", {"KMSAN": "y"}, None, "struct_page_size", 80),
        ("debian-6.1-powerpc64le", {"MEMCG": "n"}, None, "struct_page_size", 56),
        ("debian-6.1-powerpc64le", {"MEMCG": "n", "SLAB_OBJ_EXT": "y"}, "6.10", "struct_page_size",
         64),
        ("debian-6.1-686", {"MEMCG": "n"}, None, "struct_page_size", 32),
        # sections
        ("debian-6.12-arm64", {"PAGE_EXTENSION": "n"}, None, "mem_section_size", 16),
        ("debian-5.10-arm64", {}, "5.11.22", "section_size", 1 << 30),
        ("debian-5.10-arm64", {}, "5.12", "section_size", 128 << 20),
        ("debian-5.10-arm64", {"ARM64_4K_PAGES": "n", "ARM64_64K_PAGES": "y"}, "5.15",
         "section_size", 512 << 20),
        ("debian-6.1-686", {"X86_PAE": "y"}, None, "section_size", 512 << 20),
        # addresses
        ("debian-6.12-arm64", {"ARM64_VA_BITS": "39"}, None, "va_bits", 39),
        ("debian-6.1-s390x", {"MAX_PHYSMEM_BITS": "50"}, None, "max_physmem_bits", 50),
        # what the release decides
        ("debian-6.1-arm64", {}, "6.1.75", "usage_header_size", 0),
        ("debian-6.1-arm64", {}, "6.1.76", "usage_header_size", 16),
        ("debian-6.1-arm64", {}, "6.7.2", "usage_header_size", 0),
        ("debian-6.1-arm64", {}, "6.8.0", "usage_header_size", 16),
        ("debian-6.1-armmp", {}, "6.8.0", "usage_header_size", 8),
        ("debian-5.10-arm64", {}, "5.2", "subsection_map", False),
        ("debian-5.10-arm64", {}, "5.4.1", "subsection_map", True),
        ("debian-5.10-arm64", {}, "4.18", "section_buffer", False),
        ("debian-5.10-arm64", {}, "4.19", "section_buffer", True),
        ("debian-6.12-arm64", {}, "7.1", "section_buffer", True),
        ("debian-6.12-arm64", {}, "6.16.9", "pageblock_bits", 4),
        ("debian-6.12-arm64", {}, "6.17", "pageblock_bits", 8),
        ("debian-6.12-arm64", {"MEMORY_ISOLATION": "n"}, "6.17", "pageblock_bits", 4),
        ("debian-7.2-riscv64", {}, "6.7", "vmemmap_leaf", 4096),
        ("debian-7.2-riscv64", {}, "6.8", "vmemmap_leaf", 2 << 20),
        ("debian-5.10-armmp", {}, "5.10.86", "free_unused_memmap", "max-order-flatmem"),
        ("debian-5.10-armmp", {}, "5.10.87", "free_unused_memmap", "pageblock"),
        # models
        ("debian-5.10-arm64", {"ARCH_FLATMEM_ENABLE": "y"}, None, "models",
         ("vmemmap", "sparsemem-free", "flatmem-free")),
        ("debian-5.10-arm64", {"ARCH_FLATMEM_ENABLE": "y"}, "5.13", "models", ("vmemmap",)),
        ("debian-5.10-arm64", {"SPARSEMEM_VMEMMAP": "n"}, None, "default_model", "sparsemem-free"),
        ("debian-6.12-amd64", {"X86_5LEVEL": "n"}, None, "models", ("vmemmap", "sparsemem")),
        ("debian-6.12-amd64", {"X86_5LEVEL": "n"}, "6.18", "models", ("vmemmap",)),
        ("debian-6.1-octeon", {"HAVE_ARCH_PFN_VALID": "y"}, None, "default_model",
         "sparsemem-free"),
        ("debian-6.1-armmp", {"ARM_LPAE": "y"}, None, "ram_limit", 64 << 30),
        # flags: LRU_GEN takes three bits, PAGE_IDLE_FLAG two, KASAN's tags eight
        ("debian-6.12-arm64", {"LRU_GEN": "n"}, None, "section_flags_bits", 37),
        ("debian-6.12-arm64", {"LRU_GEN": "n", "PAGE_IDLE_FLAG": "n"}, None, "section_flags_bits",
         39),
        ("debian-6.12-arm64", {"KASAN_HW_TAGS": "y"}, None, "section_flags_bits", 26),
        ("debian-6.12-arm64", {"MEMORY_FAILURE": "n"}, None, "section_flags_bits", 35),
        ("debian-5.10-arm64", {"IDLE_PAGE_TRACKING": "y"}, None, "section_flags_bits", 36),
    ],
)  # fmt: skip
def test_options(
    name: str, options: dict[str, str], release: str | None, key: str, value: Any
) -> None:
    text = changed(CONFIGS[name], **options)
    kernel, _, _ = kernel_of(of_release(text, release) if release else text)
    assert getattr(kernel, key) == value


@pytest.mark.parametrize(
    ("name", "options", "release", "base"),
    [
        ("debian-6.12-arm64", {}, None, "arm64-6.12-4k"),
        ("debian-6.12-arm64", {"ARM64_VA_BITS": "48", "ARM64_PA_BITS": "48"}, None,
         "arm64-6.12-4k-pa48"),
        ("debian-6.12-arm64", {"ARM64_4K_PAGES": "n", "PAGE_SIZE_4KB": "n",
                               "PAGE_SIZE_64KB": "y"}, None, "arm64-6.12-64k"),
        ("debian-6.12-arm64", {}, "6.11.1", "arm64-6.1-4k"),
        ("debian-6.12-arm64", {}, "8.0", "arm64-6.12-4k"),
        ("debian-5.10-arm64", {}, "5.9", "arm64-4.6-4k"),
        ("debian-5.10-arm64", {}, "3.16", "arm64-4.6-4k"),
        ("debian-6.1-amd64", {}, None, "x86_64-6.12"),
        ("debian-6.1-s390x", {}, "5.4", "debian-6.1-s390x"),
    ],
)  # fmt: skip
def test_base(name: str, options: dict[str, str], release: str | None, base: str) -> None:
    text = changed(CONFIGS[name], **options)
    _, entry, notes = kernel_of(of_release(text, release) if release else text)
    assert entry["extends"] == base
    assert notes[0].startswith(f"based on {base} ")
    of = Release.parse(release or name.split("-")[1])
    assert of is not None
    same = of.series == Release.parse(KERNELS[base].release)
    assert any("is not known" in note for note in notes) is not same


def test_52_bits_with_64k_pages() -> None:
    text = changed(ARM64, ARM64_4K_PAGES="n", PAGE_SIZE_4KB="n", PAGE_SIZE_64KB="y")
    kernel, _, notes = kernel_of(text)
    assert (kernel.va_bits, kernel.max_physmem_bits) == (48, 52)
    assert any("LVA" in note for note in notes)


def test_header_is_missing() -> None:
    """Options tell the architecture; the newest release is taken."""
    text = "\n".join(line for line in ARM64.splitlines() if "Kernel Configuration" not in line)
    config = read(text)
    assert (config.arch, config.release) == ("arm64", None)
    kernel, entry, notes = kernel_of(text)
    assert (entry["extends"], kernel.release) == ("arm64-6.12-4k", "6.12")
    assert "it tells no release: taken as 6.12" in notes


def test_old_header() -> None:
    assert read("# Linux kernel version: 2.6.32\nCONFIG_X86_64=y\n").release == "2.6.32"


def test_the_last_counts() -> None:
    config = read("CONFIG_ARM64=y\nCONFIG_NUMA=y\n# CONFIG_NUMA is not set\n")
    assert config.values["NUMA"] == "n"
    assert config.lines["NUMA"] == 3


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("CONFIG_SPARC64=y\n", None, "is of sparc64: alpha, arm, arm64, i386"),
        ("CONFIG_UML=y\nCONFIG_X86_64=y\n", None, "is of um: "),
        ("CONFIG_NUMA=y\n", None, "an architecture that it does not name"),
        ("CONFIG_ARM64=y\nCONFIG_NUMA = y\n", 2, "'CONFIG_NUMA = y' is no line of a configuration"),
        ("CONFIG_ARM64=y\n\x00\x1b[2J\n", 2, "'?" ),
        ("CONFIG_X86_64=y\n", None, "make olddefconfig"),
        ("CONFIG_ARM64=y\nCONFIG_SPARSEMEM=y\n", None, "found none"),
        (changed(ARM64, ARM64_16K_PAGES="y"), None, "found 4 KiB, 16 KiB"),
        (changed(ARM64, ARCH_FORCE_MAX_ORDER="99"), 31, "from 1 to 20"),
        (changed(ARM64, ARCH_FORCE_MAX_ORDER="-1"), 31, "from 1 to 20"),
        (changed(ARM64, ARCH_FORCE_MAX_ORDER="\N{ARABIC-INDIC DIGIT ONE}"), 31, "from 1 to 20"),
        (changed(ARM64, ARCH_FORCE_MAX_ORDER="1\x7f\x1b"), 31, "MAX_ORDER=1??: a number"),
        (changed(ARM64, ARM64_VA_BITS="64"), 31, "from 36 to 52"),
        (changed(CONFIGS["debian-6.1-powerpc64le"], PAGE_SIZE_64KB="n", PPC_64K_PAGES="n",
                 PPC_4K_PAGES="y"), None,
         "has pages of 4 KiB: of powerpc64le kernels with 64 KiB are known"),
        (changed(CONFIGS["debian-6.1-octeon"], PAGE_SIZE_4KB="n", PAGE_SIZE_64KB="y"), None,
         "has pages of 64 KiB: of mips64el kernels with 4 KiB, 16 KiB are known"),
    ],
)  # fmt: skip
def test_refused(text: str, line: int | None, words: str) -> None:
    with pytest.raises(Unreadable) as caught:
        entry_of(read(text), ENTRIES)
    assert words in str(caught.value)
    assert caught.value.line == (line and (text.count("\n") if line == 31 else line))


def test_too_many_options() -> None:
    lines = ((number, f"CONFIG_A{number}=y") for number in range(1, 1_000_000))
    with pytest.raises(Unreadable, match="more than 100,000 options"):
        kconfig.read(lines)


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (ARM64.encode(), True),
        (b"CONFIG_A=y", True),
        (b"# CONFIG_A is not set\n", True),
        (ARM64.replace("\n", "\r\n").encode(), True),
        (b"", False),
        (b"# only\n# comments\n", False),
        (b"[    0.000000] Linux version 6.12\nCONFIG_A=y\n", False),
        (b"80000000-bfffffff : System RAM\n", False),
        (b"\xd0\x0d\xfe\xed" + bytes(60), False),
        (b"export CONFIG_A=y\nmake\n", False),
    ],
)
def test_is_kind(head: bytes, kind: bool) -> None:
    assert is_kind(head) is kind


def refusal(data: bytes) -> str | None:
    """Why a file is refused, None where a kernel can be built of it."""
    try:
        entry, _ = entry_of(kconfig.read(lines_of(data)), ENTRIES)
    except Unreadable as error:
        return str(error)
    assert problems({"mine": entry}, "kernels", "mine.yaml") == []
    build_kernels({**ENTRIES, "mine": entry}, {"mine": "mine.yaml"})
    return None


ALL = [text.encode() for text in CONFIGS.values()]


@FUZZ
@given(data=st.one_of(mutated(ALL), st.binary(max_size=2000)))
def test_fuzz(data: bytes) -> None:
    """Whatever the bytes: a kernel that can be built, or a clear message."""
    is_kind(data)
    assert (refusal(data) or "none").isprintable()


NAMES = sorted({name for text in CONFIGS.values() for name in read(text).values})
VALUES = st.sampled_from(["y", "n", "m", "0", "1", "9", "11", "48", "52", "99999", '"x"', ""])


@FUZZ
@given(
    text=st.sampled_from(list(CONFIGS.values())),
    options=st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=6),
    release=st.sampled_from(["2.6.32", "4.4", "5.2", "5.10.9", "6.1", "6.6.20", "7.9", "99.0"]),
)
def test_fuzz_options(text: str, options: dict[str, str], release: str) -> None:
    """Whatever the options: a kernel that can be built, or a clear message."""
    data = of_release(changed(text, **options), release).encode()
    assert (refusal(data) or "none").isprintable()
