"""A memmap_atlas that pip installed beside the workflow: jobs use the library of the workflow."""

import subprocess
from pathlib import Path

from tests.tools.paths import results_path
from tests.tools.runs import workflow

SWEEP = """\
name: small
layouts: {regions: {board: [[0, 0x80000000]]}}
kernels: [arm64-6.12-4k]
models: [vmemmap]
"""


def test_jobs_use_the_library_of_the_workflow(tmp_path: Path) -> None:
    installed = tmp_path / "site-packages/memmap_atlas"
    installed.mkdir(parents=True)
    (installed / "__init__.py").write_text("raise ImportError('another release')\n")
    (tmp_path / "small.yaml").write_text(SWEEP)
    table = results_path("<table>", sweep="small", part="000")
    words = ("--cores", "1", "--config", "sweeps=[small.yaml]", "--", table)
    done = subprocess.run(
        workflow("--directory", tmp_path, *words),
        # before every other folder of a process
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "PYTHONPATH": str(installed.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / table).is_file()
