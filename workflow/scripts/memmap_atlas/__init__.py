"""The cost of a physical memory map in struct page, under every Linux memory model.

The public names are those of ``__all__``; docs/interface.md has an example of each.
"""

import importlib
import sys
from typing import TYPE_CHECKING, Any

# pip refuses an older Python too; this is for whoever puts the folder on its path
if sys.version_info < (3, 11):  # noqa: UP036
    raise ImportError(
        "memmap-atlas needs Python 3.11 or later, this is Python "
        + ".".join(map(str, sys.version_info[:3]))
    )

if TYPE_CHECKING:
    from memmap_atlas.api import (
        KernelFile,
        boards,
        compare,
        constants,
        cost,
        costs,
        kernels,
        machines,
        models,
        read_kernel,
        read_map,
        sources,
    )
    from memmap_atlas.catalog.boards import Board
    from memmap_atlas.documents.errors import InputError
    from memmap_atlas.memmodel.cost import Cost
    from memmap_atlas.memmodel.kernel import Kernel
    from memmap_atlas.memmodel.models import Model
    from memmap_atlas.readers.memory_map import MemoryMap

__version__ = "0.1.0"
__all__ = [
    "Board",
    "Cost",
    "InputError",
    "Kernel",
    "KernelFile",
    "MemoryMap",
    "Model",
    "boards",
    "compare",
    "constants",
    "cost",
    "costs",
    "kernels",
    "machines",
    "models",
    "read_kernel",
    "read_map",
    "sources",
]


def __getattr__(name: str) -> Any:
    # on first use: a module of the library is imported without the others, and an edit of one does
    # not remake what every other made
    if name in __all__:
        return getattr(importlib.import_module("memmap_atlas.api"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
