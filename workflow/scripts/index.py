"""Write the index of a run, and the introduction of its report."""

import sys
from pathlib import Path

# the library beside this script comes before one that is installed
sys.path.insert(0, str(Path(__file__).parent))

from memmap_atlas.job import start_job

start_job()

from typing import TYPE_CHECKING

import yaml
from memmap_atlas.integrity.dependencies import code_version
from memmap_atlas.integrity.staging import staged_outputs
from memmap_atlas.reports.index import groups_of, introduction, page

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

if __name__ == "__main__":
    with staged_outputs(snakemake.output, snakemake.input) as staged:
        index = Path(snakemake.output.index)
        groups = groups_of(snakemake.params.run, index.parent)
        template = Path(snakemake.input.template).read_text(encoding="utf-8")
        citation = yaml.safe_load(Path(snakemake.input.citation).read_text(encoding="utf-8"))
        staged(index).write_text(
            page(groups, template, code_version(snakemake.input.library)), encoding="utf-8"
        )
        words = introduction(groups, citation)
        staged(snakemake.output.introduction).write_text(words, encoding="utf-8")
        count = sum(len(group.figures) for group in groups)
        Path(snakemake.log[0]).write_text(f"{count} figures\n")
