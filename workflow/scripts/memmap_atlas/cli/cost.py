"""memmap-atlas cost: the cost of a memory map under kernels and models."""

import argparse
from collections.abc import Mapping, Sequence

from memmap_atlas.answer.report import model_table
from memmap_atlas.catalog.kernels import shipped_kernels
from memmap_atlas.catalog.lookup import lookup, with_section_size
from memmap_atlas.cli.arguments import layout, size
from memmap_atlas.cli.output import print_csv, print_json
from memmap_atlas.documents.errors import Problem, noting, refuse
from memmap_atlas.memmodel.compare import Row, compare
from memmap_atlas.memmodel.feasibility import explained
from memmap_atlas.memmodel.kernel import Kernel
from memmap_atlas.memmodel.models import MODELS
from memmap_atlas.memmodel.regions import Layout
from memmap_atlas.text.labels import amount
from memmap_atlas.text.tables import columns

ALL = "all"


def run(asked: argparse.Namespace) -> int:
    """Print the cost as a table, JSON or CSV. Raises InputError."""
    wrong: list[Problem] = []
    regions: Layout = ()
    with noting(wrong):
        regions = layout(asked.regions, "REGION")
    kernels: Mapping[str, Kernel] = {}
    with noting(wrong):
        kernels = chosen_kernels(asked.kernel, size(asked.section_size, "--section-size"))
    models: Sequence[str] | None = None
    with noting(wrong):
        models = chosen_models(asked.model)
    refuse(wrong)
    rows = compare(regions, kernels, models)
    if not any(row["feasible"] for row in rows):
        refuse([Problem("REGION", (), text) for text in forbidden(rows, regions, kernels)])
    if asked.json:
        print_json({"regions": [list(region) for region in regions], "rows": rows})
    elif asked.csv:
        print_csv(rows)
    else:
        count = f"{len(regions)} region{'s' if len(regions) > 1 else ''}"
        print(f"{amount(rows[0]['ram_bytes'])} of RAM in {count}; bytes\n")
        print(columns(model_table(rows, kernels, several=True)))
    return 0


def chosen_kernels(names: Sequence[str] | None, section: int | None) -> dict[str, Kernel]:
    """Return the kernels of those names, all where there are none. Raises InputError."""
    known = shipped_kernels()
    kernels: dict[str, Kernel] = {}
    wrong: list[Problem] = []
    for name in known if names is None else names:
        with noting(wrong):
            kernel = lookup(name, known, "kernel", "--kernel")
            kernels[name] = with_section_size(kernel, section, "--section-size")
    refuse(wrong)
    return kernels


def chosen_models(names: Sequence[str] | None) -> list[str] | None:
    """Return the models of those names, None where each kernel's default is meant. Raises
    InputError.
    """
    if names is None:
        return None
    wrong: list[Problem] = []
    models = list(MODELS) if ALL in names else list(dict.fromkeys(names))
    for name in names:
        with noting(wrong):
            lookup(name, {**MODELS, ALL: None}, "model", "--model")
    refuse(wrong)
    return models


def forbidden(rows: Sequence[Row], regions: Layout, kernels: Mapping[str, Kernel]) -> list[str]:
    """Return why no row is feasible, a text for each rule that forbids the map."""
    texts: dict[str, str] = {}
    for row in rows:
        name = row["kernel"]
        text = f"{name} ({row['model']}) forbids this map: "
        text += explained(row["reason"], regions, kernels[name])
        texts.setdefault(row["reason"], text)
    return list(texts.values())
