"""Sweeps: the design space of one file, with the values of everything that it names.

A :class:`Sweep` is self-contained: kernels and machines are in it by value, sizes are bytes. It
is written to results/<sweep>/sweep.resolved.yaml and read back from there.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from memmap_atlas.documents.source_file import SourceFile
from memmap_atlas.memmodel.kernel import Kernel, kernel_from, kernel_values

# traits of models for figures, which know none of their rules
from memmap_atlas.memmodel.models import MODELS as MODELS
from memmap_atlas.memmodel.models import PROPOSALS as PROPOSALS
from memmap_atlas.memmodel.regions import Layout
from memmap_atlas.sweep.axes import AXES, Grid, Range

# in C where PyYAML has it: a sweep can have thousands of layouts
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# points in a file of the dataset, or more where there would be too many files
POINTS_PER_PART, MOST_PARTS = 50_000_000, 200
# points in a row group, held in memory at once: some 25 MB of columns
POINTS_PER_GROUP = 1 << 17


class Combination(NamedTuple):
    """Name of a kernel, section size in bytes, and model that all layouts are evaluated under."""

    kernel: str
    section_size: int
    model: str


@dataclass(frozen=True)
class Sweep:
    """Layouts x kernels x section sizes x models.

    regions: named layouts
    kernels: by name, in the order of the sweep file
    section_sizes: bytes; None is the size that a kernel ships with
    sources: of the layouts and kernels that were read from files
    """

    name: str
    description: str
    grid: Grid | None
    regions: Mapping[str, Layout]
    kernels: Mapping[str, Kernel]
    section_sizes: tuple[int | None, ...]
    models: tuple[str, ...]
    figures: tuple[str, ...]
    sources: tuple[SourceFile, ...] = ()

    @property
    def layouts(self) -> int:
        """Number of layouts."""
        return len(self.regions) + (self.grid.layouts if self.grid else 0)

    @property
    def combinations(self) -> list[Combination]:
        """Combinations in the order of the table."""
        return [
            Combination(name, section, model)
            for name, kernel in self.kernels.items()
            for section in sections_of(kernel, self.section_sizes)
            for model in self.models
        ]

    @property
    def points(self) -> int:
        """Number of rows of the table."""
        return self.layouts * len(self.combinations)

    @property
    def layouts_per_group(self) -> int:
        """Number of layouts whose points under one kernel fill a row group of the dataset, a
        multiple of eight: their indices repeat with each combination, and whole bytes of them
        compress to almost nothing.
        """
        most = max(Counter(combination.kernel for combination in self.combinations).values())
        layouts = max(POINTS_PER_GROUP // most, 1)
        return layouts - layouts % 8 if layouts > 8 else layouts

    @property
    def groups(self) -> list[list[Combination]]:
        """Combinations that share a row group, in order: all of a kernel, and those of further
        kernels as far as there is room.
        """
        room = POINTS_PER_GROUP // min(self.layouts, self.layouts_per_group)
        groups: list[list[Combination]] = [[]]
        for _, same_kernel in groupby(self.combinations, key=attrgetter("kernel")):
            of_kernel = list(same_kernel)
            if groups[-1] and len(groups[-1]) + len(of_kernel) > room:
                groups.append([])
            groups[-1] += of_kernel
        return groups

    @property
    def layouts_per_part(self) -> int:
        """Number of layouts in a file of the dataset, which one job evaluates: whole row groups.
        It depends on the number of points alone, never on the machine.
        """
        points = max(POINTS_PER_PART, -(-self.points // MOST_PARTS))
        row_groups = -(-points // (self.layouts_per_group * len(self.combinations)))
        return row_groups * self.layouts_per_group

    @property
    def parts(self) -> int:
        """Number of files of the dataset."""
        return -(-self.layouts // self.layouts_per_part)


def sections_of(kernel: Kernel, section_sizes: tuple[int | None, ...]) -> tuple[int, ...]:
    """Return the section sizes of a kernel's points in bytes, each once, in the order given."""
    return tuple(dict.fromkeys(size or kernel.section_size for size in section_sizes))


def resolved(sweep: Sweep) -> dict[str, Any]:
    """Return the sweep in native types, as YAML, JSON and Snakemake's params take them."""
    values = asdict(sweep)
    values["grid"] = sweep.grid and {
        name: asdict(axis) if isinstance(axis, Range) else list(axis)
        for name in AXES
        for axis in [sweep.grid[name]]
    }
    values["regions"] = {
        name: [list(region) for region in regions] for name, regions in sweep.regions.items()
    }
    values["kernels"] = {name: kernel_values(kernel) for name, kernel in sweep.kernels.items()}
    for key in ("section_sizes", "models", "figures"):
        values[key] = list(values[key])
    values["sources"] = [
        {**asdict(source), "notes": list(source.notes)} for source in sweep.sources
    ]
    return values


def sweep_from(values: Mapping[str, Any]) -> Sweep:
    """Return the sweep whose :func:`resolved` is ``values``, with or without description and
    figures.
    """
    grid = values["grid"]
    return Sweep(
        name=values["name"],
        description=values.get("description", ""),
        grid=grid
        and Grid(
            **{
                name: Range(**axis) if isinstance(axis, dict) else tuple(axis)
                for name, axis in grid.items()
            }
        ),
        regions={
            name: tuple((start, end) for start, end in regions)
            for name, regions in values["regions"].items()
        },
        kernels={name: kernel_from(kernel) for name, kernel in values["kernels"].items()},
        section_sizes=tuple(values["section_sizes"]),
        models=tuple(values["models"]),
        figures=tuple(values.get("figures", ())),
        sources=tuple(
            SourceFile(**{**source, "notes": tuple(source["notes"])})
            for source in values["sources"]
        ),
    )


def load(path: Path) -> Sweep:
    """Return the sweep of a sweep.resolved.yaml."""
    return sweep_from(yaml.load(path.read_text(encoding="utf-8"), Loader=LOADER))
