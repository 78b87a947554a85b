"""Write the JavaScript that draws the charts of every explorer."""

import sys
from pathlib import Path

# the library beside this script comes before one that is installed
sys.path.insert(0, str(Path(__file__).parent))

from memmap_atlas.job import start_job

start_job()

from typing import TYPE_CHECKING

import vl_convert
from memmap_atlas.integrity.staging import staged_outputs

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

if __name__ == "__main__":
    with staged_outputs(snakemake.output, snakemake.input) as staged:
        # it comes with vl-convert: nothing is fetched, neither now nor by the reader of a page
        script = vl_convert.javascript_bundle()  # type: ignore[call-arg]  # stubs lack the default
        staged(snakemake.output.script).write_text(script, encoding="utf-8", newline="\n")
        Path(snakemake.log[0]).write_text(f"{len(script):,} characters\n")
