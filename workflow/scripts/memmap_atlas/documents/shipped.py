"""Files that come with the library: config/ and the schemas.

A checkout has them beside the package, a wheel holds the same files inside it: pyproject.toml,
force-include.
"""

from pathlib import Path

PACKAGE = Path(__file__).parents[1]
INSTALLED = PACKAGE / "shipped"
ROOT = INSTALLED if INSTALLED.is_dir() else PACKAGE.parents[2]


def shipped(name: str) -> Path:
    """Return the path of a file by its name in the repository, such as config/kernels.yaml."""
    return ROOT / name
