# What a lab asks for. Its file is read when one of its targets is asked for: the sweeps run without.

from dataclasses import asdict
from functools import cache
from shlex import quote

from memmap_atlas.memmodel.kernel import kernel_values
from memmap_atlas.lab.boards import BOARDS
from memmap_atlas.lab.lab_file import the_lab


@cache
def lab():
    """The lab that the configuration names, or the one boot that it asks for."""
    try:
        return the_lab(config, HERE, Path.cwd())
    except ConfigError as error:
        # an error of an input function would come with a traceback
        sys.exit("\n".join(("Error in the lab's configuration:", *map(str, error.problems))))


def lab_library(*modules):
    """The modules that a job of the lab runs on; an edit of another one boots nothing again."""
    folder = HERE / "workflow/scripts/memmap_atlas/lab"
    return [str(path) for module in modules for path in sorted(folder.glob(module))]


def kernel_source(wildcards):
    """What the image of a kernel is made from, where that is no package."""
    origin = lab().kernels[wildcards.kernel].origin
    folder = f"results/lab/sources/{origin.suite}/{origin.source}"
    if origin.source:
        return {"source": folder, "version": f"{folder}.version"}
    return {"image": origin.image} if origin.image else {}


def build_choice(wildcards):
    """What decides how a kernel is built; its other values are what it is held to."""
    kernel = lab().kernels[wildcards.kernel].kernel
    return {
        "arch": kernel.arch,
        "model": kernel.default_model,
        "page_size": kernel.page_size,
        "section_size": kernel.section_size,
    }


def userland(wildcards):
    """The initramfs that a kernel boots into."""
    board = BOARDS[lab().kernels[wildcards.kernel].kernel.arch]
    return f"results/lab/userland/{board.userland}/{board.debian}.cpio"


def boots(wildcards):
    """The folders of all boots."""
    return [f"results/lab/boots/{kernel}/{name}" for kernel, name in lab().boots]


def lab_kernels(wildcards):
    """All kernels of the lab in native types."""
    return {name: kernel_values(entry.kernel) for name, entry in lab().kernels.items()}
