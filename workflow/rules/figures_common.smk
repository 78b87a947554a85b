# What figures are made from, and the command that makes one again.

import json
import shlex

from memmap_atlas.documents.yaml_loader import as_list
from memmap_atlas.figures.registry import FIGURES as KINDS, find

EVIDENCE = str(HERE / "workflow/resources/evidence.parquet")
CITATION = str(HERE / "CITATION.cff")
# what the configuration says to get each sweep
WRITTEN = dict(zip(SWEEPS, ([f"sweeps={as_list([entry])}"] for entry in config["sweeps"])))
if QUESTION:
    WRITTEN = dict.fromkeys(SWEEPS, QUESTION.asked)


def sweep_of(wildcards):
    """The sweep of a file under results/; a clear word where this run has none of that name."""
    if wildcards.sweep not in SWEEPS:
        sys.exit(f"Error: no sweep {wildcards.sweep!r} in this run; there are {', '.join(SWEEPS)}")
    return SWEEPS[wildcards.sweep]


def description(wildcards):
    """What a sweep says of itself, for captions: other words make no table again. As JSON without
    <, since Snakemake writes params into a script of its report as they are.
    """
    return json.dumps(sweep_of(wildcards).description).replace("<", r"\u003c")


def figure_sources(kind):
    """The tables that a figure of this kind draws; a clear word where its sweep has no such one."""

    def sources(wildcards):
        sweep = sweep_of(wildcards)
        try:
            find(sweep, f"{kind}{wildcards.variant}")
        except ValueError as error:
            sys.exit(f"Error in the figure asked for: {error}")
        strips = {"strips": f"results/{sweep.name}/strips.parquet"}
        return {"memmap": tables(sweep), **(strips if KINDS[kind].needs_strips else {})}

    return sources


def figure_library(kind):
    """What draws a figure of this kind."""
    return library("figure.py", KINDS[kind].file)


def command(wildcards, output):
    """What makes a figure again, from the folder that results/ is in."""
    asked = " ".join(map(shlex.quote, WRITTEN[wildcards.sweep]))
    return f"snakemake --cores 1 --config {asked} -- {output[0]}"


def figure_labels(kind):
    """What the report calls a figure, beside its sweep; one label, since of two its viewer makes
    switches, and fails where not every pair of their values has a figure.
    """

    def labels(wildcards):
        figure = find(sweep_of(wildcards), f"{kind}{wildcards.variant}")
        alone = figure.kernels[0] if len(figure.kernels) == 1 else f"{len(figure.kernels)} kernels"
        return {"figure": f"{kind.replace('-', ' ')}, {figure.layout or alone}"}

    return labels
