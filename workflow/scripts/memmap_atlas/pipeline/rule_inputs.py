"""Inputs and parameters of rules that follow from the configuration.

The rules call these functions with the sweep of a wildcard. A request that cannot be met ends the
process with one line: an exception in an input function would come with a traceback.
"""

import json
import shlex
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from memmap_atlas.figures.needs import MOST_STRIP_POINTS
from memmap_atlas.figures.registry import FIGURES, figures_of, find
from memmap_atlas.integrity.dependencies import LIBRARY, SCRIPTS, modules_of
from memmap_atlas.pipeline.paths import explorers, path, tables
from memmap_atlas.sweep.design import Sweep, resolved


def library(*scripts: str) -> list[str]:
    """Return scripts, by their names, and all modules that they import, as inputs of a rule:
    Snakemake does not see what a script imports. An edit reruns the rules that it can affect.
    """
    return [str(file) for file in sorted(modules_of(*(SCRIPTS / name for name in scripts)))]


def lab_library(*patterns: str) -> list[str]:
    """Return the modules of the lab that a job runs on; an edit of another one boots nothing."""
    folder = LIBRARY / "lab"
    return [str(file) for pattern in patterns for file in sorted(folder.glob(pattern))]


def sweep_named(name: str, sweeps: Mapping[str, Sweep]) -> Sweep:
    """Return the sweep of a file under results/. Raises SystemExit where the run has none of the
    name.
    """
    if name not in sweeps:
        sys.exit(f"Error: no sweep {name!r} in this run; there are {', '.join(sweeps)}")
    return sweeps[name]


def design_space(sweep: Sweep) -> dict[str, Any]:
    """Return the values that the tables of a sweep are computed from. Another description, or one
    figure more, computes nothing again.
    """
    values = resolved(sweep)
    return {key: values[key] for key in values if key not in ("description", "figures")}


def description_json(sweep: Sweep) -> str:
    """Return the description of a sweep, for captions, as JSON without "<": Snakemake writes
    parameters into a script of its report unescaped.
    """
    return json.dumps(sweep.description).replace("<", r"\u003c")


def figure_inputs(sweep: Sweep, kind: str, variant: str) -> dict[str, str | list[str]]:
    """Return the tables that a figure reads. Raises SystemExit where its sweep lacks the figure."""
    try:
        find(sweep, f"{kind}{variant}")
    except ValueError as error:
        sys.exit(f"Error in the figure asked for: {error}")
    strips = {"strips": path("<strips>", sweep=sweep.name)} if FIGURES[kind].needs_strips else {}
    return {"memmap": tables(sweep), **strips}


def figure_library(kind: str) -> list[str]:
    """Return the modules that draw figures of a kind."""
    return library("figure.py", FIGURES[kind].file)


def figure_label(sweep: Sweep, kind: str, variant: str) -> str:
    """Return the label of a figure in Snakemake's report, beside its sweep.

    One label: of two the report's viewer makes switches, which fail where not every pair of their
    values has a figure.
    """
    figure = find(sweep, f"{kind}{variant}")
    kernels = figure.kernels[0] if len(figure.kernels) == 1 else f"{len(figure.kernels)} kernels"
    return f"{kind.replace('-', ' ')}, {figure.layout or kernels}"


def figure_command(configured: Sequence[str], output: str) -> str:
    """Return the command that draws a figure again, from the folder that its run worked in.

    ``configured`` holds the values of --config that name its sweep; none where the workflow is a
    module, which has its configuration from a Snakefile, or where every run has the figure.
    """
    config = f"--config {shlex.join(configured)} " if configured else ""
    return f"snakemake --cores 1 {config}-- {shlex.quote(output)}"


def explorer_tables(sweep: Sweep) -> list[str]:
    """Return the tables of a sweep. Raises SystemExit where it is too large for an explorer."""
    if not explorers(sweep):
        sys.exit(
            f"Error: the explorer is for sweeps of up to {MOST_STRIP_POINTS:,} points, the sweep "
            f"{sweep.name} has {sweep.points:,}"
        )
    return tables(sweep)


def index_entries(sweeps: Collection[Sweep], evidence_question: str) -> list[dict[str, Any]]:
    """Return what the index shows, in its order and in native types: the sweeps with their figures,
    then the evidence. Paths are relative to results/.
    """
    entries = [
        {
            "name": sweep.name,
            "description": sweep.description,
            "explorer": next(map(from_results, explorers(sweep)), ""),
            "files": {
                "what ran (YAML)": from_results(path("<resolved>", sweep=sweep.name)),
                "layouts (parquet)": from_results(path("<layouts>", sweep=sweep.name)),
                **{
                    f"memmap, part {part} (parquet)": from_results(table)
                    for part, table in enumerate(tables(sweep))
                },
            },
            "figures": [
                {
                    "stem": from_results(path(f"<figures>/{figure.name}", sweep=sweep.name)),
                    "kind": figure.kind,
                    "question": FIGURES[figure.kind].question,
                }
                for figure in figures_of(sweep)
            ],
        }
        for sweep in sweeps
    ]
    figure = from_results(path("<evidence_figure>"))
    evidence = {
        "name": "evidence",
        "description": "Kernels that were booted, and what they allocated beside what is computed.",
        "explorer": "",
        "files": {
            "agreement by kernel (text)": from_results(path("<evidence>/agreement.txt")),
            "residuals (parquet)": from_results(path("<evidence>/residuals.parquet")),
        },
        "figures": [
            {"stem": figure, "kind": Path(figure).name, "question": evidence_question},
        ],
    }
    return [*entries, evidence]


def from_results(file: str) -> str:
    """Return a path relative to results/."""
    return Path(file).relative_to(path("<results>")).as_posix()
