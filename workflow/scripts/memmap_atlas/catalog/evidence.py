"""Booted kernels: how many were built with a model, and the memmap that they kept on a map."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from memmap_atlas.memmodel.kernel import Kernel
from memmap_atlas.memmodel.models import MODELS
from memmap_atlas.memmodel.regions import Layout

Row = Mapping[str, Any]
GIB = 1 << 30


@dataclass(frozen=True)
class Booted:
    """Numbers of complete boots, and of kernels in them."""

    boots: int
    kernels: int


def behind(observations: Sequence[Row], model: str) -> Booted:
    """Return the number of boots of kernels built with ``model``."""
    mine = [row for row in complete(observations) if row["model"] == model]
    return Booted(len(mine), len({row["kernel"] for row in mine}))


def complete(observations: Sequence[Row]) -> list[Row]:
    """Return the rows of boots that ran to their end."""
    return [row for row in observations if row["outcome"] == "complete"]


def booted_on(
    observations: Sequence[Row], kernel: Kernel, model: str, layout: Layout
) -> dict[str, int]:
    """Return the bytes of memmap that booted kernels kept on ``layout``, by the name of each.

    Counted are kernels of the same architecture, release, page, section and struct page, built with
    ``model``. A lab moves a map up by whole GiB where its machine has devices; it is the same map
    where sections are no larger than that.
    """
    kept = {}
    for row in complete(observations):
        same = (
            row["arch"] == kernel.arch
            and row["model"] == model
            and row["version"].startswith(f"{kernel.release}.")
            and row["page_bytes"] == kernel.page_size
            and row["struct_page_bytes"] == kernel.struct_page_size
            and (MODELS[model].family == "flatmem" or row["section_bytes"] == kernel.section_size)
        )
        if same and row["memmap_bytes"] is not None:
            start = row["regions"][0]["start"] - layout[0][0]
            moved = tuple(
                (region["start"] - start, region["end"] - start) for region in row["regions"]
            )
            if moved == layout and start % max(GIB, kernel.section_size) == 0:
                kept[row["kernel"]] = int(row["memmap_bytes"])
    return kept
