"""Command lines of the workflow, for tests and tools that run it."""

import sys
from pathlib import Path

from tests.tools.paths import ROOT


def workflow(*arguments: str | Path) -> list[str]:
    """Return the command that runs the project's workflow with this interpreter."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", *arguments]
    return [str(word) for word in command]
