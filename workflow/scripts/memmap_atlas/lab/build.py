"""Kernels built from a Debian source package, with a named memory model, page and section size."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from memmap_atlas.lab.debian import Archive, Unavailable, extract, run

RESOURCES = Path(__file__).parents[3] / "resources"
COMPILER = "aarch64-linux-gnu-"
TOOLS = {
    f"{COMPILER}gcc": "gcc-aarch64-linux-gnu",
    "gcc": "gcc",
    "make": "make",
    "bc": "bc",
    "bison": "bison",
    "flex": "flex",
    "xz": "xz-utils",
}
TARBALL = re.compile(r"/linux-source-[^/]*\.tar\.xz$")
LINES_OF_LOG = 8
MODELS = {
    "flatmem": ("CONFIG_FLATMEM_MANUAL=y",),
    "sparsemem": ("CONFIG_SPARSEMEM_MANUAL=y", "# CONFIG_SPARSEMEM_VMEMMAP is not set"),
    "vmemmap": ("CONFIG_SPARSEMEM_MANUAL=y", "CONFIG_SPARSEMEM_VMEMMAP=y"),
}


def missing_tools() -> list[str]:
    """Programs that a build needs and this machine lacks, each with its Debian package."""
    return [
        f"{program} (Debian package {package})"
        for program, package in TOOLS.items()
        if shutil.which(program) is None
    ]


def unpack_source(archive: Archive, package: str, folder: Path) -> str:
    """Unpack a source package into ``folder``; its version."""
    archive.update()
    found = archive.fetch(package, archive.folder)
    tarballs = extract(found.file, TARBALL, archive.folder)
    if not tarballs:
        raise Unavailable(f"no source of Linux in package {package!r} of {archive.where}")
    run(["tar", "-xf", str(tarballs[0]), "-C", str(folder), "--strip-components=1"], package)
    return found.version


@dataclass(frozen=True)
class Choice:
    """Parameters of a build: architecture, memory model, page and section size in bytes."""

    arch: str
    model: str
    page_size: int
    section_size: int

    @property
    def options(self) -> list[str]:
        """The lines of .config that make it so."""
        model = self.model.removesuffix("-free").removesuffix("-base")
        return [*MODELS[model], f"CONFIG_ARM64_{self.page_size >> 10}K_PAGES=y"]


def build(source: Path, name: str, choice: Choice, folder: Path, jobs: int) -> Path:
    """Build the kernel ``name`` out of ``source``, in ``folder``; its Image.

    The same source and compiler give the same image. Raises Unavailable where a tool is missing,
    an option did not last, or the build fails, with the last lines of what it said.
    """
    if choice.arch != "arm64":
        raise Unavailable(f"{name}: kernels are built for arm64 only, not for {choice.arch}")
    if lacking := missing_tools():
        raise Unavailable(f"to build {name}, this machine lacks {', '.join(lacking)}")
    wanted = (RESOURCES / "lab.config").read_text().splitlines() + choice.options
    fragment = folder / "lab.config"
    fragment.write_text("\n".join(wanted) + "\n")
    bits = choice.section_size.bit_length() - 1
    settings = {
        "KCONFIG_ALLCONFIG": str(fragment.resolve()),
        "KCPPFLAGS": f"-include {RESOURCES}/sparsemem.h -DLAB_SECTION_SIZE_BITS={bits}",
        "KBUILD_BUILD_TIMESTAMP": "1970-01-01",
        "KBUILD_BUILD_USER": "lab",
        "KBUILD_BUILD_HOST": "lab",
    }
    tool = ["make", "-s", "-C", str(source.resolve()), f"O={folder.resolve()}", "ARCH=arm64"]
    tool += [f"CROSS_COMPILE={COMPILER}"]
    for goal in (["allnoconfig"], [f"-j{jobs}", "Image"]):
        done = subprocess.run(
            [*tool, *goal], env=os.environ | settings, capture_output=True, text=True
        )
        if done.returncode:
            last = " | ".join(done.stderr.strip().splitlines()[-LINES_OF_LOG:])
            raise Unavailable(f"{name}: the build failed: {last}")
        if lost := lost_options(wanted, (folder / ".config").read_text().splitlines()):
            raise Unavailable(f"{name}: the source does not take {', '.join(lost)}")
    return folder / "arch/arm64/boot/Image"


def lost_options(wanted: list[str], config: list[str]) -> list[str]:
    """Options that a configuration does not have as they are wanted."""
    has = set(config)
    enabled = {line.split("=")[0] for line in config if line.startswith("CONFIG_")}
    off = re.compile(r"^# (CONFIG_\w+) is not set$")
    return [
        line
        for line in wanted
        if (line.startswith("CONFIG_") and line not in has)
        or ((match := off.match(line)) and match[1] in enabled)
    ]
