"""Charts of the explorer as Vega-Lite, without data: the page's script fills them in.

Colours, parts and classes of waste are those of the figures.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import altair as alt
from matplotlib.colors import to_hex

from memmap_atlas.figures.style import (
    EDGE,
    FAINT,
    FORBIDDEN,
    INK,
    LINES,
    NO_WASTE,
    PART_COLOURS,
    WasteScale,
)
from memmap_atlas.memmodel.backing import PARTS

# words at an end of an axis stay within it
LEAN = "datum.x < 0.05 ? 'left' : datum.x > 0.95 ? 'right' : 'center'"
Spec = dict[str, Any]
HATCH = "#b4b4b4"
LINE = LINES[0]
MOST_TICKS = 8
PLANE_HEIGHT, LINE_HEIGHT, STRIP_HEIGHT, BAR_STEP = 330, 124, 100, 21
# pixels of the longest name beside bars
NAMES = 210
STATUS = {"can be built with": LINE, "can't be built with": "#b9c6ce", "proposal": "#d8c9b6"}


def class_colours(scale: WasteScale) -> list[str]:
    """Return the colour of no waste, and of each class above it."""
    return [NO_WASTE, *(to_hex(colour) for colour in scale.colours(range(len(scale.bounds) + 1)))]


def data(name: str) -> alt.NamedData:
    """Return a placeholder for rows that the page fills in."""
    return alt.NamedData(name=name)


def finished(chart: alt.LayerChart | alt.FacetChart, height: int) -> Spec:
    """Return the specification of a chart as wide as its container, in the style of the page."""
    styled = (
        chart.properties(width="container", height=height)
        .configure(background="transparent", font="system-ui, sans-serif")
        .configure_axis(
            grid=False,
            labelColor=INK,
            titleColor=INK,
            domainColor=FAINT,
            tickColor=FAINT,
            labelFontSize=12,
            titleFontSize=12,
            titleFontWeight="normal",
        )
        .configure_view(stroke=FAINT)
    )
    spec: Spec = styled.to_dict(validate=False)
    return spec


def index_axis(values: Sequence[int], labels: Sequence[str], title: str, most: int) -> alt.Axis:
    """Return an axis on which the values of a sweep's axis are evenly spaced, ``most`` of them
    labelled.
    """
    shown = ticks(values, most)
    shown_labels = {index: labels[index] for index in shown}
    # labels are sizes: nothing in them needs an escape
    words = f"{shown_labels}[datum.value]".replace("'", '"')
    return alt.Axis(
        values=shown, labelExpr=words, title=title, labelOverlap=True, labelAngle=0, tickSize=4
    )


def ticks(values: Sequence[int], most: int) -> list[int]:
    """Return indices of up to ``most`` values to label: evenly spaced, at the roundest values."""
    if len(values) <= most:
        return list(range(len(values)))
    for bits in range(60):
        round_ones = [index for index, value in enumerate(values) if value % (1 << bits) == 0]
        steps = {after - before for before, after in pairwise(round_ones)}
        if 2 < len(round_ones) <= most and len(steps) == 1:
            return round_ones
    return list(range(0, len(values), -(-len(values) // most)))


def across(size: int) -> alt.Scale:
    """Return the scale of such an axis: cells around whole numbers."""
    return alt.Scale(domain=[-0.5, size - 0.5], nice=False, zero=False)


def plane(x: alt.Axis, y: alt.Axis, shape: tuple[int, int], scale: WasteScale) -> Spec:
    """Return a heatmap of waste. Data: ``cells`` with x, y and wasted (null: infeasible),
    ``chosen`` with x and y, ``edges`` with x where the hole starts on a section edge.
    """
    columns, rows = shape

    def around(name: str, over: float = 0) -> alt.Chart:
        return alt.Chart(data(name)).transform_calculate(
            left="datum.x - 0.5",
            right=f"datum.x + {0.5 + over}",
            low="datum.y - 0.5",
            high=f"datum.y + {0.5 + over}",
        )

    cell = {
        "x": alt.X("left:Q", scale=across(columns), axis=x),
        "x2": "right:Q",
        "y": alt.Y("low:Q", scale=across(rows), axis=y),
        "y2": "high:Q",
    }
    tooltip = [alt.Tooltip(f"{name}:N") for name in ("map", "wasted memmap")]
    # each reaches a little under the next ones: no seams between them
    cells = around("cells", 0.1).transform_filter("isValid(datum.wasted)")
    forbidden = around("cells").transform_filter("!isValid(datum.wasted)")
    classes = alt.Scale(type="threshold", domain=[1, *scale.bounds], range=class_colours(scale))
    middle = {
        "x": alt.X("x:Q", scale=across(columns)),
        "y": alt.Y("y:Q", scale=across(rows)),
    }
    # a cross that is seen on every colour
    ways: tuple[dict[str, Any], ...] = ({"x": middle["x"]}, {"y": middle["y"]})
    halo = alt.Chart(data("chosen")).mark_rule(color="white", strokeWidth=2.5, opacity=0.5)
    hair = alt.Chart(data("chosen")).mark_rule(color=INK, strokeWidth=0.8)
    chart = alt.layer(
        cells.mark_rect(stroke=None).encode(
            **cell, color=alt.Color("wasted:Q", scale=classes, legend=None), tooltip=tooltip
        ),
        forbidden.mark_rect(color=FORBIDDEN).encode(**cell, tooltip=tooltip),
        forbidden.mark_rule(color=HATCH, strokeWidth=0.7).encode(**cell),
        alt.Chart(data("edges"))
        .mark_tick(color=EDGE, thickness=1.5, orient="vertical", size=9, yOffset=-4.5)
        .encode(x=middle["x"], y=alt.value("height")),
        *(halo.encode(**way) for way in ways),
        *(hair.encode(**way) for way in ways),
        around("chosen").mark_rect(fillOpacity=0, stroke="white", strokeWidth=4).encode(**cell),
        around("chosen").mark_rect(fillOpacity=0, stroke=INK, strokeWidth=2).encode(**cell),
    )
    return finished(chart, PLANE_HEIGHT)


def line(axis: alt.Axis, size: int, height: int = LINE_HEIGHT) -> Spec:
    """Return waste along one axis. Data: ``line`` with x and wasted (null: infeasible), ``chosen``
    with x and wasted; the page sets ``top``, the end of the y axis, and its ``marks`` with
    ``words``.
    """
    x = alt.X("x:Q", scale=across(size), axis=axis)
    y = alt.Y(
        "wasted:Q",
        scale=alt.Scale(domainMin=0, domainMax={"expr": "top"}, nice=False, zero=False),
        axis=alt.Axis(
            values={"expr": "marks"},
            labelExpr="words[indexof(marks, datum.value)]",
            title=None,
            grid=True,
            gridColor="#e8e8e8",
            minExtent=58,
            maxExtent=58,
        ),
    )
    rows, chosen = data("line"), data("chosen")
    forbidden = (
        alt.Chart(rows)
        .transform_filter("!isValid(datum.wasted)")
        .transform_calculate(left="datum.x - 0.5", right="datum.x + 0.5")
        .mark_rect(color=FORBIDDEN)
        .encode(x=alt.X("left:Q", scale=across(size), axis=axis), x2="right:Q")
    )
    tooltip = [alt.Tooltip(f"{name}:N") for name in ("map", "wasted memmap")]
    chart = alt.layer(
        forbidden,
        alt.Chart(chosen).mark_rule(color=INK, opacity=0.45).encode(x=x),
        alt.Chart(rows)
        .mark_line(interpolate="step", color=LINE, strokeWidth=2, clip=True)
        .encode(x=x, y=y, order="x:Q"),
        # a stretch of one cell is no line
        alt.Chart(rows)
        .transform_filter("isValid(datum.wasted)")
        .mark_point(filled=True, color=LINE, size=8 if size > 40 else 24, opacity=1)
        .encode(x=x, y=y, tooltip=tooltip),
        alt.Chart(chosen)
        .transform_filter("isValid(datum.wasted)")
        .mark_point(filled=True, color=EDGE, size=90, stroke="white", opacity=1)
        .encode(x=x, y=y, tooltip=tooltip),
        alt.Chart(rows).mark_rect(opacity=0).encode(x=x, tooltip=tooltip),
    ).add_params(
        alt.param(name="top", value=1),
        alt.param(name="marks", value=[0]),
        alt.param(name="words", value=["0"]),
    )
    return finished(chart, height)


def bars(count: int) -> Spec:
    """Return waste of ``count`` models or layouts. Data: ``bars`` with name, place, wasted (null:
    infeasible), text, status and chosen.
    """
    y = alt.Y(
        "name:N",
        sort=alt.EncodingSortField("place", op="min"),
        axis=alt.Axis(title=None, labelLimit=NAMES, ticks=False, domain=False, labelPadding=6),
    )
    x = alt.X(
        "wasted:Q",
        scale=alt.Scale(domainMin=0, domainMax={"expr": "top"}, nice=False),
        axis=None,
    )
    colour = alt.Color(
        "status:N",
        scale=alt.Scale(domain=list(STATUS), range=list(STATUS.values())),
        legend=None,
    )
    rows = alt.Chart(data("bars"))
    whole = {"x": alt.value(0), "x2": alt.value("width")}
    # a long name is cut short on the axis
    tooltip = [alt.Tooltip("name:N"), alt.Tooltip("text:N", title="wasted memmap")]
    chart = alt.layer(
        # the whole row can be clicked
        rows.mark_rect(color="#eef3f6").encode(
            y=y,
            **whole,
            opacity=alt.condition("datum.chosen", alt.value(1), alt.value(0)),
            tooltip=tooltip,
        ),
        rows.mark_bar(height={"band": 0.72}).encode(y=y, x=x, color=colour, tooltip=tooltip),
        rows.mark_text(align="left", dx=5, fontSize=12, color=INK).encode(
            y=y, x=alt.X("at:Q"), text="text:N"
        ),
    ).add_params(alt.param(name="top", value=1))
    spec = finished(chart, BAR_STEP * max(count, 1))
    spec["config"]["view"]["stroke"] = None
    return spec


def strip() -> Spec:
    """Return RAM, and below it the parts of kept struct pages; x coordinates are 0 to 1.

    Data: ``regions`` and ``stretches`` with x, x2, start, end and part, ``edges`` with x at section
    edges, ``cuts`` with x and text where a hole is cut short, ``marks`` with x and text.
    """
    x = alt.X("x:Q", scale=alt.Scale(domain=[0, 1], nice=False), axis=None)
    rows = {"RAM": (4, 24), "kept": (36, 66)}
    tooltip = [alt.Tooltip(f"{name}:N") for name in ("what", "from", "to", "size")]
    colour = alt.Color(
        "part:N",
        scale=alt.Scale(domain=list(PARTS), range=[PART_COLOURS[part] for part in PARTS]),
        legend=None,
    )

    def between(name: str, row: str) -> alt.Chart:
        low, high = rows[row]
        made: alt.Chart = (
            alt.Chart(data(name))
            .mark_rect()
            .encode(x=x, x2="x2:Q", y=alt.value(low), y2=alt.value(high), tooltip=tooltip)
        )
        return made

    def upright(name: str, low: int, high: int, **style: Any) -> alt.Chart:
        made: alt.Chart = (
            alt.Chart(data(name))
            .mark_rule(**style)
            .encode(x=x, y=alt.value(low), y2=alt.value(high))
        )
        return made

    def words(name: str, at: int, **style: Any) -> alt.Chart:
        made: alt.Chart = (
            alt.Chart(data(name))
            .mark_text(fontSize=12, **style)
            .encode(x=x, y=alt.value(at), text="text:N")
        )
        return made

    low, high = rows["kept"]
    chart = alt.layer(
        between("regions", "RAM").encode(color=alt.value(INK)),
        between("stretches", "kept").encode(color=colour),
        upright("edges", low - 4, high + 4, color=INK, strokeWidth=1),
        upright("cuts", rows["RAM"][1], high + 4, color=FAINT, strokeDash=[2, 3]),
        words("cuts", 14, color="#5a5a5a"),
        upright("marks", high + 6, high + 11, color=FAINT),
        words("marks", high + 21, color=INK, align={"expr": LEAN}),
    )
    spec = finished(chart, STRIP_HEIGHT)
    spec["config"]["view"]["stroke"] = None
    return spec
