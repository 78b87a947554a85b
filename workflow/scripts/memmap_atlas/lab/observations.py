"""Table of observations: how each boot ended, and the quantities of its log."""

import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from memmap_atlas.lab.memblock_log import NoMemmap, observe
from memmap_atlas.lab.tables import SEEN_COLUMNS, TOLD_COLUMNS, regions_column
from memmap_atlas.memmodel.kernel import Kernel

LOG, ABOUT = "log.gz", "boot.json"
COPIED = ("package", "version", "image_sha256", "qemu", "cpu", "outcome", "reason", "log_sha256")


def observation(folder: Path, kernel: Kernel) -> dict[str, Any]:
    """Return the row of the boot in ``folder``.

    A log that ends early is read as far as it goes; one that does not show the memmap says so in
    the row's reason.
    """
    about = json.loads((folder / ABOUT).read_text())
    row: dict[str, Any] = {key: about[key] for key in ("kernel", "map", *COPIED)}
    row |= {"arch": kernel.arch, "model": kernel.default_model}
    row["told"] = regions_column(tuple(map(tuple, about["told"])))
    log = gzip.decompress((folder / LOG).read_bytes()).decode()
    if not log:
        return row
    try:
        seen = observe(log, kernel.page_size)
    except NoMemmap as error:
        row["outcome"] = "stopped" if row["outcome"] == "complete" else row["outcome"]
        row["reason"] = f"{error}. {row['reason']}".strip()
        return row
    row |= {column: getattr(seen, name) for name, column, _ in SEEN_COLUMNS}
    row |= {column: seen.parameters.get(name) for name, column, _ in TOLD_COLUMNS}
    return row | {"regions": regions_column(seen.regions), "buffer_refused": seen.refused}


def observations(folders: Sequence[Path], kernels: Sequence[Kernel]) -> list[dict[str, Any]]:
    """Return the rows of boots, each folder with its kernel."""
    return [observation(folder, kernel) for folder, kernel in zip(folders, kernels, strict=True)]
