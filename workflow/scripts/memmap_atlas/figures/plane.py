"""Heatmaps over a plane of a grid: hole position against RAM size or hole size, a panel for each
model and section size.
"""

import textwrap
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from memmap_atlas.figures.data import Drawn, same_at_all_sizes
from memmap_atlas.figures.style import (
    EDGE,
    FAINT,
    FORBIDDEN,
    HATCH,
    INK,
    PAGE_WIDTH,
    draw_scale,
    forbidden_patch,
    size_label,
)

Floats = NDArray[np.float64]

GIB = 1 << 30
MOST_LINES, MOST_TICKS = 5, 40
NARROW = 1.1  # inches, below which a title needs two lines
PROPOSALS = ("vmemmap-populated", "vmemmap-trimmed")
AXES = {
    "ram_bytes": "RAM size (GiB)",
    "hole_size_bytes": "size of the hole (GiB)",
    "base_bytes": "base of RAM (GiB)",
}
# inches
LEFT, RIGHT, TOP, GAP = 0.42, 0.06, 0.42, 0.13
PANEL_HEIGHT, TITLE, BELOW, STATUS, HEAD = 1.0, 0.19, 0.42, 0.12, 0.13


@dataclass(frozen=True)
class Panel:
    """A model at one section size, or at all of them that give the same waste (None)."""

    model: str
    section: int | None
    rows: pd.DataFrame

    @property
    def selectable(self) -> bool:
        """Whether the kernel can be built with the model."""
        return bool(self.rows["selectable"].iloc[0])


def waste_heatmap(drawn: Drawn, title: str, subtitle: str) -> Figure:
    """Waste over the plane of hole_start and the other axis that varies.

    Models whose waste does not depend on the section size have one panel, in the first rows; the
    others have a row of panels for each size. The last column of those holds the key.
    """
    rows = drawn.rows
    other = next(axis for axis in AXES if rows[axis].nunique() > 1)
    alike, varying = panels_of(rows)
    columns = max(len(varying) + 1, 5)
    upper = -(-len(alike) // columns)
    lower = max((len(panels) for panels in varying), default=2)
    width = (PAGE_WIDTH - LEFT - RIGHT - GAP * (columns - 1)) / columns
    narrow = width < NARROW
    row_height = PANEL_HEIGHT + TITLE + STATUS * narrow
    block = TOP + (HEAD + upper * (row_height + STATUS) + BELOW if upper else 0)
    height = block + HEAD + lower * row_height + BELOW
    # a whole number of pixels for each cell: no beat between cells and pixels
    cells = rows["hole_start_bytes"].nunique()
    dpi = cells * np.ceil(300 * width / cells) / width
    figure = Figure(figsize=(PAGE_WIDTH, height), dpi=dpi)

    def place(column: int, top: float, w: float = width, h: float = PANEL_HEIGHT) -> Axes:
        """Axes whose upper left corner stands in a column, ``top`` inches below the top."""
        left = LEFT + column * (width + GAP)
        return figure.add_axes(
            (left / PAGE_WIDTH, 1 - (top + h) / height, w / PAGE_WIDTH, h / height)
        )

    for index, panel in enumerate(alike):
        row, column = divmod(index, columns)
        axes = place(column, TOP + HEAD + row * (row_height + STATUS) + TITLE + STATUS)
        draw_panel(axes, panel, other, drawn)
        label_axes(axes, AXES[other] if column == 0 else "", row == upper - 1)
    for column, panels in enumerate(varying):
        for row, panel in enumerate(panels):
            axes = place(column, block + HEAD + row * row_height + TITLE + STATUS * narrow)
            draw_panel(axes, panel, other, drawn, ":\n" if narrow else ": ")
            label_axes(axes, AXES[other] if column == 0 else "", row == lower - 1)

    def head(text: str, top: float, **font: Any) -> None:
        figure.text(LEFT / PAGE_WIDTH, 1 - top / height, text, va="top", **font)

    head(title, 0.06, fontsize=9)
    head(subtitle, 0.23)
    if alike:
        head("The same at every feasible section size", TOP + 0.02, weight="bold")
    if varying:
        head("By section size", block + 0.02, weight="bold")
    draw_key(figure, place(columns - 1, block + HEAD + 0.4, 0.2, 2.2), drawn, other)
    return figure


def panels_of(rows: pd.DataFrame) -> tuple[list[Panel], list[list[Panel]]]:
    """Panels of models that no section size changes, and for each other model one by section."""
    alike, varying = [], []
    for model, of_model in rows.groupby("model", observed=True, sort=False):
        by_section = {
            size: of_model[of_model["section_bytes"] == size]
            for size in sorted(of_model["section_bytes"].unique().tolist())
        }
        if same_at_all_sizes(of_model):
            some = int(of_model[of_model["feasible"]]["section_bytes"].iloc[0])
            alike.append(Panel(str(model), None, by_section[some]))
        else:
            varying.append([Panel(str(model), size, part) for size, part in by_section.items()])
    return alike, varying


def draw_panel(axes: Axes, panel: Panel, other: str, drawn: Drawn, colon: str = ": ") -> None:
    """The waste of one model; what is forbidden hatched, section edges as lines or ticks."""
    plane = panel.rows.pivot(index=other, columns="hole_start_bytes", values="wasted_bytes")
    x, y = borders(plane.columns.to_numpy() / GIB), borders(plane.index.to_numpy() / GIB)
    waste = plane.to_numpy(dtype=np.float64, na_value=np.nan)
    axes.pcolormesh(x, y, waste, cmap=drawn.scale.colours, norm=drawn.scale.norm, rasterized=True)
    axes.set(xlim=(x[0], x[-1]), ylim=(y[0], y[-1]))
    axes.set_facecolor(FORBIDDEN)
    if np.isnan(waste).all():
        draw_forbidden(axes, str(panel.rows["reason"].iloc[0]))
    elif panel.section:
        draw_section_edges(axes, panel.section / GIB, other)
    if np.nanmax(waste, initial=0) == 0 and not np.isnan(waste).all():
        axes.text(0.5, 0.5, "none anywhere", transform=axes.transAxes, ha="center", va="center")
    axes.spines[:].set(
        color=INK if panel.selectable else FAINT,
        linewidth=1.4 if panel.selectable else 0.5,
        linestyle="-" if panel.selectable else (0, (3, 2)),
    )
    name = f"{size_label(panel.section)}{colon}{panel.model}" if panel.section else panel.model
    if panel.section is None and not panel.selectable:
        name += "\nproposal" if panel.model in PROPOSALS else "\nnot selectable"
    axes.set_title(name, color=INK if panel.selectable else "#5a5a5a", pad=3, linespacing=1.1)


def borders(values: Floats) -> Floats:
    """Borders of cells around ascending values, half way between them."""
    middle = (values[1:] + values[:-1]) / 2
    return np.concatenate([[2 * values[0] - middle[0]], middle, [2 * values[-1] - middle[-1]]])


def draw_forbidden(axes: Axes, reason: str) -> None:
    """A panel without any value: hatched, with the rule written out."""
    hatched = Rectangle(
        (0, 0), 1, 1, transform=axes.transAxes, hatch=HATCH, ec="#c4c4c4", fc=FORBIDDEN, lw=0
    )
    axes.add_patch(hatched)
    axes.text(
        0.5,
        0.5,
        textwrap.fill(reason, 16),
        transform=axes.transAxes,
        ha="center",
        va="center",
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5},
    )


def draw_section_edges(axes: Axes, section: float, other: str) -> None:
    """Ticks inside the frame where the hole starts on a section edge.

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
    """Ticks at round values; their labels and the axes' names at the left and below only."""
    axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter("{x:g}")
    if label:
        axes.set_ylabel(label)
    else:
        axes.set_yticklabels([])
    if lowest:
        axes.set_xlabel("address of the hole (GiB)", labelpad=2)
    else:
        axes.set_xticklabels([])


def draw_key(figure: Figure, bar: Axes, drawn: Drawn, other: str) -> None:
    """The scale, and what frames, hatch and lines mean."""
    draw_scale(bar, drawn.scale)
    bar.set_title("wasted memmap", loc="left", weight="bold", pad=7)
    handles: list[Artist] = [
        Rectangle((0, 0), 1, 1, fill=False, ec=INK, lw=1.4),
        Rectangle((0, 0), 1, 1, fill=False, ec=FAINT, lw=0.5, ls=(0, (3, 2))),
        Line2D([], [], color=EDGE, lw=0.8),
    ]
    labels = [
        "the kernel can be\nbuilt with it",
        "not selectable",
        "hole starts on a\nsection edge (not\ndrawn where dense)",
    ]
    if other == "hole_size_bytes":
        handles.append(Line2D([], [], color=EDGE, lw=0.8, ls=(0, (4, 2))))
        labels.append("hole ends on a\nsection edge")
    if not drawn.rows["feasible"].all():
        handles.append(forbidden_patch())
        labels.append("infeasible: a rule\nof the kernel\nforbids it")
    box = bar.get_position()
    figure.legend(
        handles,
        labels,
        loc="upper left",
        bbox_to_anchor=(box.x0 - 0.015, box.y0 - 0.015),
        frameon=False,
        handlelength=1.6,
        labelspacing=0.7,
        borderpad=0.2,
    )
