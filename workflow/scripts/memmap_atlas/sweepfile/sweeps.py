"""Sweeps from sweep files, with the values of the kernels, machines and boards that they name.

No later step looks a name up.
"""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from memmap_atlas import __version__
from memmap_atlas.catalog.boards import Board, load_boards
from memmap_atlas.catalog.kernels import Entries, build_kernels, kernel_problems, read_entries
from memmap_atlas.catalog.layouts import layout_of
from memmap_atlas.catalog.machines import load_machines
from memmap_atlas.documents.errors import InputError, Problem, nearest, noting, refuse
from memmap_atlas.documents.errors import shown as in_short
from memmap_atlas.documents.source_file import SourceFile
from memmap_atlas.documents.validate import problems
from memmap_atlas.documents.yaml_loader import load_yaml
from memmap_atlas.figures.registry import FIGURES, figures_of
from memmap_atlas.memmodel.kernel import Kernel
from memmap_atlas.memmodel.models import MODELS
from memmap_atlas.memmodel.regions import Layout
from memmap_atlas.sweep.design import Sweep, sections_of
from memmap_atlas.sweepfile.grid import GRID_FORM, MOST_HINTS, read_grid, read_sections
from memmap_atlas.sweepfile.machine_files import kernel_entry, layouts_of_files
from memmap_atlas.text.units import parse_size

NO_BOARDS: Mapping[str, Board] = {}
# what sweep.schema.yaml takes from the code
SWEEP_DEFINITIONS: Mapping[str, Any] = {
    "model": {"enum": list(MODELS)},
    "figure": {"enum": list(FIGURES)},
    "grid": GRID_FORM,
}
FILES = {"kernel": "kernels.yaml", "machine": "machines.yaml", "board": "boards.tsv"}
# of a large sweep, as parquet: measured 0.5 to 0.7
BYTES_PER_POINT = 1
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
    """Return the sweep of one file, which messages call ``shown``.

    Raises InputError with all problems of the file.
    """
    content = load_yaml(path)
    wrong = problems(content, "sweep", shown, SWEEP_DEFINITIONS)
    if not isinstance(content, dict):
        raise InputError(wrong)
    unsound = [problem.path for problem in wrong]

    def sound(absent: Any, *keys: str) -> Any:
        """Return the value at ``keys``, ``absent`` where it is missing or its form is wrong."""
        value: Any = content
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        return absent if value is None or any(p[: len(keys)] == keys for p in unsound) else value

    sources: list[SourceFile] = []
    custom: dict[str, Mapping[str, Any]] = dict(sound({}, "custom_kernels"))
    for name, entry in custom.items():
        if isinstance(entry, dict) and isinstance(entry.get("config"), str):
            with noting(wrong):
                custom[name], source = kernel_entry(name, entry, kernel_entries, path.parent)
                sources.append(source)
    kernels: dict[str, Kernel] = {}
    custom_wrong = custom_kernel_problems(custom, kernel_entries, shown)
    wrong += custom_wrong
    with noting(wrong):
        kernels = chosen_kernels(
            sound([], "kernels"), kernel_entries, {} if custom_wrong else custom, shown
        )
    page = max((kernel.page_size for kernel in kernels.values()), default=4096)
    grid = None
    with noting(wrong):
        if axes := sound(None, "layouts", "grid"):
            grid = read_grid(axes, page, shown)
    regions: dict[str, Layout] = {}

    def of_files(patterns: Any) -> dict[str, Layout]:
        layouts, files = layouts_of_files(patterns, path.parent, set(regions), shown)
        sources.extend(files)
        return layouts

    named: dict[str, Callable[[Any], dict[str, Layout]]] = {
        "regions": lambda value: named_regions(value, shown),
        "machines": lambda value: chosen_machines(value, machines, set(regions), shown),
        "boards": lambda value: chosen_boards(value, boards, set(regions), shown),
        "files": of_files,
    }
    for key, read in named.items():
        with noting(wrong):
            if value := sound(None, "layouts", key):
                regions |= read(value)
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
    exceeded = []
    if points > max_points:
        exceeded.append(
            f"{points:,} points ({layouts:,} layouts x {combinations:,} combinations of kernel, "
            f"section size and model) are more than max_points, {max_points:,}: about "
            f"{points * BYTES_PER_POINT / (1 << 30):,.1f} GiB of parquet. Shorten an axis, or "
            "raise max_points in the configuration"
        )
    if combinations > MOST_COMBINATIONS:
        exceeded.append(
            f"{combinations:,} combinations of kernel, section size and model are more than "
            f"{MOST_COMBINATIONS:,}: name fewer kernels, section sizes or models"
        )
    return exceeded


def custom_kernel_problems(custom: Mapping[str, Any], shipped: Entries, file: str) -> list[Problem]:
    """Return the problems of a sweep's own kernels: their form, and names that ship."""
    wrong: list[Problem] = []
    with noting(wrong):
        wrong += kernel_problems(custom, file)
    wrong += [
        Problem(file, (name,), "a kernel that ships has this name: choose another")
        for name in custom.keys() & shipped.keys()
    ]
    return [Problem(file, ("custom_kernels", *each.path), each.text) for each in wrong]


def chosen_kernels(value: Any, shipped: Entries, custom: Entries, file: str) -> dict[str, Kernel]:
    """Return the kernels that a sweep names.

    Raises InputError with the problems of those and of all its own ones.
    """
    entries = {**shipped, **custom}
    names, wrong = known_names(value, entries, "kernel", file, ("kernels",))
    kernels: dict[str, Kernel] = {}
    faults: list[Problem] = []
    with noting(faults):
        kernels = build_kernels(entries, dict.fromkeys([*names, *custom], file))
    wrong += [Problem(file, ("custom_kernels", *fault.path), fault.text) for fault in faults]
    refuse(wrong)
    return {name: kernels[name] for name in names}


def chosen_machines(
    value: Any, machines: Mapping[str, Layout], taken: set[str], file: str
) -> dict[str, Layout]:
    """Return the machines that a sweep names.

    Raises InputError for names that are unknown, or ``taken`` by another layout.
    """
    path = ("layouts", "machines")
    names, wrong = known_names(value, machines, "machine", file, path)
    refuse([*wrong, *duplicates(names, taken, file, path)])
    return {name: machines[name] for name in names}


def chosen_boards(
    value: Any, boards: Mapping[str, Board], taken: set[str], file: str
) -> dict[str, Layout]:
    """Return the boards that a sweep names, alone or by their architecture.

    Raises InputError for names that are unknown, or ``taken`` by another layout.
    """
    path = ("layouts", "boards")
    arches = {board.arch: board for board in boards.values()}
    chosen, wrong = known_names(value, {**boards, **arches}, "board", file, path)
    names = [name for name, board in boards.items() if {name, board.arch} & set(chosen)]
    refuse([*wrong, *duplicates(names, taken, file, path)])
    return {name: boards[name].regions for name in names}


def known_names(
    value: Any, known: Mapping[str, Any], kind: str, file: str, path: tuple[str, ...]
) -> tuple[list[str], list[Problem]]:
    """Return the names of ``value`` (a list, or "all") that are known, and a problem for each other
    one.
    """
    names = list(known) if value == "all" else list(value)
    return [name for name in names if name in known], unknown(names, known, kind, file, path)


def duplicates(
    names: Iterable[str], taken: set[str], file: str, path: tuple[str, ...]
) -> list[Problem]:
    """Return a problem for each name that another layout has."""
    text = "is the name of a layout under regions or machines too"
    return [Problem(file, path, f"{name!r} {text}") for name in names if name in taken]


def unknown(
    names: Iterable[str],
    known: Mapping[str, Any],
    kind: str,
    file: str,
    path: tuple[str, ...],
) -> list[Problem]:
    """Return a problem for each name that is not known, with the most similar one that is."""
    every = list(known)
    wrong: list[Problem] = []
    for index, name in enumerate(names):
        if name not in known:
            # each hint is a search through all names
            hint = nearest(name, every) if len(wrong) < MOST_HINTS else ""
            text = f"no {kind} {in_short(name)}"
            text += hint or f"; the {kind}s stand in config/{FILES[kind]}"
            wrong.append(Problem(file, (*path, index), text))
    return wrong


def named_regions(value: Any, file: str, path: tuple[str, ...] = ("layouts",)) -> dict[str, Layout]:
    """Return layouts by name from lists of (start, end).

    Raises InputError with the empty and overlapping regions of all.
    """
    layouts, wrong = {}, []
    for name, pairs in value.items():
        regions = [(parse_size(start), parse_size(end)) for start, end in pairs]
        layouts[name], faults = layout_of(regions, file, (*path, "regions", name))
        wrong += faults
    refuse(wrong)
    return layouts


def chosen_file(
    entry: str, kind: str, root: Path, folder: Path, key: tuple[str | int, ...]
) -> tuple[Path, str]:
    """Return the file of a sweep or a lab, given by its name under config/ or by a path from
    ``folder``, and its name in messages.

    Raises InputError where nothing ships under that name; ``key`` is the path of ``entry`` in the
    configuration.
    """
    if entry.endswith((".yaml", ".yml")):
        return folder / entry, entry
    shipped = {path.stem: path for path in sorted((root / f"config/{kind}s").glob("*.yaml"))}
    if entry not in shipped:
        text = f"no {kind} {in_short(entry)}{nearest(entry, list(shipped))}; "
        text += f"there are {', '.join(shipped)}, or give a path to a .yaml file"
        raise InputError([Problem("config" if key else "", key, text)])
    return shipped[entry], f"config/{kind}s/{entry}.yaml"


def checked_kernels(root: Path) -> tuple[Entries, dict[str, str]]:
    """Return the entries of the kernels that ship, and the file of each.

    Raises InputError with all problems of that file.
    """
    entries, files = read_entries(root / "config/kernels.yaml")
    build_kernels(entries, files)
    return entries, files


def config_problems(config: Mapping[str, Any]) -> list[Problem]:
    """Return the problems of a configuration: its keys and values, and the release that it is for,
    where it names one.

    Raises InputError where it has more problems than are reported.
    """
    wrong = problems(config, "config", "config")
    series = ".".join(__version__.split(".")[:2])
    version = config.get("version", series) if isinstance(config, Mapping) else series
    if version != series and not any(problem.path == ("version",) for problem in wrong):
        text = (
            f"{version!r} is for another release than this one, {__version__}: compare it with "
            f"config/config.yaml of this one and set version: {series!r}, or run release {version}"
        )
        wrong.insert(0, Problem("config", ("version",), text))
    return wrong


def load_sweeps(config: Mapping[str, Any], root: Path, folder: Path) -> list[Sweep]:
    """Return the sweeps that a configuration lists.

    root: folder that has config/
    folder: where relative paths start

    Raises InputError with all problems of the configuration and of every file that it names.
    """
    wrong = config_problems(config)
    refuse(wrong)
    with noting(wrong):
        entries, _ = checked_kernels(root)
    with noting(wrong):
        machines = load_machines(root / "config/machines.yaml")
    with noting(wrong):
        boards = load_boards(root / "config/boards.tsv")
    refuse(wrong)
    sweeps: list[Sweep] = []
    for index, entry in enumerate(config["sweeps"]):
        with noting(wrong):
            path, shown = chosen_file(entry, "sweep", root, folder, ("sweeps", index))
            sweep = load_sweep(path, shown, entries, machines, config["max_points"], boards)
            if any(sweep.name == other.name for other in sweeps):
                text = (
                    f"another sweep of this run is called {sweep.name!r}: they would share a folder"
                )
                wrong.append(Problem(shown, ("name",), text))
            sweeps.append(sweep)
    refuse(wrong)
    return sweeps
