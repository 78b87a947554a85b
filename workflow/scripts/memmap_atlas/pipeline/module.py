"""The workflow as a module of another one: its configuration, and files that it does not read."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from memmap_atlas.documents.errors import InputError, Problem, shown
from memmap_atlas.documents.yaml_loader import load_yaml

CONFIG = "config/config.yaml"
# files that ship and that sweeps and labs name entries of
CATALOGS = ("kernels.yaml", "machines.yaml", "boards.tsv", "lab-kernels.yaml")


def module_config(config: Any, root: Path) -> dict[str, Any]:
    """Return the configuration that a module statement gives, in a new mapping, with the shipped
    values of keys that need not be given: ``max_points``, and ``sweeps`` where a file is asked
    about.

    ``root`` holds config/. Raises InputError where there is no mapping.
    """
    if not isinstance(config, dict) or not config:
        text = "expected a mapping with sweeps, such as config: {'sweeps': ['thread-2016']}"
        value = "the module statement has none" if config in ({}, None) else shown(config)
        raise InputError([Problem("config", (), f"{value}: {text}")])
    shipped: Mapping[str, Any] = load_yaml(root / CONFIG)
    defaults = ("max_points", "sweeps") if "file" in config else ("max_points",)
    return {**{key: shipped[key] for key in defaults}, **config}


def unread(root: Path, folder: Path, config: Mapping[str, Any]) -> list[str]:
    """Return a line for each file below ``folder``/config that was edited, and that the workflow
    reads from ``root``/config instead: a deployed workflow has copies of all of them.
    """
    named = [f"sweeps/{name}.yaml" for name in config["sweeps"] if not name.endswith(".yaml")]
    named.append(f"labs/{config.get('lab', 'full')}.yaml")
    lines = []
    for name in (*CATALOGS, *named):
        copy, original = folder / "config" / name, root / "config" / name
        if copy.is_file() and original.is_file() and copy.read_bytes() != original.read_bytes():
            remedy = "define it in a sweep" if name in CATALOGS else f"name it as config/{name}"
            lines.append(f"config/{name} is not read, as it is not what ships: to use it, {remedy}")
    return lines
