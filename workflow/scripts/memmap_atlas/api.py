"""Public interface: the cost of memory maps, for programs.

``memmap_atlas`` exports these names. All sizes and addresses are whole numbers of bytes, regions
are half-open. The rules of the kernel, with their sources, are in :mod:`memmap_atlas.memmodel`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from operator import index
from os import PathLike, fspath
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from memmap_atlas.catalog.boards import Board, load_boards
from memmap_atlas.catalog.kernels import (
    build_kernels,
    shipped_entries,
    shipped_kernels,
    sources_of,
)
from memmap_atlas.catalog.layouts import layout_of
from memmap_atlas.catalog.lookup import lookup, with_section_size
from memmap_atlas.catalog.machines import load_machines
from memmap_atlas.documents.errors import InputError, Problem, refuse, shown
from memmap_atlas.documents.shipped import shipped
from memmap_atlas.memmodel import compare as comparison
from memmap_atlas.memmodel.constants import kernel_constants
from memmap_atlas.memmodel.cost import Cost
from memmap_atlas.memmodel.cost import cost as cost_of
from memmap_atlas.memmodel.feasibility import FEASIBLE, explained, infeasible
from memmap_atlas.memmodel.kernel import Kernel
from memmap_atlas.memmodel.models import MODELS, Model
from memmap_atlas.memmodel.regions import Ints, Layout, LayoutLike, Regions
from memmap_atlas.readers.dispatch import read_file
from memmap_atlas.readers.kconfig import KernelConfig, entry_of
from memmap_atlas.readers.memory_map import MemoryMap, Unreadable

FilePath = str | PathLike[str]
Named = TypeVar("Named")
# where messages send a user of the library
LISTING = "memmap_atlas.kernels() has them all"


@dataclass(frozen=True)
class KernelFile:
    """Kernel of a .config.

    kernel: its parameters
    notes: values that the file does not decide and that were taken from the nearest kernel that
        ships, in words: numbers that rest on them are assumptions
    """

    kernel: Kernel
    notes: tuple[str, ...]


# --- costs ----------------------------------------------------------------------------------------


def cost(
    regions: LayoutLike,
    kernel: str | Kernel,
    model: str | None = None,
    *,
    section_size: int | None = None,
) -> Cost[int]:
    """Return the cost of one memory map in bytes, an int for each quantity.

    regions: (start, end) of each region of RAM in bytes, half-open, in any order, without overlaps
    kernel: name of a kernel of :func:`kernels`, or a :class:`Kernel`
    model: name of a model of :func:`models`; the kernel's default if not given. A model that the
        kernel can't be built with is computed too: see ``Kernel.models``
    section_size: bytes, instead of the kernel's own

    Raises InputError, a ValueError, for regions that are empty, overlap or lie beyond what any
    machine addresses, for unknown names, with the most similar one, and where a rule of the kernel
    forbids the map, as RAM beyond MAX_PHYSMEM_BITS.
    """
    many = costs([regions], kernel, model, section_size=section_size)
    return Cost(**{field.name: int(getattr(many, field.name)[0]) for field in fields(Cost)})


def costs(
    layouts: Sequence[LayoutLike],
    kernel: str | Kernel,
    model: str | None = None,
    *,
    section_size: int | None = None,
) -> Cost[Ints]:
    """Return the cost of many memory maps in bytes, int64 of shape (layouts,) for each quantity.

    layouts: the regions of each, as in :func:`cost`

    Raises InputError as :func:`cost` does, with the index of each layout that is wrong.
    """
    name, chosen = kernel_named(kernel, section_size)
    wanted = chosen.default_model if model is None else model
    lookup(wanted, MODELS, "model", "model")
    alone = len(layouts) == 1
    wrong: list[Problem] = []
    valid = []
    for number, regions in enumerate(layouts):
        layout, faults = checked(regions, "regions" if alone else f"layouts[{number}]")
        valid.append(layout)
        wrong += faults
    refuse(wrong)
    ram = Regions.of(valid)
    rules = infeasible(ram, chosen, wanted)
    for number in (rules != FEASIBLE).nonzero()[0]:
        where = "regions" if alone else f"layouts[{number}]"
        text = f"{name} ({wanted}) forbids this map: "
        text += explained(str(rules[number]), valid[number], chosen)
        wrong.append(Problem(where, (), text))
    refuse(wrong)
    return cost_of(ram, chosen, wanted)


def compare(
    regions: LayoutLike,
    kernels: Iterable[str] | Mapping[str, Kernel] | None = None,
    models: Iterable[str] | None = None,
    *,
    section_size: int | None = None,
) -> list[Mapping[str, Any]]:
    """Return the cost of one memory map under several kernels and models, a row for each, in native
    types: ``pandas.DataFrame(memmap_atlas.compare(...))``.

    regions, section_size: as in :func:`cost`
    kernels: names, or kernels by name; all that ship if not given
    models: names; each kernel's default if not given

    A row has ram_bytes and the columns of the memmap table: kernel, page_bytes, section_bytes,
    struct_page_bytes, model, ``selectable`` (the kernel can be built with the model), ``feasible``,
    ``reason`` (the rule that forbids the map, else None), and each quantity in bytes, None where
    the map is forbidden.
    Raises InputError for invalid regions and unknown names.
    """
    layout, wrong = checked(regions, "regions")
    refuse(wrong)
    known = shipped_kernels()
    if not isinstance(kernels, Mapping):
        kernels = {
            name: lookup(name, known, "kernel", "kernels", LISTING)
            for name in (known if kernels is None else texts(kernels, "kernels"))
        }
    chosen = {
        name: with_section_size(kernel, section_size, "section_size")
        for name, kernel in kernels.items()
    }
    wanted = None if models is None else texts(models, "models")
    for model in wanted or ():
        lookup(model, MODELS, "model", "models")
    return comparison.compare(layout, chosen, wanted)


# --- kernels, models and maps that ship -----------------------------------------------------------


def kernels() -> Mapping[str, Kernel]:
    """Return the kernels that ship, by name: their parameters, sizes in bytes."""
    return shipped_kernels()


def sources(kernel: str) -> Mapping[str, str]:
    """Return the source of each value of a kernel that ships, by the name of the value: a file of
    Linux, and the commit and release where the value changed.

    A value without a source is the default of :class:`Kernel`, or derived from the others. Raises
    InputError for an unknown kernel.
    """
    lookup(kernel, shipped_kernels(), "kernel", "kernel", LISTING)
    return MappingProxyType(sources_of(kernel, shipped_entries()))


def constants(kernel: str | Kernel) -> Mapping[str, int]:
    """Return the parameters of a kernel under the names that its source has for them, such as
    SECTION_SIZE_BITS, PAGE_SHIFT and "sizeof(struct page)".

    Those of sections are left out where the kernel can't be built with SPARSEMEM. Raises InputError
    for an unknown kernel.
    """
    return MappingProxyType(kernel_constants(kernel_named(kernel)[1]))


def models() -> Mapping[str, Model]:
    """Return the memory models by name, proposals that were never merged among them."""
    return MappingProxyType(MODELS)


@cache
def machines() -> Mapping[str, Layout]:
    """Return the memory maps of real machines by name: regions (start, end) in bytes.

    config/machines.yaml has their sources.
    """
    return MappingProxyType(load_machines(shipped("config/machines.yaml")))


@cache
def boards() -> Mapping[str, Board]:
    """Return boards by name, each with its architecture and its regions in bytes: those of the
    device trees of Linux 7.1 that say how much memory there is.
    """
    return MappingProxyType(load_boards(shipped("config/boards.tsv")))


# --- files ----------------------------------------------------------------------------------------


def read_map(path: FilePath) -> MemoryMap:
    """Return the memory map in a file of any format that config/README.md lists, such as a kernel
    log, a device tree or /proc/iomem; the format is detected from the content.

    Its ``regions`` are what :func:`cost` takes; ``hints`` has what the file says of its kernel,
    None where it says nothing, and ``notes`` what to know of the numbers. Raises InputError with
    the line or offset of the first mistake.
    """
    name = fspath(path)
    content = read_file(Path(path), name).content
    if isinstance(content, KernelConfig):
        text = "is a kernel's configuration and no memory map: read it with read_kernel()"
        raise InputError([Problem(name, (), text)])
    return content


def read_kernel(path: FilePath) -> KernelFile:
    """Return the kernel that a .config describes.

    Raises InputError for another file, and for a configuration without what decides its memmap.
    """
    name = fspath(path)
    content = read_file(Path(path), name).content
    if not isinstance(content, KernelConfig):
        text = "is a memory map and no kernel's configuration: read it with read_map()"
        raise InputError([Problem(name, (), text)])
    entries = shipped_entries()
    try:
        entry, notes = entry_of(content, entries)
    except Unreadable as error:
        raise InputError([Problem(name, (), str(error))]) from error
    kernel = build_kernels({**entries, name: entry}, {name: name})[name]
    return KernelFile(kernel, tuple(notes))


# --- checks of arguments --------------------------------------------------------------------------


def kernel_named(kernel: str | Kernel, section_size: int | None = None) -> tuple[str, Kernel]:
    """Return a kernel and its name in messages. Raises InputError."""
    if isinstance(kernel, Kernel):
        name, chosen = f"this kernel of {kernel.arch} {kernel.release}", kernel
    else:
        name, chosen = kernel, lookup(kernel, shipped_kernels(), "kernel", "kernel", LISTING)
    return name, with_section_size(chosen, section_size, "section_size")


def checked(regions: LayoutLike, where: str) -> tuple[Layout, list[Problem]]:
    """Return regions in address order, and the problem of each that is wrong."""
    expected = "expected (start, end) in bytes, as in (0, 0x80000000)"
    pairs = []
    if not isinstance(regions, Iterable):
        return (), [Problem(where, (), f"invalid regions {shown(regions)}: {expected} for each")]
    for number, region in enumerate(regions):
        try:
            start, end = map(index, region)
        except (TypeError, ValueError):
            text = f"invalid region {shown(region)}: {expected}"
            return (), [Problem(f"{where}[{number}]", (), text)]
        pairs.append((start, end))
    if not pairs:
        return (), [Problem(where, (), f"no region: {expected} for each")]
    return layout_of(pairs, where, ())


def texts(names: Iterable[str], where: str) -> list[str]:
    """Return names as a list. Raises InputError for a single text, which is a list of letters."""
    if isinstance(names, str):
        raise InputError(
            [Problem(where, (), f"invalid names {shown(names)}: expected a list of them")]
        )
    return list(names)
