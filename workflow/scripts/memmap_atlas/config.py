"""From the files that people write to values: a configuration and its sweeps, with machines.

Names become values here; nothing behind this room looks anything up.
"""

import math
from collections.abc import Iterable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from memmap_atlas.boards import Board, load_boards
from memmap_atlas.documents import (
    ConfigError,
    Problem,
    load_yaml,
    nearest,
    noting,
    problems,
    refuse,
)
from memmap_atlas.documents import (
    shown as in_short,
)
from memmap_atlas.figure_plan import FIGURES, figures_of
from memmap_atlas.kernel import Kernel
from memmap_atlas.kernel_file import Entries, build_kernels, read_entries
from memmap_atlas.map_files import kernel_entry, layouts_of_files
from memmap_atlas.models import MODELS
from memmap_atlas.sweep import (
    GRID_AXES,
    HIGHEST_ADDRESS,
    Axis,
    Grid,
    Layout,
    Range,
    SourceFile,
    Sweep,
    sections_of,
)
from memmap_atlas.units import parse_size, size_text

NO_BOARDS: Mapping[str, Board] = {}
FILES = {"kernel": "kernels.yaml", "machine": "machines.yaml", "board": "boards.tsv"}
BYTES_PER_POINT = 1  # of a large sweep, as parquet: measured 0.5 to 0.7
# of a sweep: each combination is a row of its figures, each figure a job
MOST_COMBINATIONS = 100_000
MOST_FIGURES = 1000
MOST_HINTS = 20


def load_machines(path: Path) -> dict[str, Layout]:
    """Regions of real machines by name, from a file in the form of config/machines.yaml.

    Raises ConfigError with all problems of the file.
    """
    content = load_yaml(path)
    wrong = problems(content, "machines", path.name)
    refuse(wrong)
    machines = {}
    for name, entry in content.items():
        machines[name], found = regions_of(entry["regions"], path.name, (name, "regions"))
        wrong += found
    refuse(wrong)
    return machines


def regions_of(
    pairs: list[list[int | str]], file: str, path: tuple[str, ...]
) -> tuple[Layout, list[Problem]]:
    """Regions in address order, and what is wrong with them: empty or overlapping."""
    regions = sorted((parse_size(start), parse_size(end)) for start, end in pairs)
    wrong = []
    for start, end in regions:
        if end <= start:
            text = f"the region [{start:#x}, {end:#x}) is empty: its end must lie above its start"
            wrong.append(Problem(file, path, text))
    for (start, end), (next_start, next_end) in pairwise(regions):
        if start < end and next_start < end:
            text = (
                f"the regions [{start:#x}, {end:#x}) and [{next_start:#x}, {next_end:#x}) overlap"
            )
            wrong.append(Problem(file, path, text))
    return tuple(regions), wrong


def load_sweep(
    path: Path,
    shown: str,
    kernel_entries: Entries,
    machines: Mapping[str, Layout],
    max_points: int,
    boards: Mapping[str, Board] = NO_BOARDS,
) -> Sweep:
    """The sweep of one file, called ``shown`` in messages, with what it names filled in.

    Raises ConfigError with all problems of the file.
    """
    content = load_yaml(path)
    wrong = problems(content, "sweep", shown)
    if not isinstance(content, dict):
        raise ConfigError(wrong)
    unsound = [problem.path for problem in wrong]

    def sound(absent: Any, *keys: str) -> Any:
        """The value at ``keys``; ``absent`` where it is not there or its form is wrong."""
        value: Any = content
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        return absent if value is None or any(p[: len(keys)] == keys for p in unsound) else value

    sources: list[SourceFile] = []
    written = dict(sound({}, "custom_kernels"))
    for name, entry in written.items():
        if isinstance(entry, dict) and isinstance(entry.get("config"), str):
            with noting(wrong):
                written[name], source = kernel_entry(name, entry, kernel_entries, path.parent)
                sources.append(source)
    custom: dict[str, Any] = {}
    with noting(wrong):
        custom = custom_kernels(written, kernel_entries, shown)
    kernels: dict[str, Kernel] = {}
    with noting(wrong):
        kernels = chosen_kernels(sound([], "kernels"), kernel_entries, custom, shown)
    page = max((kernel.page_size for kernel in kernels.values()), default=4096)
    grid = None
    with noting(wrong):
        if axes := sound(None, "layouts", "grid"):
            grid = read_grid(axes, page, shown)
    regions: dict[str, Layout] = {}
    with noting(wrong):
        regions |= named_regions(sound({}, "layouts", "regions"), shown)
    with noting(wrong):
        regions |= chosen_machines(sound([], "layouts", "machines"), machines, set(regions), shown)
    with noting(wrong):
        regions |= chosen_boards(sound([], "layouts", "boards"), boards, set(regions), shown)
    with noting(wrong):
        patterns = sound([], "layouts", "files")
        maps, files = layouts_of_files(patterns, path.parent, set(regions), shown)
        regions |= maps
        sources += files
    sections: tuple[int | None, ...] = ()
    with noting(wrong):
        sections = read_sections(sound(["kernel"], "section_size"), page, shown)
    refuse(wrong)
    sweep = Sweep(
        name=content["name"],
        # a sentence of a caption: one line, however it is folded
        description=" ".join(content.get("description", "").split()),
        grid=grid,
        regions=regions,
        kernels=kernels,
        section_sizes=sections,
        models=tuple(MODELS) if content["models"] == "all" else tuple(content["models"]),
        figures=tuple(content.get("figures", ())),
        sources=tuple(sources),
    )
    # before anything that counts its points one by one
    refuse([Problem(shown, (), text) for text in too_large(sweep, max_points)])
    wrong = [
        Problem(shown, ("figures",), f"{figure} {lack}")
        for figure in sweep.figures
        if (lack := FIGURES[figure].lacks(sweep))
    ]
    if (count := len(figures_of(sweep))) > MOST_FIGURES:
        text = f"{count:,} figures, a job for each, are more than {MOST_FIGURES:,}"
        wrong.append(Problem(shown, ("figures",), text))
    refuse(wrong)
    return sweep


def too_large(sweep: Sweep, max_points: int) -> list[str]:
    """What a sweep above a limit would take; none where it is within all.

    Its numbers are products of lengths: a grid can have more points than memory or a length has
    room for.
    """
    axes = [getattr(sweep.grid, axis) for axis in GRID_AXES] if sweep.grid is not None else []
    layouts = len(sweep.regions) + (math.prod(map(len, axes)) if axes else 0)
    combinations = len(sweep.models) * sum(
        len(sections_of(kernel, sweep.section_sizes)) for kernel in sweep.kernels.values()
    )
    points = layouts * combinations
    found = []
    if points > max_points:
        found.append(
            f"{points:,} points ({layouts:,} layouts x {combinations:,} combinations of kernel, "
            f"section size and model) are more than max_points, {max_points:,}: about "
            f"{points * BYTES_PER_POINT / (1 << 30):,.1f} GiB of parquet. Shorten an axis, or "
            "raise max_points in the configuration"
        )
    if combinations > MOST_COMBINATIONS:
        found.append(
            f"{combinations:,} combinations of kernel, section size and model are more than "
            f"{MOST_COMBINATIONS:,}: name fewer kernels, section sizes or models"
        )
    return found


def custom_kernels(value: Any, shipped: Entries, file: str) -> dict[str, Mapping[str, Any]]:
    """A sweep's own kernels, as they are written."""
    wrong = [
        Problem(file, ("custom_kernels", *problem.path), problem.text)
        for problem in problems(value, "kernels", file)
    ]
    if isinstance(value, dict):
        wrong += [
            Problem(
                file, ("custom_kernels", name), "a kernel that ships has this name: choose another"
            )
            for name in value.keys() & shipped.keys()
        ]
    refuse(wrong)
    return dict(value)


def chosen_kernels(
    value: Any,
    shipped: Entries,
    custom: Entries,
    file: str,
) -> dict[str, Kernel]:
    """The kernels that a sweep names; its own ones are checked even where it names them not."""
    entries = {**shipped, **custom}
    names = list(entries) if value == "all" else list(value)
    wrong = unknown(names, entries, "kernel", file, ("kernels",))
    kernels: dict[str, Kernel] = {}
    faults: list[Problem] = []
    with noting(faults):
        kernels = build_kernels(
            entries, {name: file for name in [*names, *custom] if name in entries}
        )
    wrong += [Problem(file, ("custom_kernels", *fault.path), fault.text) for fault in faults]
    refuse(wrong)
    return {name: kernels[name] for name in names}


def chosen_machines(
    value: Any, machines: Mapping[str, Layout], taken: set[str], file: str
) -> dict[str, Layout]:
    """The machines that a sweep names, none of them ``taken`` as the name of a layout."""
    path = ("layouts", "machines")
    names = list(machines) if value == "all" else list(value)
    wrong = unknown(names, machines, "machine", file, path)
    wrong += [
        Problem(file, path, f"{name!r} is the name of a layout under regions too")
        for name in names
        if name in taken
    ]
    refuse(wrong)
    return {name: machines[name] for name in names}


def chosen_boards(
    value: Any, boards: Mapping[str, Board], taken: set[str], file: str
) -> dict[str, Layout]:
    """The boards that a sweep names one by one or by their architecture, none of them ``taken``."""
    path = ("layouts", "boards")
    arches = {board.arch for board in boards.values()}
    chosen = list(arches) if value == "all" else list(value)
    wrong = unknown(chosen, {**boards, **dict.fromkeys(arches)}, "board", file, path)
    names = [name for name in boards if name in chosen or boards[name].arch in chosen]
    wrong += [
        Problem(file, path, f"{name!r} is the name of another layout too")
        for name in names
        if name in taken
    ]
    refuse(wrong)
    return {name: boards[name].regions for name in names}


def unknown(
    names: Iterable[str],
    known: Mapping[str, Any],
    kind: str,
    file: str,
    path: tuple[str, ...],
) -> list[Problem]:
    """A problem for each name that is not known, with the nearest that is."""
    every: list[str] = list(known)
    wrong: list[Problem] = []
    for place, name in enumerate(names):
        if name not in known:
            # a hint is a search of its own
            hint = nearest(name, every) if len(wrong) < MOST_HINTS else ""
            text = f"no {kind} {in_short(name)}"
            text += hint or f"; the {kind}s stand in config/{FILES[kind]}"
            wrong.append(Problem(file, (*path, place), text))
    return wrong


def named_regions(value: Any, file: str, path: tuple[str, ...] = ("layouts",)) -> dict[str, Layout]:
    """Layouts given by their regions."""
    regions, wrong = {}, []
    for name, pairs in value.items():
        regions[name], found = regions_of(pairs, file, (*path, "regions", name))
        wrong += found
    refuse(wrong)
    return regions


def read_axis(value: Any, file: str, path: tuple[str, ...]) -> Axis:
    """A list of sizes or a range of them.

    Raises ConfigError for a range that never arrives, and for a value that stands twice.
    """
    if isinstance(value, list):
        values = tuple(parse_size(size) for size in value)
        if len(set(values)) < len(values):
            text = f"a value stands twice: {', '.join(map(str, value[:MOST_HINTS]))}"
            raise ConfigError([Problem(file, path, text)])
        return values
    start, stop = parse_size(value["from"]), parse_size(value["to"])
    step, factor = parse_size(value.get("step", 0)), int(value.get("factor", 0))
    wrong = []
    if ("step" in value) == ("factor" in value):
        wrong.append("a range has a step or a factor, and one of them only")
    elif "step" in value and step == 0:
        wrong.append("a step of 0 never arrives: give it a size, such as 64MiB")
    elif "factor" in value and start == 0:
        wrong.append("a range with a factor can't start from 0: it never leaves it")
    if stop < start:
        wrong.append(f"from {value['from']} to {value['to']} has no value: to lies below from")
    if wrong:
        raise ConfigError([Problem(file, path, text) for text in wrong])
    return Range(start, stop, step, factor)


def read_grid(value: Any, page: int, file: str) -> Grid:
    """The axes of grid layouts, in whole pages of ``page`` bytes, the largest of the sweep."""
    place = ("layouts", "grid")
    absent = {"base": [0], "hole_start": [0], "hole_size": [0]}
    axes: dict[str, Axis] = {}
    wrong: list[Problem] = []
    for name in GRID_AXES:
        with noting(wrong):
            axes[name] = read_axis(value.get(name, absent.get(name)), file, (*place, name))
            wrong += ragged(axes[name], page, file, (*place, name))
            if name in value and name.endswith("_size") and lowest(axes[name]) == 0:
                what = "a hole of size 0 is no hole" if name == "hole_size" else "RAM of size 0"
                text = f"{what}: give a size of one page or more, or leave it out"
                wrong.append(Problem(file, (*place, name), text))
    refuse(wrong)
    grid = Grid(**axes)
    if "hole_start" in value and lowest(grid.hole_start) < highest(grid.base):
        text = (
            f"a hole at {lowest(grid.hole_start):#x} lies below the base {highest(grid.base):#x}: "
            "hole_start is an address, not an offset"
        )
        wrong.append(Problem(file, (*place, "hole_start"), text))
    end = highest(grid.base) + highest(grid.ram_size) + highest(grid.hole_size)
    if end > HIGHEST_ADDRESS:
        text = f"RAM would end at {end:#x}, above {HIGHEST_ADDRESS:#x}"
        wrong.append(Problem(file, place, text))
    refuse(wrong)
    return grid


def lowest(axis: Axis) -> int:
    """The smallest value of an axis."""
    return axis.start if isinstance(axis, Range) else min(axis)


def highest(axis: Axis) -> int:
    """A bound on the values of an axis."""
    return axis.stop if isinstance(axis, Range) else max(axis)


def ragged(axis: Axis, page: int, file: str, path: tuple[str, ...]) -> list[Problem]:
    """Values of an axis that are no whole pages; of a range, its start and step say it for all."""
    values = (axis.start, axis.step) if isinstance(axis, Range) else axis
    return [
        Problem(
            file,
            path,
            f"{size_text(value)} is no whole number of pages of {size_text(page)}, the largest "
            "page of the sweep's kernels (ragged maps can be given under regions)",
        )
        for value in values
        if value % page
    ]


def read_sections(value: Any, page: int, file: str) -> tuple[int | None, ...]:
    """Section sizes: powers of two of at least a page, or None for the kernel's own."""
    path = ("section_size",)
    listed = value if isinstance(value, list) else []
    sizes: Axis = ()
    if listed != ["kernel"]:
        rest = [size for size in listed if size != "kernel"] if listed else value
        sizes = read_axis(rest, file, path)
    if len(sizes) > HIGHEST_ADDRESS.bit_length():
        text = f"{len(sizes):,} sizes are more than there are powers of two: use factor: 2"
        raise ConfigError([Problem(file, path, text)])
    refuse(
        [
            Problem(
                file,
                path,
                f"{size_text(size)} is no section: a power of two of at least one page "
                f"({size_text(page)}), such as 128MiB",
            )
            for size in sizes
            if size.bit_count() != 1 or size < page
        ]
    )
    own: tuple[int | None, ...] = (None,) if "kernel" in listed else ()
    return (*own, *sizes)


def chosen_file(
    entry: str, kind: str, root: Path, folder: Path, place: tuple[str | int, ...]
) -> tuple[Path, str]:
    """The file of a sweep or a lab, by its name under config/ or a path from ``folder``; and what
    it is called in messages.

    Raises ConfigError where nothing ships under that name; ``place`` is where it stands.
    """
    if entry.endswith((".yaml", ".yml")):
        return folder / entry, entry
    shipped = {path.stem: path for path in sorted((root / f"config/{kind}s").glob("*.yaml"))}
    if entry not in shipped:
        text = f"no {kind} {in_short(entry)}{nearest(entry, list(shipped))}; "
        text += f"there are {', '.join(shipped)}, or give a path to a .yaml file"
        raise ConfigError([Problem("config" if place else "", place, text)])
    return shipped[entry], f"config/{kind}s/{entry}.yaml"


def checked_kernels(root: Path) -> tuple[Entries, dict[str, str]]:
    """What is written of the kernels that ship, and in which file.

    Raises ConfigError with all that is wrong in it.
    """
    entries, files = read_entries(root / "config/kernels.yaml")
    build_kernels(entries, files)
    return entries, files


def load_sweeps(config: Mapping[str, Any], root: Path, folder: Path) -> list[Sweep]:
    """The sweeps that a configuration lists; ``root`` holds config/, ``folder`` is where paths
    start.

    Raises ConfigError with all problems of the configuration and of every file that it names.
    """
    wrong = problems(config, "config", "config")
    refuse(wrong)
    with noting(wrong):
        entries, _ = checked_kernels(root)
    with noting(wrong):
        machines = load_machines(root / "config/machines.yaml")
    with noting(wrong):
        boards = load_boards(root / "config/boards.tsv")
    refuse(wrong)
    sweeps: list[Sweep] = []
    for place, entry in enumerate(config["sweeps"]):
        with noting(wrong):
            path, shown = chosen_file(entry, "sweep", root, folder, ("sweeps", place))
            sweep = load_sweep(path, shown, entries, machines, config["max_points"], boards)
            if any(sweep.name == other.name for other in sweeps):
                text = (
                    f"another sweep of this run is called {sweep.name!r}: they would share a folder"
                )
                wrong.append(Problem(shown, ("name",), text))
            sweeps.append(sweep)
    refuse(wrong)
    return sweeps
