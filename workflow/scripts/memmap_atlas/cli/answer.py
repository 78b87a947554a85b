"""memmap-atlas answer: the answer for one machine, as the workflow's target of that name has it."""

import argparse
from pathlib import Path

from memmap_atlas.answer.machine import machine_of
from memmap_atlas.answer.report import answer_of, answer_values, sections
from memmap_atlas.catalog.kernels import SHIPPED, shipped_entries
from memmap_atlas.cli.output import print_json
from memmap_atlas.memmodel.compare import compare
from memmap_atlas.memmodel.models import MODELS
from memmap_atlas.text.tables import as_text


def run(asked: argparse.Namespace) -> int:
    """Print the answer as text or JSON. Raises InputError."""
    entries = shipped_entries()
    machine = machine_of(
        list(dict.fromkeys(asked.files)),
        asked.kernel,
        entries,
        dict.fromkeys(entries, SHIPPED.name),
        Path(),
        "FILE",
        "--kernel",
    )
    rows = compare(machine.memory.regions, machine.kernels, list(MODELS))
    answer = answer_of(machine, rows)
    if asked.json:
        print_json(answer_values(answer))
    else:
        print(as_text(sections(answer)), end="")
    return 0
