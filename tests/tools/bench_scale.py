"""Benchmark, for a person to run: sweeps of 10^6 points and more, as the workflow makes them.

    python -m tests.tools.bench_scale 1e6 1e7 1e8 1e9 --out docs/scaling

writes a table (.csv) and a picture (.png): the time from nothing to the dataset on two cores beside
what pyarrow needs to write the same columns from memory in two processes, the memory of all
processes together, and bytes on disk. A billion points take some minutes and a GiB of disk.
"""

import argparse
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter, sleep

import numpy as np
import pandas as pd
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from tests.tools.paths import LIBRARY, ROOT, results_path
from tests.tools.runs import workflow

sys.path.insert(0, str(LIBRARY))

from memmap_atlas.figures.style import PAGE_WIDTH, Sheet, sheet
from memmap_atlas.pipeline.paths import described, tables
from memmap_atlas.sweep.design import POINTS_PER_GROUP, Sweep
from memmap_atlas.sweep.evaluate import points
from memmap_atlas.sweep.layouts import blocks
from memmap_atlas.sweep.tables import memmap_schema, point_columns
from memmap_atlas.sweepfile.sweeps import load_sweeps

CORES = 2
# row groups that the baseline writes in turn: more than fit a cache, and few enough for memory
DIFFERENT = 4
STEP = 16 << 20
FIGURES = [
    results_path(f"<figures>/{kind}-arm64-6.12-4k.svg", sweep="scaled")
    for kind in ("waste-heatmap", "regret-heatmap")
]


def scaled(folder: Path, wanted: int) -> Sweep:
    """The sweep ``billion`` with fewer places of the hole: about so many points."""
    values = yaml.safe_load((ROOT / "config/sweeps/billion.yaml").read_text())
    values["name"] = "scaled"
    values["figures"] = ["waste-heatmap", "regret-heatmap"]
    starts = values["layouts"]["grid"]["hole_start"]

    def with_places(places: int) -> Sweep:
        starts["to"] = (places - 1) * STEP
        (folder / "scaled.yaml").write_text(yaml.safe_dump(values))
        config = {"sweeps": ["scaled.yaml"], "max_points": 10**12}
        (sweep,) = load_sweeps(config, ROOT, folder)
        return sweep

    return with_places(max(-(-2 * wanted // with_places(2).points), 2))


class Memory(threading.Thread):
    """The most memory that a process and all below it held at once, in bytes."""

    def __init__(self, process: psutil.Process) -> None:
        super().__init__(daemon=True)
        self.process, self.most = process, 0

    def run(self) -> None:
        while self.process.is_running() and self.process.status() != psutil.STATUS_ZOMBIE:
            self.most = max(self.most, sum(map(resident, self.family())))
            sleep(0.05)

    def family(self) -> list[psutil.Process]:
        try:
            return [self.process, *self.process.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []


def resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


def made(folder: Path, targets: Sequence[str]) -> tuple[float, int]:
    """Seconds and most memory of the workflow that makes some files of the sweep."""
    start = perf_counter()
    process = psutil.Popen(
        workflow(
            *("--cores", str(CORES), "--directory", folder, "--quiet", "all"),
            *("--config", "sweeps=[scaled.yaml]", f"max_points={10**12}", "--", *targets),
        ),
        stdout=subprocess.DEVNULL,
    )
    memory = Memory(process)
    memory.start()
    assert process.wait() == 0
    return perf_counter() - start, memory.most


def some_groups(sweep: Sweep) -> Iterator[pa.Table]:
    """Row groups from all over the dataset."""
    size = sweep.layouts_per_group
    for first in np.linspace(0, max(sweep.layouts - size, 0), DIFFERENT, dtype=int).tolist():
        for found in points(blocks(sweep, size, slice(first, first + size)), sweep):
            yield pa.Table.from_arrays(point_columns(found, sweep), schema=memmap_schema({}))


def write(path: Path, sweep: Sweep, rows: int, ready, go) -> None:  # type: ignore[no-untyped-def]
    """Write so many rows from memory."""
    groups = list(some_groups(sweep))
    ready.release()
    go.wait()
    with pq.ParquetWriter(
        path, groups[0].schema, compression="zstd", max_rows_per_page=POINTS_PER_GROUP
    ) as writer:
        turn = 0
        while rows > 0:
            table = groups[turn % len(groups)].slice(0, rows)
            writer.write_table(table, row_group_size=len(table))
            rows -= len(table)
            turn += 1


def written(folder: Path, sweep: Sweep) -> float:
    """Seconds that pyarrow needs to write as many rows of the same columns, on as many cores."""
    context = get_context("spawn")
    ready, go = context.Semaphore(0), context.Event()
    writers = [
        context.Process(
            target=write,
            args=(folder / f"{core}.parquet", sweep, sweep.points // CORES, ready, go),
        )
        for core in range(CORES)
    ]
    for writer in writers:
        writer.start()
    for _ in writers:
        ready.acquire()
    start = perf_counter()
    go.set()
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    return perf_counter() - start


def measured(wanted: int) -> dict[str, float]:
    """One size: points, seconds of both, most memory, bytes on disk."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sweep = scaled(folder, wanted)
        seconds, memory = made(folder, [*described(sweep), *tables(sweep)])
        figure_seconds, figure_memory = made(folder, FIGURES)
        parts = sorted(folder.glob(results_path("<table>", sweep="scaled", part="*")))
        disk = sum(part.stat().st_size for part in parts)
        rows = sum(pq.read_metadata(part).num_rows for part in parts)
        assert rows == sweep.points
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        baseline = written(folder, scaled(folder, wanted))
    return {
        "points": sweep.points,
        "layouts": sweep.layouts,
        "files": sweep.parts,
        "seconds": round(seconds, 1),
        "pyarrow_seconds": round(baseline, 1),
        "ratio": round(seconds / baseline, 2),
        "ns_per_point": round(seconds / sweep.points * 1e9, 1),
        "memory_mib": round(memory / 2**20),
        "bytes_per_row": round(disk / sweep.points, 3),
        "two_figures_seconds": round(figure_seconds, 1),
        "two_figures_memory_mib": round(figure_memory / 2**20),
    }


def draw(rows: pd.DataFrame, path: Path) -> None:
    """Time and memory over points."""
    page: Sheet = sheet(
        "A sweep from nothing to its dataset, on two cores",
        "180 combinations of kernel, section size and model for each layout",
        3.4,
    )
    time = page.axes(0.6, 0.6, 2.7, 2.2)
    memory = page.axes(PAGE_WIDTH - 3.1, 0.6, 2.7, 2.2)
    time.loglog(rows["points"], rows["seconds"], "o-", color="#1f4e79", label="memmap-atlas")
    time.loglog(
        rows["points"], rows["pyarrow_seconds"], "s--", color="#8c8c8c", label="pyarrow alone"
    )
    time.set(xlabel="points", ylabel="seconds")
    time.legend(frameon=False)
    memory.semilogx(rows["points"], rows["memory_mib"], "o-", color="#1f4e79", label="the dataset")
    memory.semilogx(
        rows["points"], rows["two_figures_memory_mib"], "^:", color="#2f9e77", label="two figures"
    )
    memory.legend(frameon=False, loc="lower right")
    memory.axhline(1024, color="#8c8c8c", ls="--", lw=0.8)
    memory.text(rows["points"].min(), 1040, "1 GiB")
    memory.set(xlabel="points", ylabel="memory of all processes (MiB)", ylim=(0, 1200))
    page.figure.savefig(path, dpi=200, metadata={"Software": None})


def main() -> None:
    """Measure each size that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("points", nargs="*", type=float, default=[1e6, 1e7, 1e8])
    parser.add_argument("--out", type=Path, help="where the table and the picture go, no suffix")
    asked = parser.parse_args()
    found = []
    for wanted in asked.points:
        found.append(measured(int(wanted)))
        print(found[-1], flush=True)
    rows = pd.DataFrame(found)
    if asked.out:
        rows.to_csv(asked.out.with_suffix(".csv"), index=False)
        draw(rows, asked.out.with_suffix(".png"))


if __name__ == "__main__":
    main()
