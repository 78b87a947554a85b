"""Question of a user to the workflow: a machine, and the sweeps that answer for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from memmap_atlas.answer.machine import Machine, machine_of
from memmap_atlas.documents.errors import refuse
from memmap_atlas.documents.yaml_loader import as_yaml
from memmap_atlas.memmodel.kernel import Kernel
from memmap_atlas.memmodel.models import MODELS
from memmap_atlas.sweep.design import Sweep
from memmap_atlas.sweepfile.machine_files import matching, refuse_names
from memmap_atlas.sweepfile.sweeps import checked_kernels, config_problems


@dataclass(frozen=True)
class Question(Machine):
    """Machine, and the sweeps that answer for it.

    every: sweep of all kernels and models
    alone: sweep of the machine's kernel with all models
    asked: the configuration that asks it, as on a command line
    """

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
    refuse(config_problems(config))
    asked, wanted = config["file"], config.get("kernel")
    entries, files = checked_kernels(root)
    names = matching([asked] if isinstance(asked, str) else asked, folder, "config", ("file",))
    refuse_names(names, "config", ("file",))
    machine = machine_of(names, wanted, entries, files, folder, "config: file", "config: kernel")
    every = sweep_of(machine, machine.kernels)
    alone = sweep_of(machine, {machine.kernel: machine.kernels[machine.kernel]}, "--kernel")
    words = (f"file={as_yaml(names)}", *([f"kernel={wanted}"] if wanted else []))
    return Question(**vars(machine), every=every, alone=alone, asked=words)


def sweep_of(machine: Machine, kernels: Mapping[str, Kernel], suffix: str = "") -> Sweep:
    """Return the sweep of a machine's map over some kernels, with the figure that it has room for.

    A layout's name has no two dashes in a row, so that no other map's sweep has the same name.
    """
    return Sweep(
        name=f"answer-{machine.layout}{suffix}",
        description=f"The memory map of {machine.file}: {machine.memory.kind}.",
        grid=None,
        regions={machine.layout: machine.memory.regions},
        kernels=kernels,
        section_sizes=(None,),
        models=tuple(MODELS),
        figures=("section-strip",) if len(kernels) == 1 else ("kernel-heatmap",),
        sources=machine.sources,
    )
