"""memmap-atlas kernels: the kernels that ship, their constants and the sources of those."""

import argparse
from typing import Any

from memmap_atlas.catalog.kernels import describe, shipped_entries, shipped_kernels, sources_of
from memmap_atlas.catalog.lookup import lookup
from memmap_atlas.cli.output import print_json
from memmap_atlas.documents.errors import Problem, noting, refuse
from memmap_atlas.memmodel.constants import kernel_constants
from memmap_atlas.memmodel.kernel import PARAMETERS, kernel_values
from memmap_atlas.text.tables import Section, Table, as_text, columns
from memmap_atlas.text.units import size_text


def run(asked: argparse.Namespace) -> int:
    """Print a list, the values of some kernels, or JSON. Raises InputError."""
    known = shipped_kernels()
    wrong: list[Problem] = []
    for name in asked.names:
        with noting(wrong):
            lookup(name, known, "kernel", "NAME")
    refuse(wrong)
    names = list(dict.fromkeys(asked.names)) or list(known)
    if asked.json:
        print_json({"kernels": {name: values_of(name) for name in names}})
    elif asked.names:
        print(as_text([section_of(name) for name in names]), end="")
    else:
        print(columns(listing()))
    return 0


def values_of(name: str) -> dict[str, Any]:
    """Return everything about a kernel in native types."""
    kernel, entries = shipped_kernels()[name], shipped_entries()
    return {
        "description": describe(name, entries),
        "values": kernel_values(kernel),
        "constants": kernel_constants(kernel),
        "sources": sources_of(name, entries),
    }


def listing() -> Table:
    """Return a row for each kernel."""
    rows = [
        (
            name,
            kernel.arch,
            kernel.release,
            kernel.default_model,
            size_text(kernel.page_size),
            size_text(kernel.section_size),
            str(kernel.struct_page_size),
        )
        for name, kernel in shipped_kernels().items()
    ]
    heads = ("kernel", "arch", "release", "default model", "page", "section", "struct page")
    return Table(heads, rows, names=4)


def section_of(name: str) -> Section:
    """Return the values of a kernel with the source of each."""
    kernel, entries = shipped_kernels()[name], shipped_entries()
    sources = sources_of(name, entries)
    rows = []
    for field, value in kernel_values(kernel).items():
        if PARAMETERS[field].kind == "size" and value:
            text = size_text(value)
        elif isinstance(value, list):
            text = ", ".join(map(str, value))
        else:
            text = str(value)
        rows.append((field, text, sources.get(field, "")))
    constants = [(constant, f"{value:,}") for constant, value in kernel_constants(kernel).items()]
    parts: list[str | Table] = [
        describe(name, entries),
        Table(("constant", "value"), constants),
        Table(("value", "", "source"), rows, names=3),
    ]
    return Section(name, parts)
