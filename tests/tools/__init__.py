"""Tools that tests share, and that run alone: python -m tests.tools.NAME."""

import sys
from pathlib import Path

# pytest has the library on its path by pyproject.toml
sys.path.insert(0, str(Path(__file__).parents[2] / "workflow/scripts"))
