"""Sweep files to sweeps, with the kernels, machines and boards that they name.

Names become values here; no later step looks a name up.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from memmap_atlas.catalog.boards import Board, load_boards
from memmap_atlas.catalog.kernels import Entries, build_kernels, kernel_problems, read_entries
from memmap_atlas.catalog.machines import load_machines, regions_of
from memmap_atlas.documents.errors import ConfigError, Problem, nearest, noting, refuse
from memmap_atlas.documents.errors import shown as in_short
from memmap_atlas.documents.validate import problems
from memmap_atlas.documents.yaml_loader import load_yaml
from memmap_atlas.figures.registry import FIGURES, figures_of
from memmap_atlas.memmodel.kernel import Kernel
from memmap_atlas.memmodel.models import MODELS
from memmap_atlas.memmodel.regions import Layout
from memmap_atlas.sweep.design import SourceFile, Sweep, sections_of
from memmap_atlas.sweepfile.grid import GRID_FORM, MOST_HINTS, read_grid, read_sections
from memmap_atlas.sweepfile.machine_files import kernel_entry, layouts_of_files

NO_BOARDS: Mapping[str, Board] = {}


# what sweep.schema.yaml takes from the code
SWEEP_DEFINITIONS: Mapping[str, Any] = {
    "model": {"enum": list(MODELS)},
    "figure": {"enum": list(FIGURES)},
    "grid": GRID_FORM,
}


FILES = {"kernel": "kernels.yaml", "machine": "machines.yaml", "board": "boards.tsv"}


BYTES_PER_POINT = 1  # of a large sweep, as parquet: measured 0.5 to 0.7


# of a sweep: each combination is a row of its figures, each figure a job
MOST_COMBINATIONS = 100_000


MOST_FIGURES = 1000


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
    wrong = problems(content, "sweep", shown, SWEEP_DEFINITIONS)
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
    """Return a text for each limit that a sweep exceeds, with what it would take.

    Nothing is counted one by one: a grid can have more points than fit memory.
    """
    layouts = sweep.layouts
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
        for problem in kernel_problems(value, file)
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
