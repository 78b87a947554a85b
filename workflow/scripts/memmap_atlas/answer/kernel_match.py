"""Which of the shipped kernels stands for the one that a file tells of."""

import re
from collections.abc import Mapping

from memmap_atlas.memmodel.kernel import Kernel
from memmap_atlas.memmodel.release import UNKNOWN, Release
from memmap_atlas.readers.memory_map import KernelHints

# of files that tell of no kernel, such as device trees
ASSUMED = "arm64-6.12-4k"
OTHERWISE = f"{ASSUMED} is assumed, give kernel=... for another one"
SMALLEST_PAGE = 4096
# 6.1.0-13-cloud-arm64: how Debian calls its kernels
DEBIAN = re.compile(r"-\d+(?:\.bpo\.\d+)?-((?:[a-z]+-)?(?:arm64|amd64|686|armmp|s390x)\S*)$")


def series_of(text: str | None) -> Release:
    """Release without its patch level, UNKNOWN where ``text`` has none."""
    return (Release.parse(text) or UNKNOWN).series


def match_kernel(told: KernelHints, kernels: Mapping[str, Kernel]) -> tuple[str, str]:
    """The kernel's name among ``kernels``, and in words why it is that one.

    That is of the architecture and page size told (4 KiB where none is), of the newest release not
    above the one told, or the oldest; Debian's own where the release is one of Debian's.
    """
    if told.arch is None:
        return ASSUMED, f"the file tells of no kernel: {OTHERWISE}"
    page = told.page_size or SMALLEST_PAGE
    fitting = [name for name, kernel in kernels.items() if kernel.arch == told.arch]
    of_page = [name for name in fitting if kernels[name].page_size == page]
    if not fitting:
        return ASSUMED, f"no kernel of {told.arch} ships with the atlas: {OTHERWISE}"
    release = series_of(told.release)
    flavour = DEBIAN.search(told.release or "")
    named = f"debian-{release}-{flavour[1]}" if flavour else ""
    if named in fitting:
        return named, f"the file tells of Linux {told.release}"
    pool = [n for n in of_page or fitting if not n.startswith("debian-")] or of_page or fitting
    below = [name for name in pool if series_of(kernels[name].release) <= release]
    by_release = {name: series_of(kernels[name].release) for name in below or pool}
    newest = max(by_release.values()) if below or not told.release else min(by_release.values())
    chosen = next(name for name, found in by_release.items() if found == newest)
    what = f"Linux {told.release} of {told.arch}" if told.release else f"a kernel of {told.arch}"
    open_ = told.page_size is None and len({kernels[name].page_size for name in fitting}) > 1
    size = ", not of its page size" if open_ else ""
    return chosen, f"the file tells of {what}{size}: {chosen} is the nearest that ships"
