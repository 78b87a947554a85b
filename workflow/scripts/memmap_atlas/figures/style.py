"""Style of all figures: sizes, fonts, colours, and the scale of waste."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
import seaborn as sns
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.collections import PolyCollection
from matplotlib.colors import BoundaryNorm, Colormap, ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.typing import ColorType
from numpy.typing import ArrayLike, NDArray

from memmap_atlas.memmodel.quantities import smallest_parts
from memmap_atlas.text.labels import size_label

DPI = 200
STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 7,
    "axes.titlesize": 7,
    "axes.labelsize": 7,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "figure.titlesize": 9,
    # a fixed height: matplotlib would search for a free one at each drawing
    "axes.titley": 1.0,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "hatch.linewidth": 0.5,
    "figure.dpi": DPI,
    "svg.hashsalt": "memmap-atlas",
    "svg.fonttype": "path",
    "pdf.fonttype": 42,
}

# inches: two columns of a paper, or the text of an A4 page; and one column
PAGE_WIDTH, COLUMN_WIDTH = 7.1, 3.45
MARGIN = 0.06
MOST_CLASSES = 9
INK, FAINT, NO_WASTE, FORBIDDEN = "#222222", "#8a8a8a", "#ffffff", "#e4e4e4"
EDGE = "#d1495b"  # a section edge: told from every class by hue and by being a line
HATCH = "//////"
# parts of the cost by name; a hole is the loudest, and what is needed stays behind
CHOSEN_COLOURS = {
    "needed": "#d3dde3",
    "hole": "#c8374b",
    "edge": "#f0a53a",
    "rounding": "#3a2140",
    "section_table": "#1d6a96",
    "usage": "#86c5e8",
    "page_table": "#2f9e77",
}
# of parts without a colour of their own
FURTHER_COLOURS = ("#7a5c2e", "#8f7fc4", "#5f6b2d", "#e08fb0")
Corner = Literal["upper left", "upper right"]
# a handle of the key, and what it means
KeyEntry = tuple[Artist, str]


def part_colours() -> dict[str, str]:
    """Return a colour for the label of each of the smallest parts of the cost."""
    further = cycle(FURTHER_COLOURS)
    return {part.label: CHOSEN_COLOURS.get(part.name) or next(further) for part in smallest_parts()}


PART_COLOURS = part_colours()


@contextmanager
def atlas_style() -> Iterator[None]:
    """Context in which figures are made and written in one style, whatever matplotlib is configured
    to; at its end matplotlib's settings are as before.
    """
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(STYLE)
        yield


@dataclass(frozen=True)
class WasteScale:
    """Classes of waste: zero, below the first bound, between bounds, and from the last one on."""

    bounds: tuple[int, ...]

    @property
    def colours(self) -> Colormap:
        """One colour for each class, darker for more; lightness falls in every step."""
        palette = sns.color_palette("mako_r", len(self.bounds) + 1)
        return ListedColormap(palette).with_extremes(under=NO_WASTE)

    @property
    def norm(self) -> BoundaryNorm:
        """Map from bytes to the class."""
        return BoundaryNorm((1, *self.bounds, 1 << 62), len(self.bounds) + 1)

    def is_dark(self, waste: ArrayLike) -> NDArray[np.bool_]:
        """Return True where text on the colour of ``waste`` must be light."""
        rgb = self.colours(self.norm(np.asarray(waste)))[..., :3]
        return np.asarray(rgb @ [0.299, 0.587, 0.114] < 0.55)


def waste_scale(waste: ArrayLike, top: float, counts: ArrayLike = 1) -> WasteScale:
    """Return a scale for ``waste`` (bytes, each ``counts`` times): classes double up to the
    quantile ``top`` of all values above 0; the first class takes all below, the last all above.
    """
    values, times = np.broadcast_arrays(np.asarray(waste, dtype=np.float64), counts)
    values, times = values[values > 0], times[values > 0]
    if not len(values):
        return WasteScale((4096,))
    low = int(np.floor(np.log2(values.min()))) + 1
    highest = np.quantile(values, top, weights=times, method="inverted_cdf")
    high = int(np.floor(np.log2(highest)))
    low = min(max(low, high - MOST_CLASSES + 2), high)
    return WasteScale(tuple(1 << bits for bits in range(low, high + 1)))


def draw_scale(axes: Axes, scale: WasteScale, *, upright: bool) -> None:
    """Draw the scale as a bar, with the class for no waste apart at its low end."""
    count = len(scale.bounds) + 1
    span = axes.axhspan if upright else axes.axvspan
    for index in range(count):
        span(index, index + 1, color=scale.colours(index), linewidth=0)
    for low, high in ((0, count), (-1.4, -0.4)):
        span(low, high, ec=INK, lw=0.6, fill=False, clip_on=False)
    ticks, labels = [-0.9, *range(1, count)], ["none", *map(size_label, scale.bounds)]
    if upright:
        axes.set(xlim=(0, 1), ylim=(-1.4, count), xticks=[])
        axes.set_yticks(ticks, labels)
        axes.yaxis.tick_right()
    else:
        axes.set(ylim=(0, 1), xlim=(-1.4, count), yticks=[])
        axes.set_xticks(ticks, [label.replace(" ", "\n", 1) for label in labels])
    axes.tick_params(length=0, pad=3)
    axes.spines[:].set_visible(False)


def draw_key(
    figure: Figure,
    bar: Axes,
    scale: WasteScale,
    entries: Sequence[KeyEntry],
    called: str,
    *,
    upright: bool,
) -> None:
    """Draw the scale in ``bar``, and ``entries`` below it where it is upright, else beside it;
    ``called`` names the quantity.
    """
    draw_scale(bar, scale, upright=upright)
    bar.set_title(called, loc="left", weight="bold", pad=7 if upright else 4)
    box = bar.get_position()
    beside = (box.x1 + 0.01, box.y1 + 0.06 / figure.get_figheight())
    handles, labels = zip(*entries, strict=True) if entries else ((), ())
    figure.legend(
        handles,
        labels,
        loc="upper left",
        bbox_to_anchor=(box.x0 - 0.015, box.y0 - 0.015) if upright else beside,
        ncols=1 if upright else 3,
        frameon=False,
        handlelength=1.6,
        labelspacing=0.7,
        columnspacing=1.2,
        borderpad=0.2 if upright else 0,
    )


@dataclass(frozen=True)
class Sheet:
    """A figure whose parts are placed in inches from its upper left corner."""

    figure: Figure

    def write(self, text: str, x: float, y: float, **how: Any) -> None:
        """Write text with its upper left corner at ``x`` and ``y``, unless ``how`` aligns it
        otherwise.
        """
        width, height = self.figure.get_size_inches()
        self.figure.text(x / width, 1 - y / height, text, **{"va": "top", **how})

    def axes(self, left: float, top: float, wide: float, high: float) -> Axes:
        """Return axes of that size, to whole pixels of the figure: an image in them keeps its
        pixels.
        """
        width, height = self.figure.get_size_inches() * self.figure.dpi
        left, top, wide, high = np.round(np.array([left, top, wide, high]) * self.figure.dpi)
        box = (left / width, 1 - (top + high) / height, wide / width, high / height)
        return self.figure.add_axes(box)


def sheet(
    title: str,
    subtitle: str,
    height: float,
    width: float = PAGE_WIDTH,
    left: float = MARGIN,
    dpi: float = DPI,
) -> Sheet:
    """Return a sheet of whole pixels with title and subtitle, which take the first 0.4 inches."""
    size = np.round(np.array([width, height]) * dpi) / dpi
    page = Sheet(Figure(figsize=(size[0], size[1]), dpi=dpi))
    page.write(title, left, 0.06, fontsize=9)
    page.write(subtitle, left, 0.23)
    return page


# lines of named things, told apart under the common deficiencies of colour vision
LINES = ("#1d6a96", "#c8374b", "#2f9e77", "#f0a53a", "#3a2140", "#86c5e8", "#8a8a8a", "#7a5c2e")


def heights(size: ArrayLike, floor: float) -> NDArray[np.float64]:
    """Return coordinates of bytes on a byte axis: log2, and ``floor`` for 0."""
    values = np.asarray(size, dtype=np.float64)
    return np.where(values > 0, np.log2(np.maximum(values, 1)), floor)


def byte_axis(axis: Axis, shown: ArrayLike, most: int = 8) -> float:
    """Make a byte axis: log2, labelled in binary units, with a tick for none below the least of
    ``shown``. Return the coordinate of that tick.
    """
    values = np.asarray(shown, dtype=np.float64)
    values = values[values > 0]
    low, high = (np.log2(values.min()), np.log2(values.max())) if len(values) else (12.0, 12.0)
    low, high = np.floor(low), np.ceil(high + 0.01)
    floor = low - max((high - low) / 8, 1)
    step = max(int(np.ceil((high - low) / most)), 1)
    lying = axis is axis.axes.xaxis
    ticks = np.arange(np.ceil(low / step) * step, high + 0.5, step)
    # the label of the first must not touch that of none
    ticks = ticks[ticks - floor > (0.15 if lying else 0.04) * (high - floor)]
    axis.set_ticks([floor, *ticks], labels=["none", *(size_label(2.0**tick) for tick in ticks)])
    limits = (floor - (high - floor) / 30, high + (high - floor) / 30)
    axis.axes.set(**{"xlim" if lying else "ylim": limits})
    return float(floor)


def spread(coordinates: Sequence[float], least: float) -> list[float]:
    """Return ``coordinates`` in their order, moved as little as needed to be ``least`` apart."""
    order = np.argsort(coordinates, kind="stable")
    ordered = np.array(coordinates, dtype=np.float64)[order]
    for _ in range(100):
        gaps = least - np.diff(ordered)
        if (gaps <= 1e-9).all():
            break
        push = np.maximum(gaps, 0) / 2
        ordered[:-1] -= push
        ordered[1:] += push
    result = np.empty_like(ordered)
    result[order] = ordered
    return [float(coordinate) for coordinate in result]


def dot_area(count: ArrayLike, of: int, largest: float) -> NDArray[np.float64]:
    """Return areas of dots in square points for ``count`` out of ``of``, none too small to see."""
    return np.maximum(np.asarray(count, dtype=np.float64) / of * largest, 1.5)


def key_line(
    figure: Figure,
    handles: Sequence[Artist],
    names: Sequence[str],
    corner: Corner,
    x: float,
    y: float,
) -> None:
    """Draw a key in one line; its ``corner`` is ``x`` and ``y`` inches from the upper left one of
    the figure.
    """
    width, height = figure.get_size_inches()
    figure.legend(
        handles,
        names,
        loc=corner,
        bbox_to_anchor=(x / width, 1 - y / height),
        ncols=len(names),
        frameon=False,
        handlelength=1.2,
        handletextpad=0.4,
        columnspacing=1.0,
        borderpad=0,
    )


def part_key(figure: Figure, names: Sequence[str], corner: Corner, x: float, y: float) -> None:
    """Draw the key of the colours of some parts, by label."""
    handles = [Patch(facecolor=PART_COLOURS[name]) for name in names]
    key_line(figure, handles, names, corner, x, y)


def draw_bars(
    axes: Axes,
    middles: ArrayLike,
    starts: ArrayLike,
    lengths: ArrayLike,
    height: float,
    colour: ColorType,
) -> None:
    """Draw horizontal bars of one colour around ``middles`` on the y axis, as one artist: a patch
    for each takes a third of the time of a figure that has hundreds.
    """
    middle, left, long = np.broadcast_arrays(
        *(np.asarray(values, dtype=np.float64) for values in (middles, starts, lengths))
    )
    low, high, right = middle - height / 2, middle + height / 2, left + long
    x, y = np.stack([left, left, right, right]), np.stack([low, high, high, low])
    corners = np.stack([x, y]).T
    axes.add_collection(PolyCollection(list(corners), facecolors=colour, linewidths=0))


def forbidden_span(axes: Axes, left: float, right: float) -> None:
    """Hatch a stretch of an x axis."""
    axes.axvspan(left, right, facecolor=FORBIDDEN, edgecolor="#c4c4c4", hatch=HATCH, lw=0, zorder=0)


def forbidden_patch() -> Patch:
    """Return the key of what a rule of the kernel forbids."""
    return Patch(facecolor=FORBIDDEN, edgecolor=FAINT, hatch=HATCH, linewidth=0.5)
