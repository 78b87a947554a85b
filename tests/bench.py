"""Benchmark, for a person to run (`make bench`): what a point costs to evaluate, and a whole run.

All figures come from one run on one machine; the ratios carry over, the times do not. The three
evaluations must agree, or nothing is printed.
"""

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import duckdb
import numpy as np
import pandas as pd

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "workflow/scripts"))

from memmap_atlas.evaluate import costs  # noqa: E402
from memmap_atlas.kernel_file import load_kernels  # noqa: E402
from memmap_atlas.layouts import grid_regions  # noqa: E402
from memmap_atlas.models import MODELS  # noqa: E402
from memmap_atlas.regions import Regions  # noqa: E402
from memmap_atlas.table import COST_COLUMNS  # noqa: E402

POINTS = 1_000_000
KERNEL = load_kernels(ROOT / "config/kernels.yaml")["arm64-5.10-4k"]
PAGE, SECTION, LEAF = KERNEL.page_size, KERNEL.section_size, KERNEL.vmemmap_leaf
STRUCT, MEMMAP = KERNEL.struct_page_size, KERNEL.section_memmap

# needed and memmap of two regions, written out: what a first try without our windows looks like
SQL = f"""
with windows as (
  select *,
    s1 // {SECTION} as a1, (e1 + {SECTION - 1}) // {SECTION} as b1,
    greatest(s2 // {SECTION}, (e1 + {SECTION - 1}) // {SECTION}) as a2,
    (e2 + {SECTION - 1}) // {SECTION} as top
  from layouts
), sections as (
  select *, greatest(top, a2) as b2 from windows
), leaves as (
  select *,
    a1 * {MEMMAP} // {LEAF} as l1, (b1 * {MEMMAP} + {LEAF - 1}) // {LEAF} as m1,
    a2 * {MEMMAP} // {LEAF} as l2, (b2 * {MEMMAP} + {LEAF - 1}) // {LEAF} as m2
  from sections
)
select
  (e1 - s1 + e2 - s2) // {PAGE} * {STRUCT} as needed,
  (m1 - l1 + greatest(m2, m1) - greatest(l2, m1)) * {LEAF} as memmap,
  (m1 - l1 + greatest(m2, m1) - greatest(l2, m1)) * {LEAF}
    - (e1 - s1 + e2 - s2) // {PAGE} * {STRUCT} as wasted
from leaves
"""


def layouts() -> Regions:
    """A million grid points, with holes of whole pages anywhere."""
    random = np.random.default_rng(2016)
    pages = {"base": (0, 8), "ram_size": (1, 1 << 21), "hole_start": (8, 1 << 21)}
    axes = {axis: random.integers(*span, POINTS) * PAGE for axis, span in pages.items()}
    return grid_regions(**axes, hole_size=random.integers(1, 1 << 18, POINTS) * PAGE)


def plain(table: pd.DataFrame) -> pd.DataFrame:
    """The same formula as the SQL, in pandas as one would write it first."""
    a1, b1 = table.s1 // SECTION, -(-table.e1 // SECTION)
    a2 = np.maximum(table.s2 // SECTION, b1)
    b2 = np.maximum(-(-table.e2 // SECTION), a2)
    l1, m1 = a1 * MEMMAP // LEAF, -(-b1 * MEMMAP // LEAF)
    l2, m2 = a2 * MEMMAP // LEAF, -(-b2 * MEMMAP // LEAF)
    taken = (m1 - l1 + np.maximum(m2, m1) - np.maximum(l2, m1)) * LEAF
    needed = (table.e1 - table.s1 + table.e2 - table.s2) // PAGE * STRUCT
    return pd.DataFrame({"needed": needed, "memmap": taken, "wasted": taken - needed})


def best(work: Callable[[], Any], repeat: int = 3) -> tuple[float, Any]:
    """Seconds of the fastest of some runs, and its result."""
    times = []
    for _ in range(repeat):
        start = perf_counter()
        result = work()
        times.append(perf_counter() - start)
    return min(times), result


def evaluation() -> list[tuple[str, float, str]]:
    """ns per point and model of each way to evaluate."""
    regions = layouts()
    table = pd.DataFrame(
        {
            "s1": regions.start[0],
            "e1": regions.end[0],
            "s2": regions.start[1],
            "e2": regions.end[1],
        }
    )
    database = duckdb.connect()
    database.execute("set threads to 1")
    database.register("layouts_frame", table)
    database.execute("create table layouts as select * from layouts_frame")
    ours, result = best(lambda: costs(regions, KERNEL, "vmemmap"))
    numpy, frame = best(lambda: plain(table))
    sql, rows = best(lambda: database.sql(SQL).df())
    for place, (name, _) in enumerate(COST_COLUMNS):
        if (column := name.removesuffix("_bytes")) in frame:
            assert np.array_equal(result[place], frame[column])
            assert np.array_equal(result[place], rows[column])
    every = [best(lambda model=model: costs(regions, KERNEL, model), 1)[0] for model in MODELS]
    to_ns = 1e9 / POINTS
    return [
        ("ours, vmemmap, all 11 byte columns", ours * to_ns, ""),
        ("ours, mean of the nine models, all columns", sum(every) / len(every) * to_ns, ""),
        ("plain pandas, vmemmap, 3 columns", numpy * to_ns, f"{ours / numpy:.1f}"),
        ("DuckDB SQL, vmemmap, 3 columns, one thread", sql * to_ns, f"{ours / sql:.1f}"),
    ]


def seconds(*command: str | Path, folder: Path) -> float:
    """Wall time of a command."""
    start = perf_counter()
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return perf_counter() - start


def main() -> None:
    """Print both tables."""
    print("| evaluation | ns per point and model | ours / this |")
    print("|---|---:|---:|")
    for name, time, ratio in evaluation():
        print(f"| {name} | {time:.0f} | {ratio} |")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        seaborn = min(
            seconds(sys.executable, "-c", "import seaborn", folder=folder) for _ in range(3)
        )
        run = seconds(
            *(sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile"),
            *("--cores", "all", "--directory", folder),
            folder=folder,
        )
    print("\n| whole run | seconds | times `import seaborn` |")
    print("|---|---:|---:|")
    print(f'| `python -c "import seaborn"` | {seaborn:.2f} | 1 |')
    print(f"| the default run from nothing | {run:.0f} | {run / seaborn:.0f} |")


if __name__ == "__main__":
    main()
