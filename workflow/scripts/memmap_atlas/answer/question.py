"""From the files that a user asks about to the sweeps that answer for them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from memmap_atlas.answer.kernel_match import match_kernel
from memmap_atlas.catalog.kernels import build_kernels
from memmap_atlas.documents.errors import ConfigError, Problem, nearest, refuse
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
    """What a user asks about.

    layout: the map's name
    file: where it stands, from the working directory
    kernel: by name, the one that runs on it
    reason: why it is that one, in words
    every: the sweep of all kernels and models
    alone: the sweep of this kernel with all models
    asked: the configuration that asks it, as on a command line
    """

    layout: str
    file: str
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
    """The question of a configuration: ``file`` is a memory map, or with it the .config of the
    kernel that runs on it; ``kernel`` says which of the shipped ones does.

    ``root`` holds config/; paths start at ``folder``. Raises ConfigError with what is wrong.
    """
    refuse(problems(config, "config", "config"))
    asked = config["file"]
    entries, files = checked_kernels(root)
    names = matching([asked] if isinstance(asked, str) else asked, folder, "config", ("file",))
    refuse_names(names, "config", ("file",))
    read = [read_file(folder / name, name) for name in names]
    maps = [one for one in read if isinstance(one.content, MemoryMap)]
    configs = [one for one in read if one not in maps]
    if len(maps) != 1 or len(configs) > 1:
        text = f"{listing(maps)} and {listing(configs, 'configuration')}: give one file with a "
        text += "memory map, and with it at most one kernel's .config (for many maps, write a "
        text += "sweep with layouts.files)"
        raise ConfigError([Problem("config", ("file",), text)])
    (found,) = maps
    assert isinstance(found.content, MemoryMap)
    layout = layout_name(found.file)
    sources = [source_of(layout, found)]
    kernel, reason = "", ""
    for one in configs:
        kernel, reason = "given", f"{one.file} is its configuration"
        entry, source = kernel_entry(kernel, {"config": one.file}, entries, folder)
        entries, files = {**entries, kernel: entry}, {**files, kernel: one.file}
        sources.append(source)
    kernels = build_kernels(entries, files)
    if wanted := config.get("kernel"):
        if wanted not in kernels:
            text = f"no kernel {wanted!r}{nearest(wanted, list(kernels))}: they stand in "
            raise ConfigError([Problem("config", ("kernel",), f"{text}config/kernels.yaml")])
        kernel, reason = wanted, "it was asked for"
    if not kernel:
        kernel, reason = match_kernel(found.content.told, kernels)
    every = sweep_of(layout, found, kernels, tuple(sources))
    alone = sweep_of(layout, found, {kernel: kernels[kernel]}, tuple(sources), "--kernel")
    told = (f"file={as_yaml(names)}", *([f"kernel={wanted}"] if wanted else []))
    return Question(layout, found.file, kernel, reason, every, alone, told)


def listing(read: list[Read], what: str = "map") -> str:
    """How many files of a sort there are, and which."""
    names = f" ({', '.join(one.file for one in read[:4])})" if read else ""
    return f"{len(read)} {what}{'' if len(read) == 1 else 's'}{names}"


def sweep_of(
    layout: str,
    found: Read,
    kernels: Mapping[str, Kernel],
    sources: tuple[SourceFile, ...],
    suffix: str = "",
) -> Sweep:
    """The sweep of one map over some kernels, with the figure that it has room for.

    A layout's name has no two dashes in a row, so that no other map's sweep is called the same.
    """
    assert isinstance(found.content, MemoryMap)
    return Sweep(
        name=f"answer-{layout}{suffix}",
        description=f"The memory map of {found.file}: {found.content.kind}.",
        grid=None,
        regions={layout: found.content.regions},
        kernels=kernels,
        section_sizes=(None,),
        models=tuple(MODELS),
        figures=("section-strip",) if len(kernels) == 1 else ("kernel-heatmap",),
        sources=sources,
    )
