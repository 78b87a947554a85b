"""Heatmaps with bytes written into each cell: named layouts or kernels against models or section
sizes.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from memmap_atlas.figures.captions import Titles
from memmap_atlas.figures.data import (
    COST,
    POINT,
    REGRET,
    STATE,
    WASTE,
    ColourKey,
    FigureData,
    Source,
    same_at_all_sizes,
)
from memmap_atlas.figures.style import (
    FORBIDDEN,
    HATCH,
    INK,
    MARGIN,
    PAGE_WIDTH,
    KeyEntry,
    WasteScale,
    draw_key,
    forbidden_patch,
    sheet,
    waste_scale,
)
from memmap_atlas.text.labels import cell_label, size_label

COLUMNS = [*POINT, *STATE, "wasted_bytes"]
# the rows of what one choice for all layouts costs
ALL = ("all of them", "worst of them")
WHOLE = {"ram_bytes": "Int64", "cost_bytes": "Int64", "regret_bytes": "Int64"}
# inches
ROW, TOP, KEY, EDGE, GAP, BLOCK_GAP = 0.145, 0.56, 0.68, MARGIN, 0.07, 0.1
# widths in text of 7 points: on average, of digits, and of bold letters
LETTER, DIGIT, BOLD = 0.056, 0.063, 0.072


@dataclass(frozen=True)
class Block:
    """Columns under one heading.

    bytes, framed: bytes of each cell and true where it is framed, by row label and column
    """

    heading: str
    bytes: pd.DataFrame
    framed: pd.DataFrame

    def without_heading(self) -> "Block":
        """Return the block with its heading in the name of each column."""
        named = {column: f"{self.heading} {column}".strip() for column in self.bytes}
        return Block("", self.bytes.rename(columns=named), self.framed.rename(columns=named))


def own_rows(source: Source) -> FigureData:
    """Return waste of each kernel with its own section size."""
    return FigureData(source.rows(COLUMNS, own_section=True), source.scale(0.95))


def all_rows(source: Source) -> FigureData:
    """Return waste at every section size."""
    return FigureData(source.rows(COLUMNS), source.scale(0.95))


def block(
    rows: pd.DataFrame, heading: str, index: str, columns: str, key: ColourKey = WASTE
) -> Block:
    """Return a block of ``rows`` in their order; ``index`` and ``columns`` name columns of them."""

    def plane(value: str) -> pd.DataFrame:
        pivoted = rows.pivot(index=index, columns=columns, values=value)
        return pivoted.loc[rows[index].unique(), rows[columns].unique()]

    return Block(heading, plane(key.value), plane(key.framed))


def kernel_heatmap(data: FigureData, titles: Titles) -> Figure:
    """Return a row for each kernel with its own section size, a block of models for each layout."""
    rows = data.rows
    blocks = [
        block(part, f"{layout}, {size_label(part['ram_bytes'].iloc[0])} of RAM", "kernel", "model")
        for layout, part in rows.groupby("layout", sort=False)
    ]
    sections = rows.groupby("kernel")["section_bytes"].first()
    labels = {str(kernel): size_label(size) for kernel, size in sections.items()}
    return annotated(data, titles, blocks, ("kernel", "section"), labels)


def layout_heatmap(data: FigureData, titles: Titles) -> Figure:
    """Return a row for each layout, a column for each model."""
    blocks = [block(data.rows, "", "layout", "model")]
    return annotated(data, titles, blocks, ("layout", "RAM"), ram_of(data.rows))


def section_heatmap(data: FigureData, titles: Titles) -> Figure:
    """Return a row for each layout; a block of section sizes for each model that they change, and
    one block for all other models.
    """
    rows = data.rows
    varying, alike = [], []
    for model, part in rows.groupby("model", sort=False):
        of_model = block(part, str(model), "layout", "section_bytes")
        if not same_at_all_sizes(part, ["layout"], data.key.value):
            varying.append(by_size(of_model))
        else:
            waste = of_model.bytes.bfill(axis=1).iloc[:, :1].set_axis([model], axis=1)
            framed = of_model.framed.iloc[:, :1].set_axis([model], axis=1)
            alike.append(Block("", waste, framed))
    blocks = varying
    if alike:
        waste = pd.concat([of_model.bytes for of_model in alike], axis=1)
        framed = pd.concat([of_model.framed for of_model in alike], axis=1)
        blocks = [Block("any size", waste, framed), *varying]
    return annotated(data, titles, blocks, ("layout", "RAM"), ram_of(rows))


def by_size(block: Block) -> Block:
    """Return the block with section sizes as text."""
    renamed = (frame.rename(columns=size_label) for frame in (block.bytes, block.framed))
    return Block(block.heading, *renamed)


def choice_rows(source: Source) -> FigureData:
    """Return the regret of every choice for each layout, and of each choice for all of them."""
    rows = source.rows([*POINT, *STATE, *COST])
    rows = regret(rows[rows["selectable"]], ["layout"])
    choices = rows.groupby(["section_bytes", "model"], sort=False)
    regrets = choices["regret_bytes"]
    # what is forbidden on one map is no choice for all
    whole = choices["feasible"].all()
    totals = [regrets.sum().where(whole), regrets.max().where(whole)]
    both = pd.concat(
        [
            rows.assign(best=False),
            *(
                total.rename("regret_bytes").reset_index().assign(layout=name, best=False)
                for name, total in zip(ALL, totals, strict=True)
            ),
        ],
        ignore_index=True,
    )
    both.loc[both["layout"] == ALL[0], "best"] = (totals[0] == totals[0].min()).to_numpy()
    columns = ["layout", "ram_bytes", "section_bytes", "model", "feasible", "reason"]
    both = both[[*columns, "cost_bytes", "regret_bytes", "best"]]
    known = both["regret_bytes"].dropna().to_numpy(dtype=np.float64)
    return FigureData(both.astype(WHOLE), waste_scale(known, 0.95), REGRET)


def regret(rows: pd.DataFrame, index: list[str]) -> pd.DataFrame:
    """Return rows with their cost and their regret: the cost above the least of the same layout,
    which the columns ``index`` identify; null where a rule forbids the choice.
    """
    cost = rows[COST].sum(axis=1, skipna=False)
    least = cost.groupby([rows[name] for name in index]).transform("min")
    return rows.assign(cost_bytes=cost, regret_bytes=cost - least)


def choice_heatmap(data: FigureData, titles: Titles) -> Figure:
    """Return a row for each layout and two for all, a block of section sizes for each model."""
    rows = data.rows
    blocks = [
        by_size(block(part, str(model), "layout", "section_bytes", data.key))
        for model, part in rows.groupby("model", sort=False)
    ]
    labels = ram_of(rows[~rows["layout"].isin(ALL)]) | dict.fromkeys(ALL, "")
    return annotated(data, titles, blocks, ("layout", "RAM"), labels)


def ram_of(rows: pd.DataFrame) -> dict[str, str]:
    """Return RAM of each layout as text."""
    ram = rows.groupby("layout")["ram_bytes"].first()
    return {str(layout): size_label(size) for layout, size in ram.items()}


def annotated(
    data: FigureData,
    titles: Titles,
    blocks: list[Block],
    called: tuple[str, str],
    labels: dict[str, str],
) -> Figure:
    """Return blocks side by side over the same rows, a line of text in each cell.

    labels: the text behind the name of each row
    called: headings of names and labels
    """
    names = [str(name) for name in blocks[0].bytes.index]
    name_room = LETTER * max(map(len, [*names, called[0]]))
    label_room = DIGIT * max(map(len, [*labels.values(), called[1]]))
    left = EDGE + name_room + label_room + 2 * GAP
    widths = np.array([block.bytes.shape[1] for block in blocks])
    cell = (PAGE_WIDTH - EDGE - left - BLOCK_GAP * (len(blocks) - 1)) / widths.sum()
    if any(BOLD * len(block.heading) > cell * block.bytes.shape[1] for block in blocks):
        blocks = [block.without_heading() for block in blocks]
    columns = [str(column) for block in blocks for column in block.bytes]
    top = TOP + DIGIT * max(map(len, columns)) + 0.1
    body = ROW * len(names)
    height = top + body + KEY
    page = sheet(titles.title, titles.subtitle, height)
    for index, (block, width) in enumerate(zip(blocks, widths, strict=True)):
        offset = left + cell * widths[:index].sum() + BLOCK_GAP * index
        axes = page.axes(offset, top, cell * width, body)
        draw_block(axes, block, data.scale, texts=cell > DIGIT * 4)
        page.write(block.heading, offset, TOP, va="baseline", weight="bold")
    for y, name, label in [
        (top - ROW, *called),
        *((top + ROW * row, name, labels[name]) for row, name in enumerate(names)),
    ]:
        style = {"va": "center_baseline", "weight": "bold" if y < top else "normal"}
        page.write(name, EDGE, y + ROW / 2, **style)
        page.write(label, left - GAP, y + ROW / 2, ha="right", **style)
    frame = Rectangle((0, 0), 1, 1, fill=False, ec=INK, lw=1.1)
    entries: list[KeyEntry] = [(frame, data.key.frame)]
    if any(block.bytes.isna().any(axis=None) for block in blocks):
        entries.append((forbidden_patch(), "infeasible"))
    bar = page.axes(EDGE, height - 0.32 - 0.14, 3.2, 0.14)
    draw_key(page.figure, bar, data.scale, entries, data.key.called, upright=False)
    return page.figure


def draw_block(axes: Axes, block: Block, scale: WasteScale, *, texts: bool) -> None:
    """Draw the cells of a block: colour and text for bytes, a frame where they are framed."""
    waste = block.bytes.to_numpy(dtype=np.float64, na_value=np.nan)
    missing = np.isnan(waste)
    rows, columns = waste.shape
    axes.set_facecolor(FORBIDDEN)
    axes.pcolormesh(
        np.ma.masked_array(waste, missing),
        cmap=scale.colours,
        norm=scale.norm,
        linewidths=0.8,
        edgecolors="#dddddd",
    )
    axes.spines[:].set_visible(False)
    axes.set(xlim=(0, columns), ylim=(rows, 0), yticks=[])
    axes.set_xticks(np.arange(columns) + 0.5, [str(column) for column in block.bytes])
    if texts:
        known = waste[~missing]
        for (row, column), value, dark in zip(
            np.argwhere(~missing), known, scale.is_dark(known), strict=True
        ):
            x, y, colour = column + 0.5, row + 0.5, "white" if dark else INK
            axes.text(x, y, cell_label(value), ha="center", va="center", size=7, color=colour)
    for row, column in np.argwhere(missing):
        axes.add_patch(
            Rectangle((column, row), 1, 1, hatch=HATCH, ec="#bdbdbd", fc=FORBIDDEN, lw=0)
        )
    for row, column in np.argwhere(block.framed.to_numpy(dtype=bool)):
        axes.add_patch(
            Rectangle((column, row), 1, 1, fill=False, ec=INK, lw=1.1, clip_on=False, zorder=5)
        )
    axes.xaxis.tick_top()
    axes.tick_params(axis="x", length=0, pad=2, rotation=90)
