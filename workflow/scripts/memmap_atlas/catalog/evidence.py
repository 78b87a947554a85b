"""What was booted: which kernels stand behind a model, and what one of them kept on a given map."""

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
    """Boots that are complete, and the kernels of them."""

    boots: int
    kernels: int


def behind(observations: Sequence[Row], model: str) -> Booted:
    """The boots of kernels that are built with ``model``."""
    mine = [row for row in complete(observations) if row["model"] == model]
    return Booted(len(mine), len({row["kernel"] for row in mine}))


def complete(observations: Sequence[Row]) -> list[Row]:
    """The boots that came to their end."""
    return [row for row in observations if row["outcome"] == "complete"]


def booted_on(
    observations: Sequence[Row], kernel: Kernel, model: str, layout: Layout
) -> dict[str, int]:
    """Bytes of memmap that booted kernels kept on ``layout``, by the name of each.

    Those count that are of the kernel's architecture and release, built with ``model``, the same
    page, section and struct page. A lab moves a map up by whole GiB where its machine has devices:
    such a one is the same map where sections are no larger.
    """
    found = {}
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
            moved = tuple((one["start"] - start, one["end"] - start) for one in row["regions"])
            if moved == layout and start % max(GIB, kernel.section_size) == 0:
                found[row["kernel"]] = int(row["memmap_bytes"])
    return found
