"""Heatmaps over a plane of a grid: hole position against another axis, a panel for each model and
section size.
"""

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from memmap_atlas.figures.annotated_heatmap import regret
from memmap_atlas.figures.captions import Titles
from memmap_atlas.figures.data import (
    COST,
    PLANE,
    REGRET,
    STATE,
    WASTE,
    FigureData,
    Source,
    same_at_all_sizes,
)
from memmap_atlas.figures.needs import grid_axes, values_per_cell
from memmap_atlas.figures.style import (
    DPI,
    EDGE,
    FAINT,
    FORBIDDEN,
    HATCH,
    INK,
    PAGE_WIDTH,
    KeyEntry,
    draw_key,
    forbidden_patch,
    sheet,
    waste_scale,
)
from memmap_atlas.sweep.axes import AXES
from memmap_atlas.sweep.design import PROPOSALS, Sweep
from memmap_atlas.text.labels import size_label

Floats = NDArray[np.float64]
T = TypeVar("T")

GIB = 1 << 30
MOST_LINES, MOST_TICKS = 5, 40
COLUMNS_READ = [*PLANE, "section_bytes", "model", *STATE, "wasted_bytes"]
ACROSS = AXES["hole_start"]
# inches
LEFT, RIGHT, TOP, GAP = 0.42, 0.06, 0.42, 0.13
PANEL_HEIGHT, TITLE, BELOW, LINE, HEAD = 1.0, 0.19, 0.42, 0.12, 0.13
UPRIGHT_KEY, FLAT_KEY = 4.7, 0.75
COLUMNS = 5
# letters of a model that have room beside a section size
MOST_LETTERS = 14
WIDTH = (PAGE_WIDTH - LEFT - RIGHT - GAP * (COLUMNS - 1)) / COLUMNS


@dataclass(frozen=True)
class Panel:
    """A model at one section size, or (None) at all sizes with the same waste."""

    model: str
    section: int | None
    rows: pd.DataFrame

    @property
    def selectable(self) -> bool:
        """True where the kernel can be built with the model."""
        return bool(self.rows["selectable"].iloc[0])

    @property
    def title(self) -> str:
        """Section size and model; for all sizes the model and its status."""
        if self.section:
            separator = "\n" if self.long else " "
            return f"{size_label(self.section)}:{separator}{self.model}"
        if self.selectable:
            return self.model
        return f"{self.model}\n{'proposal' if self.model in PROPOSALS else 'not selectable'}"

    @property
    def long(self) -> bool:
        """True where the title needs two lines."""
        return bool(self.section) and len(self.model) > MOST_LETTERS


def waste_rows(source: Source) -> FigureData:
    """Return waste over the plane; of models that no section size changes at one size only."""
    rows = cells(source, source.pieces(COLUMNS_READ), ["model", "section_bytes"], WASTE.value)
    return FigureData(by_panel(rows, WASTE.value), source.scale(1))


def regret_rows(source: Source) -> FigureData:
    """Return what each choice costs above the best one of its layout, over the plane."""
    index = ["hole_start_bytes", other_axis(source.sweep)]
    columns = [*PLANE, "section_bytes", "model", *STATE, *COST]
    pieces = (regret(rows[rows["selectable"]], index) for rows in source.pieces(columns))
    rows = cells(source, pieces, ["model", "section_bytes"], REGRET.value)
    known = rows[REGRET.value].dropna().to_numpy(dtype=np.float64)
    return FigureData(by_panel(rows, REGRET.value), waste_scale(known, 1), REGRET)


def cells(
    source: Source, pieces: Iterable[pd.DataFrame], keys: Sequence[str], value: str
) -> pd.DataFrame:
    """Return the rows of a plane in cells. A cell of several points, which a large plane has, has
    the greatest of their ``value``, its sum as ``total``, and their number as ``points``.

    Pieces are merged one by one: the plane is never in memory as a whole.
    """
    per_cell = values_per_cell(source.sweep, single_panel=source.figure.spec.single_panel)
    if max(per_cell.values()) == 1:
        return pd.concat(list(pieces), ignore_index=True)
    keys = [*keys, *(AXES[name].column for name in per_cell)]
    every = {
        "selectable": "any",
        "feasible": "any",
        "reason": "max",
        value: "max",
        "total": "sum",
        "points": "sum",
    }
    how = {name: function for name, function in every.items() if name not in keys}
    # numbers stand for reasons meanwhile: text would take most of the time
    reasons: list[str | None] = [None]

    def code_of(reason: str | None) -> int:
        if reason not in reasons:
            reasons.append(reason)
        return reasons.index(reason)

    def merge(rows: Sequence[pd.DataFrame]) -> pd.DataFrame:
        return pd.concat(rows).groupby(keys, sort=False, as_index=False, dropna=False).agg(how)

    merged: list[pd.DataFrame] = []
    for rows in pieces:
        middles = {
            AXES[name].column: middle(source.sweep, name, size, rows[AXES[name].column])
            for name, size in per_cell.items()
        }
        codes, texts = pd.factorize(rows["reason"], use_na_sentinel=True)
        reason = np.array([*map(code_of, texts), 0])[codes]
        points = rows.assign(**middles, reason=reason, total=rows[value], points=1)
        merged = [merge([*merged, merge([points])])]
    whole = merge(merged)
    return whole.assign(reason=np.array(reasons, dtype=object)[whole["reason"]])


def middle(sweep: Sweep, axis: str, per_cell: int, values: pd.Series) -> NDArray[np.int64]:
    """Return the middle of the cell of each value of an axis."""
    assert sweep.grid is not None
    known = np.sort(np.fromiter(sweep.grid[axis], np.int64))
    first = np.arange(0, len(known), per_cell)
    last = np.minimum(first + per_cell, len(known)) - 1
    middles = known[first] + (known[last] - known[first]) // 2
    return np.asarray(middles[np.searchsorted(known, values) // per_cell])


def other_axis(sweep: Sweep) -> str:
    """Return the column of the axis of a plane that is not hole_start."""
    axes = [AXES[name] for name in grid_axes(sweep)]
    return next(axis.column for axis in axes if axis != ACROSS)


def by_panel(rows: pd.DataFrame, value: str) -> pd.DataFrame:
    """Return the rows of all panels: where ``value`` of a model is the same at several section
    sizes, those of one of them, without a section size.
    """
    index = [upward(rows), "hole_start_bytes"]
    # the sum of a cell tells it from another one that has the same most
    compared = "total" if "total" in rows else value
    panels = []
    for _, of_model in rows.groupby("model", sort=False):
        several = of_model["section_bytes"].nunique() > 1
        if several and same_at_all_sizes(of_model, index, compared):
            feasible = of_model[of_model["feasible"]]
            at_first = of_model["section_bytes"] == feasible["section_bytes"].iloc[0]
            panels.append(of_model[at_first].assign(section_bytes=pd.NA))
        else:
            panels.append(of_model.sort_values("section_bytes", kind="stable"))
    shown = pd.concat(panels, ignore_index=True).astype({"section_bytes": "Int64"})
    points = ["points"] if "points" in shown else []
    return pd.DataFrame(shown[["model", "section_bytes", *index, *STATE, value, *points]])


def upward(rows: pd.DataFrame) -> str:
    """Return the column of the y axis of a plane."""
    # what is measured on a layout comes last: other axes can change it
    axes = sorted(AXES.values(), key=lambda axis: axis.measured is not None)
    columns = [axis.column for axis in axes if axis != ACROSS and axis.column in rows]
    return next(column for column in columns if rows[column].nunique() > 1)


def axis_label(column: str) -> str:
    """Return the label of an axis, with its unit, by its column."""
    return next(f"{axis.label} (GiB)" for axis in AXES.values() if axis.column == column)


@dataclass(frozen=True)
class Band:
    """Panels under one heading ("" where it continues), in lines of COLUMNS at most."""

    heading: str
    lines: list[list[Panel]]

    @property
    def line_height(self) -> float:
        """Inches of a line: a panel and its title."""
        long = any("\n" in panel.title for line in self.lines for panel in line)
        return PANEL_HEIGHT + TITLE + LINE * long

    @property
    def height(self) -> float:
        """Inches of the band."""
        return HEAD * bool(self.heading) + self.line_height * len(self.lines) + BELOW


def bands_of(alike: list[Panel], varying: list[list[Panel]]) -> list[Band]:
    """Return models that no section size changes first; then the others, a column for each model,
    or a line for each where they are one or two.
    """
    bands = []
    if alike:
        section = alike[0].rows["section_bytes"].iloc[0]
        every = "The same at every feasible section size"
        heading = every if pd.isna(section) else f"Sections of {size_label(section)}"
        bands.append(Band(heading, chunks(alike)))
    if 0 < len(varying) < 3:
        bands.append(
            Band("By section size", [line for panels in varying for line in chunks(panels)])
        )
    else:
        for index, models in enumerate(chunks(varying)):
            lines = [list(line) for line in zip(*models, strict=True)]
            bands.append(Band("" if index else "By section size", lines))
    return bands


def chunks(panels: list[T]) -> list[list[T]]:
    """Return ``panels`` in lines of COLUMNS."""
    return [panels[first : first + COLUMNS] for first in range(0, len(panels), COLUMNS)]


def waste_heatmap(data: FigureData, titles: Titles) -> Figure:
    """Return bands of panels over the plane of hole_start and the other axis that varies."""
    rows = data.rows
    other = upward(rows)
    bands = bands_of(*panels_of(rows))
    # the key stands beside the last band where there is a column for it, below it else
    room = max(map(len, bands[-1].lines)) < COLUMNS and bands[-1].height > UPRIGHT_KEY
    height = TOP + sum(band.height for band in bands) + (0 if room else FLAT_KEY)
    # a whole number of pixels for each cell: no beat between cells and pixels
    cells = rows["hole_start_bytes"].nunique()
    dpi = cells * np.ceil(DPI * WIDTH / cells) / WIDTH
    page = sheet(titles.title, titles.subtitle, height, left=LEFT, dpi=dpi)
    top = TOP
    for band in bands:
        page.write(band.heading, LEFT, top + 0.02, weight="bold")
        start = top + HEAD * bool(band.heading)
        for down, line in enumerate(band.lines):
            y = start + (down + 1) * band.line_height - PANEL_HEIGHT
            below = band.lines[down + 1] if down + 1 < len(band.lines) else []
            for column, panel in enumerate(line):
                axes = page.axes(LEFT + column * (WIDTH + GAP), y, WIDTH, PANEL_HEIGHT)
                draw_panel(axes, panel, other, data)
                label_axes(axes, "" if column else axis_label(other), lowest=column >= len(below))
        top += band.height
    if room:
        column = max(map(len, bands[-1].lines))
        beside = top - bands[-1].height + HEAD + 0.4
        bar = page.axes(LEFT + column * (WIDTH + GAP), beside, 0.2, 2.2)
    else:
        bar = page.axes(LEFT, top + 0.2, 2 * WIDTH, 0.14)
    entries = key_entries(rows, other)
    draw_key(page.figure, bar, data.scale, entries, data.key.called, upright=room)
    return page.figure


def panels_of(rows: pd.DataFrame) -> tuple[list[Panel], list[list[Panel]]]:
    """Return panels of models that no section size changes, and for each other model a panel for
    each size.
    """
    alike, varying = [], []
    for model, of_model in rows.groupby("model", sort=False):
        sizes = of_model["section_bytes"].dropna().unique().tolist()
        if len(sizes) > 1:
            parts = [of_model[of_model["section_bytes"] == size] for size in sizes]
            panels = zip(sizes, parts, strict=True)
            varying.append([Panel(str(model), size, part) for size, part in panels])
        else:
            alike.append(Panel(str(model), None, of_model))
    return alike, varying


def draw_panel(axes: Axes, panel: Panel, other: str, data: FigureData) -> None:
    """Draw one panel: infeasible cells hatched, section edges as lines or ticks."""
    plane = panel.rows.pivot(index=other, columns="hole_start_bytes", values=data.key.value)
    x, y = borders(plane.columns.to_numpy() / GIB), borders(plane.index.to_numpy() / GIB)
    waste = plane.to_numpy(dtype=np.float64, na_value=np.nan)
    # an image: a mesh in pixels takes a page of memory for each panel
    axes.pcolorfast(
        x,
        y,
        waste,
        cmap=data.scale.colours,
        norm=data.scale.norm,
        # colours are found for cells, not for pixels
        interpolation_stage="rgba",
        zorder=1,
    )
    axes.set(xlim=(x[0], x[-1]), ylim=(y[0], y[-1]))
    if np.isnan(waste).any():
        draw_forbidden(axes)
    if np.isnan(waste).all():
        write_over(axes, textwrap.fill(str(panel.rows["reason"].iloc[0]), 16))
    elif pd.notna(section := panel.rows["section_bytes"].iloc[0]):
        draw_section_edges(axes, section / GIB, other)
    if (waste == 0).all():
        write_over(axes, data.key.none)
    axes.spines[:].set(
        color=INK if panel.selectable else FAINT,
        linewidth=1.4 if panel.selectable else 0.5,
        linestyle="-" if panel.selectable else (0, (3, 2)),
    )
    axes.set_title(
        panel.title, color=INK if panel.selectable else "#5a5a5a", pad=3, linespacing=1.1
    )


def borders(values: Floats) -> Floats:
    """Return borders of cells around ascending values, half way between them."""
    middle = (values[1:] + values[:-1]) / 2
    return np.concatenate([[2 * values[0] - middle[0]], middle, [2 * values[-1] - middle[-1]]])


def draw_forbidden(axes: Axes) -> None:
    """Hatch cells without a value."""
    axes.set_facecolor(FORBIDDEN)
    whole = Rectangle((0, 0), 1, 1, transform=axes.transAxes, zorder=0.5)
    whole.set(hatch=HATCH, ec="#c4c4c4", fc=FORBIDDEN, lw=0)
    axes.add_patch(whole)


def write_over(axes: Axes, text: str) -> None:
    """Write text in the middle of a panel."""
    box = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", bbox=box)


def draw_section_edges(axes: Axes, section: float, other: str) -> None:
    """Draw ticks inside the frame where the hole starts on a section edge.

    On a plane of hole sizes the holes that end on one lie on slanting lines; where these are few,
    both are drawn across. Nothing is drawn where ticks would touch.
    """
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    starts = np.arange(np.ceil(left / section), right / section) * section
    if len(starts) > MOST_TICKS:
        return
    if other != "hole_size_bytes" or len(starts) > MOST_LINES:
        for y, sign in ((low, 1), (high, -1)):
            axes.vlines(starts, y, y + sign * 0.05 * (high - low), color=EDGE, lw=0.7)
        return
    axes.vlines(starts, low, high, color=EDGE, lw=0.5)
    for end in np.arange(np.ceil((left + low) / section), (right + high) / section) * section:
        axes.plot([left, right], [end - left, end - right], color=EDGE, lw=0.5, ls=(0, (4, 2)))
    axes.set(xlim=(left, right), ylim=(low, high))


def label_axes(axes: Axes, label: str, lowest: bool) -> None:
    """Set ticks at round values; labels and names of the axes at the left and below only."""
    axes.yaxis.set_visible(bool(label))
    axes.xaxis.set_visible(lowest)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
        axis.set_major_formatter("{x:g}")
    axes.set_ylabel(label)
    axes.set_xlabel(axis_label(ACROSS.column), labelpad=2)


def key_entries(rows: pd.DataFrame, other: str) -> list[KeyEntry]:
    """Return the meaning of frames, lines and hatches."""
    dashes = (0, (3, 2))
    entries: list[KeyEntry] = [
        (Rectangle((0, 0), 1, 1, fill=False, ec=INK, lw=1.4), "the kernel can be\nbuilt with it"),
    ]
    if not rows["selectable"].all():
        other_frame = Rectangle((0, 0), 1, 1, fill=False, ec=FAINT, lw=0.5, ls=dashes)
        entries.append((other_frame, "not selectable"))
    starts = Line2D([], [], color=EDGE, lw=0.8)
    entries.append((starts, "hole starts on a\nsection edge (not\ndrawn where dense)"))
    if other == "hole_size_bytes":
        ends = Line2D([], [], color=EDGE, lw=0.8, ls=(0, (4, 2)))
        entries.append((ends, "hole ends on a\nsection edge"))
    if not rows["feasible"].all():
        entries.append((forbidden_patch(), "infeasible: a rule\nof the kernel\nforbids it"))
    return entries
