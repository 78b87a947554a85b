"""memmap-atlas: what physical memory maps cost in struct page, under every Linux memory model."""

import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.utils import min_version

min_version("9.27")


HERE = Path(workflow.basedir)
sys.path.insert(0, str(HERE / "workflow/scripts"))
from memmap_atlas.pipeline.paths import PATHS


configfile: str(HERE / "config/config.yaml")


# "<table>" in a rule is the entry of that name
pathvars:
    **PATHS,


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/sweep.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/explorer.smk"
include: "workflow/rules/lab.smk"
include: "workflow/rules/census.smk"
include: "workflow/rules/evidence.smk"
include: "workflow/rules/answer.smk"
include: "workflow/rules/report.smk"


localrules:
    all,


rule all:
    default_target: True
    input:
        TABLES,
        FIGURES,
        EXPLORERS,
        EVIDENCE_RESULTS,
        "<index>",
    message:
        "every table, figure and explorer is made"
