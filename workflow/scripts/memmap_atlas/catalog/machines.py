"""Memory maps of real machines, from config/machines.yaml."""

from itertools import pairwise
from pathlib import Path

from memmap_atlas.documents.errors import Problem, refuse
from memmap_atlas.documents.validate import problems
from memmap_atlas.documents.yaml_loader import load_yaml
from memmap_atlas.memmodel.regions import Layout
from memmap_atlas.text.units import parse_size


def load_machines(path: Path) -> dict[str, Layout]:
    """Return the regions of real machines by name, from a file in the form of config/machines.yaml.

    Raises InputError with all problems of the file.
    """
    content = load_yaml(path)
    wrong = problems(content, "machines", path.name)
    refuse(wrong)
    machines = {}
    for name, entry in content.items():
        machines[name], faults = regions_of(entry["regions"], path.name, (name, "regions"))
        wrong += faults
    refuse(wrong)
    return machines


def regions_of(
    pairs: list[list[int | str]], file: str, path: tuple[str, ...]
) -> tuple[Layout, list[Problem]]:
    """Return regions in address order, and a problem for each empty or overlapping one."""
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
