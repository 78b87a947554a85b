"""Paths of the repository that tests and tools share."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests/golden"
LIBRARY = ROOT / "workflow/scripts"
