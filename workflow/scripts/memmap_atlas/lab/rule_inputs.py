"""Inputs and parameters of the lab's rules."""

from typing import Any

from memmap_atlas.lab.boards import BOARDS
from memmap_atlas.lab.plan import Lab, Origin
from memmap_atlas.memmodel.kernel import Kernel, kernel_values
from memmap_atlas.pipeline.paths import path


def kernel_source(origin: Origin) -> dict[str, str]:
    """Return the files that the image of a kernel is made from; none where it is a package."""
    if origin.source:
        folder = path("<lab_source>", suite=origin.suite, package=origin.source)
        return {"source": folder, "version": f"{folder}.version"}
    return {"image": origin.image} if origin.image else {}


def build_choice(kernel: Kernel) -> dict[str, str | int]:
    """Return the values that decide how a kernel is built; a boot is compared with the others."""
    return {
        "arch": kernel.arch,
        "model": kernel.default_model,
        "page_size": kernel.page_size,
        "section_size": kernel.section_size,
    }


def userland(kernel: Kernel) -> str:
    """Return the initramfs that a kernel boots into."""
    board = BOARDS[kernel.arch]
    return path("<lab_userland>", suite=board.userland, architecture=board.debian)


def boot_folders(lab: Lab) -> list[str]:
    """Return the folders of all boots of a lab."""
    return [path("<lab_boot>", kernel=kernel, map=name) for kernel, name in lab.boots]


def kernels_of(lab: Lab) -> dict[str, dict[str, Any]]:
    """Return all kernels of a lab in native types."""
    return {name: kernel_values(entry.kernel) for name, entry in lab.kernels.items()}
