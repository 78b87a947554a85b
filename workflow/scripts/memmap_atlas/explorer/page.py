"""The page: facts about the sweep, its data and its charts in one HTML file."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from memmap_atlas.explorer.charts import (
    LINE_HEIGHT,
    NAMES,
    PLANE_HEIGHT,
    STATUS,
    bars,
    class_colours,
    index_axis,
    line,
    plane,
    strip,
)
from memmap_atlas.explorer.encode import Store, region_columns, strip_columns, whole
from memmap_atlas.explorer.unvalidated import unvalidated
from memmap_atlas.figures.style import (
    EDGE,
    FAINT,
    FORBIDDEN,
    INK,
    PART_COLOURS,
    WasteScale,
    waste_scale,
)
from memmap_atlas.integrity.provenance import digest
from memmap_atlas.memmodel.backing import PARTS
from memmap_atlas.memmodel.models import MODELS
from memmap_atlas.memmodel.quantities import NAMED, QUANTITIES
from memmap_atlas.sweep.axes import AXES, PLANE_ORDER
from memmap_atlas.sweep.design import Combination, Sweep, load, sections_of
from memmap_atlas.sweep.layouts import Layouts, layouts_of
from memmap_atlas.text.labels import size_label
from memmap_atlas.text.units import UNITS, size_text


@dataclass(frozen=True)
class Tables:
    """Files of a sweep: the resolved sweep, its memmap dataset, layouts and strips."""

    sweep: Path
    memmap: Sequence[Path]
    layouts: Path
    strips: Path


@dataclass(frozen=True)
class Frame:
    """Resources and texts of a page.

    resources: folder of its template, script and style
    vega: JavaScript that draws charts
    description: of the sweep
    code: version of the code that writes the page
    """

    resources: Path
    vega: Path
    description: str
    code: str


def explorer(tables: Tables, frame: Frame) -> str:
    """Return the page of a sweep as HTML.

    Raises ValueError where the tables hold a number that a browser cannot represent.
    """
    sweep = replace(load(tables.sweep), description=frame.description)
    layouts = layouts_of(sweep)
    store = Store()
    memmap = [one_chunk(group) for part in tables.memmap for group in row_groups(part)]
    scale = waste_scale(
        np.concatenate([part["wasted_bytes"].drop_null().to_numpy() for part in memmap]), 1
    )
    axes = axes_of(sweep, layouts)
    shown = plane_axes(axes)
    manifest = {
        "sweep": sweep.name,
        "axes": axes,
        "plane": shown,
        "names": store.add_text("\n".join(layouts.names.to_pylist())),
        "gridded": int(layouts.gridded.sum()),
        "layouts": len(layouts),
        "regions": store.add(
            *region_columns(pq.read_table(tables.layouts)["regions"].combine_chunks())
        ),
        "kernels": [kernel_words(name, sweep) for name in sweep.kernels],
        "models": [
            {"name": name, "words": MODELS[name].description, "proposal": MODELS[name].proposal}
            for name in sweep.models
        ],
        "columns": [quantity.column for quantity in QUANTITIES],
        "parts": list(PARTS),
        "room": NAMES,
        "status": list(STATUS),
        "reasons": (reasons := reasons_of(memmap)),
        "combinations": list(combinations(sweep, layouts, memmap, tables.strips, reasons, store)),
        "charts": charts(axes, shown, scale, len(sweep.models), named(sweep, shown)),
    }
    page = environment(frame.resources).get_template("page.html.j2")
    return page.render(
        sweep=sweep,
        manifest=manifest,
        blobs=store.blobs,
        reading=reading(sweep, shown),
        maps=maps_words(sweep),
        columns=[
            {
                "name": quantity.column,
                "words": quantity.description,
                "indent": quantity.part_of == "wasted",
            }
            for quantity in QUANTITIES
        ],
        classes=legend(scale),
        parts=[{"colour": PART_COLOURS[part], "words": part_words(part)} for part in PARTS],
        status=STATUS,
        axes=sorted(
            (axis for axis in axes if len(axis["values"]) > 1),
            key=lambda axis: PLANE_ORDER.index(axis["name"]),
        ),
        inks={"ink": INK, "faint": FAINT, "edge": EDGE, "forbidden": FORBIDDEN},
        provenance=f"memmap-atlas {frame.code}, sweep SHA-256 {digest(tables.sweep)}",
        vega=inline(frame.vega.read_text(encoding="utf-8")),
        code=inline((frame.resources / "explorer.js").read_text(encoding="utf-8")),
        style=inline((frame.resources / "explorer.css").read_text(encoding="utf-8")),
    )


def environment(folder: Path) -> Environment:
    """Return a template environment that escapes all text of a sweep."""
    made = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    # JSON for a script element: tojson writes <, >, & and ' as \u003c and so on
    made.policies["json.dumps_kwargs"] = {"separators": (",", ":"), "allow_nan": False}
    return made


def inline(text: str) -> Markup:
    """Return script or style unescaped; nothing in it may end its element."""
    assert "</script" not in text.lower()
    assert "</style" not in text.lower()
    assert "<!--" not in text
    return Markup(text)


def one_chunk(table: pa.Table) -> pa.Table:
    """Return the table with one chunk for each column, and one dictionary in it."""
    return table.unify_dictionaries().combine_chunks()


def row_groups(part: Path) -> Iterator[pa.Table]:
    """Yield the row groups of a file of the dataset: each has some layouts under
    ``sweep.groups``.
    """
    with pq.ParquetFile(part) as file:
        for number in range(file.num_row_groups):
            yield file.read_row_group(number)


def reasons_of(memmap: Sequence[pa.Table]) -> list[str]:
    """Return the rules that forbid points, sorted."""
    reasons = {reason for part in memmap for reason in part["reason"].unique().to_pylist()}
    return sorted(reasons - {None})


def combinations(
    sweep: Sweep,
    layouts: Layouts,
    memmap: Sequence[pa.Table],
    strips: Path,
    reasons: Sequence[str],
    store: Store,
) -> Iterator[dict[str, Any]]:
    """Yield, for each kernel, section size and model, the indices of its columns and strips in the
    store.

    Raises ValueError where the tables are not in the order of the sweep.
    """
    kernels = list(sweep.kernels)
    every = len(layouts)
    kept = one_chunk(pq.read_table(strips))
    blocks: dict[Combination, list[pa.Table]] = {
        combination: [] for combination in sweep.combinations
    }
    for group, shared in zip(memmap, cycle(sweep.groups), strict=False):
        count = len(group) // len(shared)
        for index, combination in enumerate(shared):
            blocks[combination].append(group.slice(index * count, count))
    for number, combination in enumerate(sweep.combinations):
        kernel, section, model = combination
        first = 0
        for block in blocks[combination]:
            check(block, layouts.names.slice(first, len(block)), kernel, section, model)
            first += len(block)
        rows = pa.concat_tables(blocks[combination])
        stretches = kept.slice(number * every, every)
        check(stretches, layouts.names, kernel, section, model)
        reason = pa.compute.index_in(
            rows["reason"].cast(pa.string()), pa.array(reasons, pa.string())
        )
        yield {
            "kernel": kernels.index(kernel),
            "section": section,
            "model": sweep.models.index(model),
            "selectable": rows["selectable"][0].as_py(),
            "feasible": store.add_column(rows["feasible"].cast(pa.int64())),
            "reason": store.add_column(reason.cast(pa.int64())),
            "columns": [store.add_column(rows[quantity.column]) for quantity in QUANTITIES],
            "stretches": store.add(*strip_columns(whole(stretches["stretches"]))),
        }


def check(rows: pa.Table, names: pa.Array, kernel: str, section: int, model: str) -> None:
    """Raise ValueError unless rows are those of the combination, one for each layout in order."""
    expected = {"kernel": kernel, "section_bytes": section, "model": model}
    if any(rows[name].unique().to_pylist() != [value] for name, value in expected.items()):
        raise ValueError(f"the rows of {kernel}, {section}, {model} are elsewhere in the table")
    if not whole(rows["layout"]).cast(pa.string()).equals(names):
        raise ValueError(f"the layouts of {kernel}, {section}, {model} are in another order")


def axes_of(sweep: Sweep, layouts: Layouts) -> list[dict[str, Any]]:
    """Return the axes of the grid: their values in ascending order, labels, and the distance in the
    table to the layouts of each value (``places``).

    Raises ValueError where the layouts are not the product of the axes.
    """
    if sweep.grid is None:
        return []
    values = {name: np.fromiter(sweep.grid[name], np.int64) for name in AXES}
    product = np.meshgrid(*values.values(), indexing="ij")
    size = int(layouts.gridded.sum())
    for name, expected in zip(AXES, product, strict=True):
        if not np.array_equal(layouts.axes[name][:size], expected.ravel()):
            raise ValueError(f"the layouts are not in the order of the grid: {name}")
    axes, step = [], size
    for name, of_axis in values.items():
        step //= len(of_axis)
        order = np.argsort(of_axis, kind="stable")
        axes.append(
            {
                "name": name,
                "words": AXES[name].label,
                "values": of_axis[order].tolist(),
                "labels": [exact_label(value) for value in of_axis[order].tolist()],
                "places": (order * step).tolist(),
            }
        )
    return axes


def plane_axes(axes: Sequence[Mapping[str, Any]]) -> list[int]:
    """Return indices among ``axes`` of the x and the y axis of the plane; fewer where fewer
    vary.
    """
    varying = [axis["name"] for axis in axes if len(axis["values"]) > 1]
    return [[*AXES].index(axis) for axis in PLANE_ORDER if axis in varying][:2]


def exact_label(size: int) -> str:
    """Return a size without rounding: 2 GiB, 1.5 GiB, 2080 MiB."""
    for unit in reversed(UNITS):
        quarters = size * 4 / UNITS[unit]
        if size >= UNITS[unit] and quarters == int(quarters):
            return f"{size / UNITS[unit]:g} {unit}"
    return "0"


def kernel_words(name: str, sweep: Sweep) -> dict[str, Any]:
    """Return the page's facts about a kernel."""
    kernel = sweep.kernels[name]
    own = exact_label(kernel.section_size)
    sections = sections_of(kernel, sweep.section_sizes)
    return {
        "name": name,
        "page": kernel.page_size,
        "words": (
            f"Linux {kernel.release} for {kernel.arch}, pages of {exact_label(kernel.page_size)}, "
            f"struct page of {kernel.struct_page_size} bytes; it ships with sections of {own} and "
            f"{kernel.default_model}."
        ),
        "default": kernel.default_model,
        "own": kernel.section_size,
        "sections": [
            {"bytes": size, "text": size_text(size), "label": exact_label(size)}
            for size in sections
        ],
    }


@unvalidated()
def charts(
    axes: Sequence[Mapping[str, Any]],
    shown: Sequence[int],
    scale: WasteScale,
    models: int,
    layouts: int,
) -> dict[str, Any]:
    """Return the specifications of all charts of a page."""
    made: dict[str, Any] = {"layouts": bars(layouts), "models": bars(models), "strip": strip()}

    def labelled(place: int, most: int) -> Any:
        axis = axes[place]
        return index_axis(axis["values"], axis["labels"], axis["words"], most)

    alone = len(shown) == 1
    for name, place in zip(("across", "up"), shown, strict=False):
        height = PLANE_HEIGHT if alone else LINE_HEIGHT
        made[name] = line(labelled(place, 5), len(axes[place]["values"]), height)
    if len(shown) == 2:
        columns, rows = (len(axes[place]["values"]) for place in shown)
        x, y = labelled(shown[0], 5), labelled(shown[1], 8)
        made["plane"] = plane(x, y, (columns, rows), scale)
    return made


def part_words(part: str) -> str:
    """Return the label and description of what struct pages are kept for."""
    return f"{NAMED[part].label}: {NAMED[part].description}"


def legend(scale: WasteScale) -> list[dict[str, str]]:
    """Return the classes of waste with their colours, ascending from none."""
    bounds = [size_label(bound) for bound in scale.bounds]
    words = ["none", f"below {bounds[0]}", *(f"{bound}" for bound in bounds)]
    return [
        {"colour": colour, "words": text}
        for colour, text in zip(class_colours(scale), words, strict=True)
    ]


def reading(sweep: Sweep, shown: Sequence[int]) -> str:
    """Return instructions for the page, in the words of its controls."""
    waste = (
        "wasted memmap: the bytes that stay allocated for struct pages after boot, less the struct "
        "pages of RAM"
    )
    named = "The list has the other memory maps of this sweep."
    if len(shown) == 2:
        text = (
            f"Each cell is a memory map: RAM with one hole. Its colour is its {waste}. Choose a "
            "cell with a click or the arrow keys, or move the sliders: all else is about that map."
        )
    elif shown:
        text = (
            f"Each place on the line is a memory map: RAM with one hole. Its height is its {waste}."
            " Move the slider: all else is about that map."
        )
    else:
        return f"Each bar is {waste}. Choose a memory map or a model: all else is about that one."
    return f"{text} {named}" if sweep.regions else text


def named(sweep: Sweep, shown: Sequence[int]) -> int:
    """Return the number of layouts chosen by name: also the one of a grid in which nothing
    varies.
    """
    return sweep.layouts if not shown else len(sweep.regions)


def maps_words(sweep: Sweep) -> dict[str, Any]:
    """Return the ways to choose a memory map."""
    grid = sweep.grid.layouts if sweep.grid else 0
    return {"grid": grid > 1, "named": list(sweep.regions), "points": sweep.points}
