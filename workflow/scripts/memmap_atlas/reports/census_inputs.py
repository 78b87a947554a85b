"""Inputs of a census: the folder of device trees that it counts, and the state of that folder."""

import hashlib
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from memmap_atlas.documents.errors import InputError
from memmap_atlas.pipeline.paths import path
from memmap_atlas.sweepfile.machine_files import refuse_names

# Linux 6.12, and what is nearest to the release of config/boards.tsv
SUITES = ("trixie", "sid")


def censuses(config: Mapping[str, Any]) -> list[str]:
    """Return the texts of the censuses that a configuration asks for: of its own folder of device
    trees, or of two releases of Debian.
    """
    names = ("given",) if "trees" in config else SUITES
    return [path("<census>/census.txt", trees=name) for name in names]


def census_inputs(trees: str, config: Mapping[str, Any]) -> dict[str, str]:
    """Return the folder of device trees that a census counts, and the package that it is from.

    The census "given" counts the folder of the configuration, others a fetched package. Raises
    SystemExit where no folder is given, or where it cannot be read.
    """
    if trees != "given":
        folder = path("<census>", trees=trees)
        return {"trees": f"{folder}/trees", "package": f"{folder}/package.txt"}
    if "trees" not in config:
        sys.exit("Error: no folder of device trees is given: --config trees=path/to/folder")
    try:
        refuse_names([config["trees"]], "config", ("trees",))
        if not Path(config["trees"]).is_dir():
            sys.exit(f"Error in the configuration: trees: no folder {config['trees']!r}")
    except InputError as error:
        sys.exit(f"Error: {error}")
    except OSError as error:
        sys.exit(f"Error in the configuration: trees: {error.strerror}")
    return {"trees": config["trees"]}


def census_state(trees: str, config: Mapping[str, Any]) -> str:
    """Return a digest of the names, sizes and times of the device trees in a given folder, "" for
    other censuses. The time of the folder does not change with files in the folders below it.
    """
    if trees != "given":
        return ""
    state = hashlib.sha256()
    for file in sorted(Path(config["trees"]).rglob("*.dt*")):
        if file.is_file():
            status = file.stat()
            state.update(f"{file!r} {status.st_size} {status.st_mtime_ns}\n".encode())
    return state.hexdigest()
