"""Memory maps of real machines, from config/machines.yaml."""

from pathlib import Path

from memmap_atlas.catalog.layouts import layout_of
from memmap_atlas.documents.errors import refuse
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
        pairs = [(parse_size(start), parse_size(end)) for start, end in entry["regions"]]
        machines[name], faults = layout_of(pairs, path.name, (name, "regions"))
        wrong += faults
    refuse(wrong)
    return machines
