"""From a lab file to a :class:`~memmap_atlas.lab.plan.Lab`: names filled in, every boot listed."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from memmap_atlas.catalog.boards import load_boards
from memmap_atlas.catalog.kernels import Entries, build_kernels, read_entries
from memmap_atlas.catalog.machines import load_machines
from memmap_atlas.documents.errors import InputError, Problem, nearest, noting, refuse
from memmap_atlas.documents.validate import problems
from memmap_atlas.documents.yaml_loader import load_yaml
from memmap_atlas.lab.boards import BOARDS
from memmap_atlas.lab.plan import ROOM, Lab, LabKernel, Origin, Random, random_maps
from memmap_atlas.lab.run import missing
from memmap_atlas.memmodel.regions import Layout
from memmap_atlas.sweep.layouts import Layouts, layouts_of
from memmap_atlas.sweepfile.machine_files import refuse_names
from memmap_atlas.sweepfile.sweeps import chosen_file, load_sweep, named_regions, unknown
from memmap_atlas.text.units import parse_size

MOST_NEAR = 10_000
KERNEL_FILES = ("config/kernels.yaml", "config/lab-kernels.yaml")
TIME_LIMIT = 120
NUMBER = re.compile(r"^(0x[0-9a-fA-F]+|0|[1-9][0-9]*)$")
# of a sweep whose layouts are named one by one; boots are hours of work
MOST_LAYOUTS, MOST_BOOTS = 1_000_000, 10_000
MOST_POINTS = 10**9


class Names:
    """Names that a lab can use: kernels, machines, and layouts of sweeps, read on first use."""

    def __init__(self, root: Path, folder: Path) -> None:
        """``root`` holds config/; paths of sweep files start at ``folder``."""
        self.root, self.folder = root, folder
        self.entries, self.files = read_entries(*(root / file for file in KERNEL_FILES))
        self.machines = load_machines(root / "config/machines.yaml")
        self.boards = load_boards(root / "config/boards.tsv")
        self.sweeps: dict[str, Layouts] = {}
        self.places: dict[str, dict[str, int]] = {}

    def layouts(self, sweep: str) -> Layouts:
        """The layouts of a sweep that ships or of a sweep file.

        Raises InputError where there is none.
        """
        if sweep not in self.sweeps:
            path, shown = chosen_file(sweep, "sweep", self.root, self.folder, ())
            entries = read_entries(self.root / KERNEL_FILES[0])[0]
            found = load_sweep(path, shown, entries, self.machines, MOST_POINTS, self.boards)
            if found.layouts > MOST_LAYOUTS:
                text = f"the sweep {sweep} has {found.layouts:,} layouts, which are more than "
                raise InputError([Problem("", (), f"{text}{MOST_LAYOUTS:,}: shorten an axis")])
            self.sweeps[sweep] = layouts_of(found)
            names = self.sweeps[sweep].names.to_pylist()
            self.places[sweep] = {name: place for place, name in enumerate(names)}
        return self.sweeps[sweep]

    def named(self, name: str, maps: Mapping[str, Layout]) -> Layout:
        """Return a map by its name: of ``maps``, of a machine, or <sweep>/<layout>.

        Raises InputError where there is none.
        """
        if name in maps:
            return maps[name]
        if name in self.machines:
            return self.machines[name]
        sweep, _, layout = name.rpartition("/")
        if not sweep:
            known = [*maps, *self.machines]
            text = f"no map {name!r}{nearest(name, known)}: give one of the lab file's maps, "
            raise InputError([Problem("", (), text + "a machine, or <sweep>/<layout>")])
        layouts = self.layouts(sweep)
        places = self.places[sweep]
        if layout not in places:
            text = (
                f"no layout {layout!r} in sweep {sweep}{nearest(layout, list(places)[:MOST_NEAR])}"
            )
            raise InputError([Problem("", (), text)])
        return layout_at(layouts, places[layout])


def layout_at(layouts: Layouts, index: int) -> Layout:
    """Return the regions of one layout."""
    column = slice(index, index + 1)
    regions = layouts.regions.columns(column)
    return tuple(
        (start, end)
        for start, end in zip(regions.start[:, 0].tolist(), regions.end[:, 0].tolist(), strict=True)
        if end > start
    )


def load_lab(path: Path, shown: str, names: Names) -> Lab:
    """Return the lab of one file; messages call it ``shown``.

    Raises InputError with all problems of the file.
    """
    content = load_yaml(path)
    refuse(problems(content, "lab", shown))
    wrong: list[Problem] = []
    kernels: dict[str, LabKernel] = {}
    with noting(wrong):
        kernels = lab_kernels(content["kernels"], names.entries, shown)
    sets: dict[str, dict[str, Layout]] = {}
    for name, entry in content["maps"].items():
        with noting(wrong):
            sets[name] = map_set(name, entry, names, shown)
    maps: dict[str, Layout] = {}
    for name, layouts in sets.items():
        for layout, regions in layouts.items():
            if maps.setdefault(layout, regions) != regions:
                text = f"{layout!r} is the name of another map too"
                wrong.append(Problem(shown, ("maps", name), text))
    boots: dict[tuple[str, str], None] = {}
    for index, group in enumerate(content["boots"]):
        chosen = list(kernels) if group["kernels"] == "all" else group["kernels"]
        at = ("boots", index)
        if kernels:
            wrong += absent(chosen, kernels, "kernel", shown, (*at, "kernels"))
        wrong += absent(group["maps"], content["maps"], "set of maps", shown, (*at, "maps"))
        boots |= {
            (kernel, layout): None
            for kernel in chosen
            for set_name in group["maps"]
            for layout in sets.get(set_name, ())
        }
        if len(boots) > MOST_BOOTS:
            text = f"more boots than {MOST_BOOTS:,}: name fewer kernels or maps"
            wrong.append(Problem(shown, at, text))
            break
    refuse(wrong)
    return Lab(kernels, maps, tuple(boots), content.get("time_limit", TIME_LIMIT))


def absent(
    wanted: list[str], known: Mapping[str, Any], kind: str, file: str, path: tuple[str | int, ...]
) -> list[Problem]:
    """Return a problem for each name that the lab file does not define."""
    return [
        Problem(
            file, (*path, index), f"no {kind} {name!r} in this file{nearest(name, list(known))}"
        )
        for index, name in [(at, name) for at, name in enumerate(wanted) if name not in known][:20]
    ]


def number(value: int | str) -> int | str:
    """Convert a number that is given as text."""
    return int(value, 0) if isinstance(value, str) and NUMBER.match(value) else value


def lab_kernels(value: Mapping[str, Any], entries: Entries, file: str) -> dict[str, LabKernel]:
    """Return the kernels of a lab, each an entry of kernels.yaml or lab-kernels.yaml. Raises
    InputError.
    """
    wrong = unknown(value, entries, "kernel", file, ("kernels",))
    refuse(wrong)
    kernels = build_kernels(entries, dict.fromkeys(value, file))
    refuse_names([e["image"] for e in value.values() if "image" in e], file, ("kernels",))
    chosen = {
        name: LabKernel(
            kernels[name],
            Origin(**{key: text for key, text in entry.items() if key != "cpu"}),
            entry.get("cpu", ""),
        )
        for name, entry in value.items()
    }
    refuse(
        [
            Problem(
                file,
                ("kernels", name),
                f"no machine for architecture {kernel.kernel.arch}; there are {', '.join(BOARDS)}",
            )
            for name, kernel in chosen.items()
            if kernel.kernel.arch not in BOARDS
        ]
    )
    return chosen


def map_set(name: str, entry: Mapping[str, Any], names: Names, file: str) -> dict[str, Layout]:
    """Return the maps of one set by name; those of a sweep are called <sweep>/<layout>."""
    path = ("maps", name)
    readers: dict[str, Callable[[Any], dict[str, Layout]]] = {
        "regions": lambda value: named_regions(value, file, path),
        "machines": lambda value: {layout: names.named(layout, {}) for layout in value},
        "sweep": lambda value: sweep_maps(value, entry, names),
        "random": lambda value: random_set(name, value, file, (*path, "random")),
    }
    maps: dict[str, Layout] = {}
    wrong: list[Problem] = []
    for key, read in readers.items():
        if key in entry:
            faults: list[Problem] = []
            with noting(faults):
                maps |= read(entry[key])
            wrong += [
                fault if fault.file else Problem(file, (*path, key), fault.text) for fault in faults
            ]
    refuse(wrong)
    return maps


def sweep_maps(sweep: str, entry: Mapping[str, Any], names: Names) -> dict[str, Layout]:
    """Return the named layouts of a sweep, or a random sample, the same on each run."""
    layouts = names.layouts(sweep)
    if "layouts" in entry:
        return {f"{sweep}/{name}": names.named(f"{sweep}/{name}", {}) for name in entry["layouts"]}
    random = np.random.default_rng(entry.get("seed", 0))
    known = list(names.places[sweep])
    count = min(entry.get("sample", len(known)), len(known))
    if count > MOST_BOOTS:
        text = f"{count:,} layouts are more than {MOST_BOOTS:,}: name some, or give a sample"
        raise InputError([Problem("", (), text)])
    places = np.sort(random.choice(len(known), count, replace=False))
    return {f"{sweep}/{known[at]}": layout_at(layouts, int(at)) for at in places}


def random_set(
    name: str, value: Mapping[str, Any], file: str, path: tuple[str, ...]
) -> dict[str, Layout]:
    """Return random maps by name: <set>-000 and so on."""
    plan = Random(
        count=value["count"],
        seed=value["seed"],
        regions=value["regions"],
        start=parse_size(value["from"]),
        end=parse_size(value["to"]),
        edge=parse_size(value["edge"]),
        room=parse_size(value.get("room", ROOM)),
        fixed=value.get("fixed", False),
    )
    try:
        maps = random_maps(plan)
    except ValueError as error:
        raise InputError([Problem(file, path, str(error))]) from error
    return {f"{name}-{index:03d}": regions for index, regions in enumerate(maps)}


def the_lab(config: Mapping[str, Any], root: Path, folder: Path) -> Lab:
    """Return the lab that a configuration names, or one boot where it gives a kernel or a map.

    Raises InputError with all problems of the configuration and of the lab file, and where this
    machine lacks a program that the boots need.
    """
    names = Names(root, folder)
    entry = config.get("lab", "full")
    path, shown = chosen_file(entry, "lab", root, folder, ("lab",))
    lab = load_lab(path, shown, names)
    if "kernel" in config or "map" in config:
        lab = one_boot(config, lab, names)
    lacking = {
        program
        for kernel, _ in lab.boots
        for program in missing(BOARDS[lab.kernels[kernel].kernel.arch])
    }
    refuse([Problem("", (), f"the lab lacks {program}") for program in sorted(lacking)])
    return lab


def is_file(path: Path) -> bool:
    """Return True for a file; a name longer than the file system allows is none."""
    try:
        return path.is_file()
    except OSError:
        return False


def one_boot(config: Mapping[str, Any], lab: Lab, names: Names) -> Lab:
    """Return a lab of the boot that a configuration asks for: ``kernel``, ``map`` and ``image``.

    The kernel is one of the lab, or with an image any of kernels.yaml and lab-kernels.yaml.
    """
    wrong: list[Problem] = []
    for key in ("kernel", "map"):
        if key not in config:
            wrong.append(Problem("config", (key,), "a boot needs a kernel and a map"))
    refuse(wrong)
    name, image = config["kernel"], config.get("image")
    kernels: dict[str, LabKernel] = {}
    with noting(wrong):
        if image:
            refuse_names([image], "config", ("image",))
            if not is_file(names.folder / image):
                wrong.append(Problem("config", ("image",), f"no file {image}"))
            entry = {"image": image} | ({"cpu": config["cpu"]} if "cpu" in config else {})
            kernels = lab_kernels({name: entry}, names.entries, "config")
        elif name in lab.kernels:
            kernels = {name: lab.kernels[name]}
        else:
            text = f"no kernel {name!r} in the lab{nearest(name, list(lab.kernels))}: give one of "
            text += f"{', '.join(lab.kernels)}, or an image of your own"
            wrong.append(Problem("config", ("kernel",), text))
    layout, regions = "given", config["map"]
    maps: dict[str, Layout] = {}
    faults: list[Problem] = []
    with noting(faults):
        if isinstance(regions, str):
            layout = regions
            maps = {layout: names.named(regions, lab.maps)}
        else:
            # a command line gives numbers as text
            pairs = [[number(v) for v in pair] for pair in regions]
            maps = named_regions({layout: pairs}, "config", ("map",))
    wrong += [fault if fault.file else Problem("config", ("map",), fault.text) for fault in faults]
    refuse(wrong)
    return Lab(kernels, maps, ((name, layout),), lab.time_limit)
