"""Question of a user: the file, the kernel that runs on it, and the sweeps that answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from memmap_atlas.answer.kernel_match import match_kernel
from memmap_atlas.catalog.kernels import build_kernels
from memmap_atlas.documents.errors import InputError, Problem, nearest, refuse
from memmap_atlas.documents.validate import problems
from memmap_atlas.documents.yaml_loader import as_yaml
from memmap_atlas.memmodel.kernel import Kernel
from memmap_atlas.memmodel.models import MODELS
from memmap_atlas.readers.dispatch import Read, read_file
from memmap_atlas.readers.memory_map import MemoryMap
from memmap_atlas.sweep.design import SourceFile, Sweep
from memmap_atlas.sweepfile.machine_files import (
    kernel_entry,
    layout_name,
    matching,
    refuse_names,
    source_of,
)
from memmap_atlas.sweepfile.sweeps import checked_kernels


@dataclass(frozen=True)
class Question:
    """File of a user, and the sweeps that answer for it.

    layout: name of its map
    file: path from the working directory
    memory: what was read of it
    kernel: name of the kernel that runs on it
    reason: why it is that one, in words
    every: sweep of all kernels and models
    alone: sweep of this kernel with all models
    asked: the configuration that asks it, as on a command line
    """

    layout: str
    file: str
    memory: MemoryMap
    kernel: str
    reason: str
    every: Sweep
    alone: Sweep
    asked: tuple[str, ...]

    @property
    def sweeps(self) -> tuple[Sweep, Sweep]:
        """Both sweeps."""
        return self.every, self.alone


def question_of(config: Mapping[str, Any], root: Path, folder: Path) -> Question:
    """Return the question of a configuration: ``file`` is a memory map, or with it the .config of
    the kernel that runs on it; ``kernel`` names one of the shipped kernels instead.

    ``root`` holds config/; paths start at ``folder``. Raises InputError with every mistake.
    """
    refuse(problems(config, "config", "config"))
    asked = config["file"]
    entries, files = checked_kernels(root)
    names = matching([asked] if isinstance(asked, str) else asked, folder, "config", ("file",))
    refuse_names(names, "config", ("file",))
    read = [read_file(folder / name, name) for name in names]
    maps = [(file, file.content) for file in read if isinstance(file.content, MemoryMap)]
    configs = [file for file in read if not isinstance(file.content, MemoryMap)]
    if len(maps) != 1 or len(configs) > 1:
        listed = listing([file for file, _ in maps], "map")
        text = f"{listed} and {listing(configs, 'configuration')}: give one file with a "
        text += "memory map, and with it at most one kernel's .config (for many maps, write a "
        text += "sweep with layouts.files)"
        raise InputError([Problem("config", ("file",), text)])
    ((file, memory),) = maps
    layout = layout_name(file.file)
    sources = [source_of(layout, file)]
    kernel, reason = "", ""
    for kernel_config in configs:
        kernel, reason = "given", f"{kernel_config.file} is its configuration"
        entry, source = kernel_entry(kernel, {"config": kernel_config.file}, entries, folder)
        entries, files = {**entries, kernel: entry}, {**files, kernel: kernel_config.file}
        sources.append(source)
    kernels = build_kernels(entries, files)
    if wanted := config.get("kernel"):
        if wanted not in kernels:
            text = f"no kernel {wanted!r}{nearest(wanted, list(kernels))}: they stand in "
            raise InputError([Problem("config", ("kernel",), f"{text}config/kernels.yaml")])
        kernel, reason = wanted, "it was asked for"
    if not kernel:
        kernel, reason = match_kernel(memory.hints, kernels)
    every = sweep_of(layout, file.file, memory, kernels, tuple(sources))
    only = {kernel: kernels[kernel]}
    alone = sweep_of(layout, file.file, memory, only, tuple(sources), "--kernel")
    words = (f"file={as_yaml(names)}", *([f"kernel={wanted}"] if wanted else []))
    return Question(layout, file.file, memory, kernel, reason, every, alone, words)


def listing(read: list[Read], noun: str) -> str:
    """Count files in words, and name the first four."""
    names = f" ({', '.join(file.file for file in read[:4])})" if read else ""
    return f"{len(read)} {noun}{'' if len(read) == 1 else 's'}{names}"


def sweep_of(
    layout: str,
    file: str,
    memory: MemoryMap,
    kernels: Mapping[str, Kernel],
    sources: tuple[SourceFile, ...],
    suffix: str = "",
) -> Sweep:
    """Return the sweep of one map over some kernels, with the figure that it has room for.

    A layout's name has no two dashes in a row, so that no other map's sweep has the same name.
    """
    return Sweep(
        name=f"answer-{layout}{suffix}",
        description=f"The memory map of {file}: {memory.kind}.",
        grid=None,
        regions={layout: memory.regions},
        kernels=kernels,
        section_sizes=(None,),
        models=tuple(MODELS),
        figures=("section-strip",) if len(kernels) == 1 else ("kernel-heatmap",),
        sources=sources,
    )
