"""Write the index of a run, and what its report begins with."""

from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from memmap_atlas.gallery import groups_of, introduction, page
from memmap_atlas.source_code import code_version

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

if __name__ == "__main__":
    index = Path(snakemake.output.index)
    groups = groups_of(snakemake.params.run, index.parent)
    template = Path(snakemake.input.template).read_text(encoding="utf-8")
    citation = yaml.safe_load(Path(snakemake.input.citation).read_text(encoding="utf-8"))
    index.write_text(
        page(groups, template, code_version(snakemake.input.library)), encoding="utf-8"
    )
    words = introduction(groups, citation)
    Path(snakemake.output.introduction).write_text(words, encoding="utf-8")
    Path(snakemake.log[0]).write_text(f"{sum(len(group.figures) for group in groups)} figures\n")
