"""Benchmark, for a person to run (`make bench`): what a point costs to evaluate, and a whole run.

All figures come from one run on one machine; the ratios carry over, the times do not. Evaluations
that are compared must agree, or nothing is printed.
"""

import sys
from collections.abc import Callable, Sequence
from functools import partial
from time import perf_counter
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from tests.tools.paths import LIBRARY, ROOT

sys.path.insert(0, str(LIBRARY))

from memmap_atlas.catalog.kernels import load_kernels
from memmap_atlas.jit.codegen import compile_rule
from memmap_atlas.jit.trace import Trace, trace_rule
from memmap_atlas.memmodel.cost import cost
from memmap_atlas.memmodel.models import MODELS
from memmap_atlas.memmodel.quantities import QUANTITIES
from memmap_atlas.memmodel.regions import Ints, Regions
from memmap_atlas.sweep.axes import grid_regions
from memmap_atlas.sweep.evaluate import BLOCK, fill_from_arrays, point

from tests.tools import bench_run

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
    """Formula of the SQL in pandas, as a first try would have it."""
    a1, b1 = table.s1 // SECTION, -(-table.e1 // SECTION)
    a2 = np.maximum(table.s2 // SECTION, b1)
    b2 = np.maximum(-(-table.e2 // SECTION), a2)
    l1, m1 = a1 * MEMMAP // LEAF, -(-b1 * MEMMAP // LEAF)
    l2, m2 = a2 * MEMMAP // LEAF, -(-b2 * MEMMAP // LEAF)
    taken = (m1 - l1 + np.maximum(m2, m1) - np.maximum(l2, m1)) * LEAF
    needed = (table.e1 - table.s1 + table.e2 - table.s2) // PAGE * STRUCT
    return pd.DataFrame({"needed": needed, "memmap": taken, "wasted": taken - needed})


def best(work: Callable[[], Any], repeat: int = 5) -> tuple[float, Any]:
    """ns per point of the fastest of some runs, and its result."""
    times = []
    for _ in range(repeat):
        start = perf_counter()
        result = work()
        times.append(perf_counter() - start)
    return min(times) * 1e9 / POINTS, result


def in_blocks(program: Callable[[Regions, Ints], None], regions: Regions, rows: int) -> None:
    """Evaluate block by block into the same memory, as a writer of files takes them."""
    out = np.empty((rows, BLOCK), dtype=np.int64)
    for first in range(0, POINTS, BLOCK):
        some = regions.columns(slice(first, first + BLOCK))
        program(some, out[:, : some.start.shape[1]])


def as_sql(trace: Trace, results: Sequence[int], columns: Sequence[str]) -> str:
    """Steps as one query over a table of s0, e0, s1, e1: selects in each other, the inner ones with
    what the outer ones need, so that nothing is computed twice.
    """
    infix = {"add": "+", "sub": "-", "mul": "*", "div": "//", "and": "&", "shr": ">>", "shl": "<<"}
    called = {"min": "least", "max": "greatest"}
    names: list[str] = []
    depths: list[int] = []
    selects: dict[int, list[str]] = {}
    for place, (name, arguments) in enumerate(trace.instructions):
        values = [] if name in ("constant", "start", "end") else [names[one] for one in arguments]
        depths.append(max((depths[one] for one in arguments), default=0) + 1 if values else 0)
        names.append(f"v{place}")
        if name == "constant":
            names[place] = f"({trace.constants[arguments[0]]})"
            continue
        if name in ("start", "end"):
            names[place] = f"{name[0]}{arguments[0]}"
            continue
        if name == "select":
            text = f"case when {values[0]} then {values[1]} else {values[2]} end"
        elif name in called:
            text = f"{called[name]}({', '.join(values)})"
        else:
            text = f"{values[0]} {infix.get(name, name)} {values[1]}"
        selects.setdefault(depths[place], []).append(f"{text} as v{place}")
    query = "layouts"
    for _, lines in sorted(selects.items()):
        query = f"(select *, {', '.join(lines)} from {query})"
    found = zip(results, columns, strict=True)
    return f"select {', '.join(f'{names[one]} as {column}' for one, column in found)} from {query}"


def with_numpy(trace: Trace, results: Sequence[int], regions: Regions) -> list[Any]:
    """Steps taken by numpy, one after the other, each over all layouts."""
    function: dict[str, Callable[..., Any]] = {
        "add": np.add,
        "sub": np.subtract,
        "mul": np.multiply,
        "div": np.floor_divide,
        "and": np.bitwise_and,
        "shr": np.right_shift,
        "shl": np.left_shift,
        "min": np.minimum,
        "max": np.maximum,
        "select": np.where,
        "<": np.less,
        "<=": np.less_equal,
        ">": np.greater,
        ">=": np.greater_equal,
        "==": np.equal,
        "!=": np.not_equal,
    }
    found: list[Any] = []
    for name, arguments in trace.instructions:
        if name == "constant":
            found.append(np.int64(trace.constants[arguments[0]]))
        elif name in ("start", "end"):
            found.append(getattr(regions, name)[arguments[0]])
        else:
            found.append(function[name](*(found[argument] for argument in arguments)))
    return [found[place] for place in results]


def three(layouts: Regions) -> list[Ints]:
    """The columns that are written out by hand above."""
    found = cost(layouts, KERNEL, "vmemmap")
    return [found.needed, found.memmap, found.wasted]


def eleven(layouts: Regions, model: str = "vmemmap") -> list[Ints]:
    """All byte columns."""
    return list(point(layouts, KERNEL, model))[: len(QUANTITIES)]


def evaluation() -> list[tuple[str, float, float]]:
    """Return each evaluation with its ns per point and model, and how many times ours that is."""
    regions = layouts()
    edges = {
        "s1": regions.start[0],
        "e1": regions.end[0],
        "s2": regions.start[1],
        "e2": regions.end[1],
    }
    table = pd.DataFrame(edges)
    numbered = pd.DataFrame(dict(zip(("s0", "e0", "s1", "e1"), edges.values(), strict=True)))
    database = duckdb.connect()
    database.execute("set threads to 1")
    for name, frame in (("by_hand", table), ("numbered", numbered)):
        database.register("frame", frame)
        database.execute(f"create table {name} as select * from frame")
        database.unregister("frame")
    wide = np.empty((len(QUANTITIES), POINTS), dtype=np.int64)
    trace, results = trace_rule(eleven, 2)
    start = perf_counter()
    program = compile_rule(eleven, 2)
    making = perf_counter() - start
    program(regions, wide)
    query = as_sql(trace, results, [one.name for one in QUANTITIES]).replace(
        "from layouts", "from numbered"
    )
    ours, _ = best(lambda: in_blocks(program, regions, len(QUANTITIES)))
    writing, _ = best(lambda: in_blocks(lambda _, out: out.fill(1), regions, len(QUANTITIES)))
    numpy, by_numpy = best(lambda: with_numpy(trace, results, regions), 2)
    sql, by_sql = best(lambda: database.sql(query).fetchnumpy(), 2)
    for place, quantity in enumerate(QUANTITIES):
        assert (wide[place] == by_numpy[place]).all()
        assert np.array_equal(wide[place], by_sql[quantity.name])
    few = np.empty((3, POINTS), dtype=np.int64)
    short = compile_rule(three, 2)
    short(regions, few)
    ours_few, _ = best(lambda: in_blocks(short, regions, 3))
    numpy_few, frame = best(lambda: plain(table))
    sql_few, rows = best(
        lambda: database.sql(SQL.replace("from layouts", "from by_hand")).fetchnumpy()
    )
    for place, column in enumerate(("needed", "memmap", "wasted")):
        assert np.array_equal(few[place], frame[column])
        assert np.array_equal(few[place], rows[column])
    models, arrays = [], []
    for model in MODELS:
        of_model = compile_rule(partial(eleven, model=model), 2)
        models.append(best(lambda: in_blocks(of_model, regions, len(QUANTITIES)))[0])  # noqa: B023
        out = np.empty((len(QUANTITIES) + 1, POINTS), dtype=np.int64)
        arrays.append(best(lambda: fill_from_arrays(regions, KERNEL, model, out), 1)[0])  # noqa: B023
    mean = sum(models) / len(models)
    return [
        ("**all 11 byte columns, vmemmap**", ours, ours),
        ("the same, mean of the nine models", mean, mean),
        ("the same, the slowest model", max(models), max(models)),
        ("writing 11 columns to memory, no more", writing, ours),
        ("the same steps by numpy, over all layouts", numpy, ours),
        ("the same steps as DuckDB SQL, one thread", sql, ours),
        ("our rules on arrays, mean of the models", sum(arrays) / len(arrays), mean),
        ("**three columns, vmemmap**", ours_few, ours_few),
        ("by hand in pandas", numpy_few, ours_few),
        ("by hand in DuckDB SQL, one thread", sql_few, ours_few),
        (f"making the machine code: {making * 1e3:.0f} ms", 0, 0),
    ]


def main() -> None:
    """Print the tables."""
    print("| evaluation | ns per point and model | this / ours |")
    print("|---|---:|---:|")
    for name, time, ours in evaluation():
        print(f"| {name} | {time:.1f} | {time / ours:.1f} |" if time else f"\n{name}")
    print()
    bench_run.main()


if __name__ == "__main__":
    main()
