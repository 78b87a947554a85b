"""Computed against booted: every boot of the lab as a point, and every quantity of every kernel."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter

from memmap_atlas.figures.captions import Titles
from memmap_atlas.figures.style import FAINT, INK, MARGIN, PAGE_WIDTH, atlas_style, sheet
from memmap_atlas.sweep.design import MODELS
from memmap_atlas.text.labels import size_label

# inches
ROW, TOP, HEADS, FOOT, SCATTER = 0.145, 0.5, 0.62, 0.12, 2.3
AXIS_LABELS, KEY = 0.75, 0.75
LETTER = 0.056
EXACT, WITHIN, OFF = "#d7ebe4", "#f3eed2", "#f2b8b5"
# by family; the second one where unused memmap is freed
MARKERS = {"flatmem": "sD", "sparsemem": "^v"}


class Counts(Protocol):
    """Agreement of a quantity over the boots of a kernel."""

    @property
    def boots(self) -> int: ...

    @property
    def exact(self) -> int: ...

    @property
    def within(self) -> int: ...

    @property
    def holds(self) -> bool: ...


@atlas_style()
def computed_against_booted(
    memmap: pd.DataFrame,
    agreement: Mapping[str, Mapping[str, Counts]],
    quantities: Sequence[str],
    titles: Titles,
) -> Figure:
    """Return a point for each row of ``memmap`` (observed, predicted: bytes; model), and a table
    beside them.

    ``agreement`` has a row for each kernel, and in it the counts of each of ``quantities``.
    """
    kernels = list(agreement)
    body = ROW * len(kernels)
    height = TOP + HEADS + max(body + FOOT, SCATTER + AXIS_LABELS + KEY)
    page = sheet(titles.title, titles.subtitle, height)
    left = 0.74
    scatter(page.axes(left, TOP + HEADS, SCATTER, SCATTER), memmap)
    page.write("Memmap of each boot", MARGIN, TOP + HEADS - 0.12, va="baseline", weight="bold")
    draw_key(page.figure, 1 - (TOP + HEADS + SCATTER + AXIS_LABELS) / height)
    table_left = left + SCATTER + 0.2
    names = LETTER * max(map(len, kernels), default=1)
    cells = table_left + names + 0.08
    axes = page.axes(cells, TOP + HEADS, PAGE_WIDTH - MARGIN - cells, body)
    agreement_cells(axes, agreement, quantities)
    for row, name in enumerate(kernels):
        page.write(name, table_left, TOP + HEADS + ROW * (row + 0.5), va="center_baseline")
    page.write("Boots of each kernel", table_left, TOP + HEADS - 0.12, va="baseline", weight="bold")
    return page.figure


def scatter(axes: Axes, memmap: pd.DataFrame) -> None:
    """Draw booted bytes over computed ones, on the same logarithmic axes, and the line of
    equality.
    """
    low, high = memmap[["observed", "predicted"]].min().min(), memmap["observed"].max()
    limits = (low / 1.6, high * 1.6)
    axes.plot(limits, limits, color=FAINT, lw=0.6, zorder=0)
    models = sorted(memmap["model"].unique())
    colours = dict(zip(models, sns.color_palette("colorblind", len(models)), strict=True))
    for model in models:
        rows = memmap[memmap["model"] == model]
        axes.scatter(
            rows["predicted"],
            rows["observed"],
            s=13,
            marker=marker_of(model),
            facecolor="none",
            edgecolor=[colours[model]],
            linewidth=0.7,
            label=f"{model} ({len(rows)})",
        )
    axes.set(xscale="log", yscale="log", xlim=limits, ylim=limits, aspect="equal")
    powers = 2.0 ** np.arange(np.ceil(np.log2(limits[0])), np.log2(limits[1]))
    ticks = powers[:: max(len(powers) // 6, 1)]
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks(ticks)
        axis.set_ticks([], minor=True)
        axis.set_major_formatter(FuncFormatter(lambda value, _: size_label(value)))
    axes.tick_params(axis="x", rotation=45)
    axes.set(xlabel="memmap, computed", ylabel="memmap, booted")
    axes.legend(loc="upper left", frameon=False, handletextpad=0.2, borderpad=0.2, labelspacing=0.3)


def marker_of(model: str) -> str:
    """Return the marker of a model's boots."""
    return MARKERS.get(MODELS[model].family, "oo")[MODELS[model].frees]


def agreement_cells(
    axes: Axes, agreement: Mapping[str, Mapping[str, Counts]], quantities: Sequence[str]
) -> None:
    """Draw a cell for each kernel and quantity: its boots, coloured by agreement."""
    axes.set(xlim=(0, len(quantities)), ylim=(len(agreement), 0))
    for row, cells in enumerate(agreement.values()):
        for column, quantity in enumerate(quantities):
            counts = cells.get(quantity)
            if counts is None:
                continue
            whole = counts.exact == counts.boots
            colour = EXACT if whole else WITHIN if counts.holds else OFF
            axes.add_patch(
                Rectangle((column, row), 1, 1, facecolor=colour, edgecolor="white", lw=0.8)
            )
            axes.text(
                column + 0.5, row + 0.54, f"{counts.boots}", ha="center", va="center", color=INK
            )
    axes.set_xticks(np.arange(len(quantities)) + 0.5, quantities, rotation=90)
    axes.set_yticks([])
    axes.xaxis.tick_top()
    axes.tick_params(axis="x", length=0, pad=2)
    axes.spines[:].set_visible(False)


def draw_key(figure: Figure, top: float) -> None:
    """Draw the key of the cells' colours; ``top`` is a fraction of the figure's height."""
    handles = [Rectangle((0, 0), 1, 1, facecolor=colour) for colour in (EXACT, WITHIN, OFF)]
    labels = [
        "all boots to the byte",
        "within the page a hole that FLATMEM leaves open",
        "some boot is off",
    ]
    figure.legend(
        handles,
        labels,
        title="Number of boots that show a quantity:",
        alignment="left",
        title_fontproperties={"size": 7, "weight": "bold"},
        loc="upper left",
        bbox_to_anchor=(0, top),
        frameon=False,
        handlelength=1.2,
    )
