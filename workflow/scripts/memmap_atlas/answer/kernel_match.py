"""Nearest shipped kernel to the one that wrote a file."""

import re
from collections.abc import Mapping

from memmap_atlas.memmodel.kernel import Kernel
from memmap_atlas.memmodel.release import UNKNOWN, Release
from memmap_atlas.readers.memory_map import KernelHints

# for files without a word of their kernel, such as device trees
ASSUMED = "arm64-6.12-4k"
OTHERWISE = f"{ASSUMED} is assumed, give a kernel by name for another one"
SMALLEST_PAGE = 4096
# 6.1.0-13-cloud-arm64: how Debian calls its kernels
DEBIAN = re.compile(r"-\d+(?:\.bpo\.\d+)?-((?:[a-z]+-)?(?:arm64|amd64|686|armmp|s390x)\S*)$")


def series_of(text: str | None) -> Release:
    """Return the release without its patch level, UNKNOWN where ``text`` has none."""
    return (Release.parse(text) or UNKNOWN).series


def match_kernel(hints: KernelHints, kernels: Mapping[str, Kernel]) -> tuple[str, str]:
    """Return the nearest of ``kernels`` by name, and in words why it is that one.

    It has the architecture and page size of the hints (4 KiB where they lack it), and the newest
    release not above theirs, or the oldest; Debian's own kernel where the release is one of
    Debian's.
    """
    if hints.arch is None:
        return ASSUMED, f"the file tells of no kernel: {OTHERWISE}"
    page = hints.page_size or SMALLEST_PAGE
    of_arch = [name for name, kernel in kernels.items() if kernel.arch == hints.arch]
    of_page = [name for name in of_arch if kernels[name].page_size == page]
    if not of_arch:
        return ASSUMED, f"no kernel of {hints.arch} ships with the atlas: {OTHERWISE}"
    series = series_of(hints.release)
    flavour = DEBIAN.search(hints.release or "")
    debian = f"debian-{series}-{flavour[1]}" if flavour else ""
    if debian in of_arch:
        return debian, f"the file tells of Linux {hints.release}"
    fitting = of_page or of_arch
    upstream = [name for name in fitting if not name.startswith("debian-")] or fitting
    series_by_name = {name: series_of(kernels[name].release) for name in upstream}
    not_above = {name: known for name, known in series_by_name.items() if known <= series}
    if not_above or not hints.release:
        nearest = max((not_above or series_by_name).values())
    else:
        nearest = min(series_by_name.values())
    chosen = next(name for name, known in (not_above or series_by_name).items() if known == nearest)
    described = f"a kernel of {hints.arch}"
    if hints.release:
        described = f"Linux {hints.release} of {hints.arch}"
    page_sizes = {kernels[name].page_size for name in of_arch}
    size = ", not of its page size" if hints.page_size is None and len(page_sizes) > 1 else ""
    return chosen, f"the file tells of {described}{size}: {chosen} is the nearest that ships"
