"""JSON and CSV as the commands print them."""

import csv
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from memmap_atlas import __version__


def print_json(values: Mapping[str, Any]) -> None:
    """Print values as JSON, with the release of the atlas first."""
    json.dump({"memmap_atlas": __version__, **values}, sys.stdout, indent=2)
    print()


def print_csv(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print rows as CSV, in the columns of the first; None is an empty cell."""
    writer = csv.DictWriter(sys.stdout, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
