"""The words of a figure: its title, its caption for a reader who has nothing else, and both in the
forms that documents take.
"""

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

from memmap_atlas.catalog.evidence import Booted
from memmap_atlas.figures.needs import values_per_cell
from memmap_atlas.figures.registry import FIGURES, Figure
from memmap_atlas.sweep.axes import AxisValues
from memmap_atlas.sweep.design import Sweep
from memmap_atlas.text.escape import latex, markdown, restructured
from memmap_atlas.text.labels import listed, size_label

MOST_NAMED = 12
TITLES = {
    "section-strip": "Kept struct pages of {layout}",
    "alignment": "Wasted memmap by where a hole lies, {kernel}",
    "section-curve": "Wasted memmap by section size",
    "best-choice": "What one choice for all maps costs, {kernel}",
    "regret-heatmap": "What each choice costs more than the best, {kernel}",
    "granules": "Memmap by page size, {kernels} kernels",
    "timeline": "Memmap of {layout}, release by release",
    "breakdown": "What the memmap is made of, {kernel}",
    "boards": "Wasted memmap of {layouts} boards",
}


@dataclass(frozen=True)
class Titles:
    """What stands above a figure."""

    title: str
    subtitle: str


def titles(figure: Figure, sweep: Sweep) -> Titles:
    """What is drawn, for which kernel, and what is the same in all of it."""
    return Titles(title(figure, sweep), subtitle(figure, sweep))


def title(figure: Figure, sweep: Sweep) -> str:
    """What is drawn, and for which kernel or layout."""
    if figure.kind in TITLES:
        return TITLES[figure.kind].format(
            layout=figure.layout,
            kernel=figure.kernels[0],
            kernels=len(figure.kernels),
            layouts=f"{len(sweep.regions):,}",
        )
    if len(figure.kernels) > 1:
        return f"Wasted memmap, {len(figure.kernels)} kernels"
    return f"Wasted memmap, {figure.kernels[0]}"


def subtitle(figure: Figure, sweep: Sweep) -> str:
    """What is the same in all of a figure."""
    parts = []
    if len(figure.kernels) == 1:
        kernel = sweep.kernels[figure.kernels[0]]
        page = f"pages of {size_label(kernel.page_size)}"
        # a column has no room for the kernel in its title
        head = f"{figure.kernels[0]}\n" if figure.kind == "section-curve" else ""
        parts.append(f"{head}{page}, struct page of {kernel.struct_page_size} bytes")
    if figure.layout:
        regions = sweep.regions[figure.layout]
        ram = sum(end - start for start, end in regions)
        count = f"{len(regions)} region{'s' if len(regions) > 1 else ''}"
        parts.append(f"{size_label(ram)} of RAM in {count}")
    if figure.kind in ("granules", "boards", "timeline"):
        parts.append("the default model and section size of each kernel")
    if FIGURES[figure.kind].gridded:
        parts.append(grid_words(sweep))
    elif figure.kind.endswith("heatmap") or figure.kind == "best-choice":
        parts.append("K, M, G: KiB, MiB, GiB")
    return "; ".join(parts)


def grid_words(sweep: Sweep) -> str:
    """The axes of a sweep's grid."""
    assert sweep.grid is not None
    return (
        f"RAM of {axis_words(sweep.grid.ram_size)} from {axis_words(sweep.grid.base)}, "
        f"a hole of {axis_words(sweep.grid.hole_size)} "
        f"at {axis_words(sweep.grid.hole_start)}"
    )


def axis_words(axis: AxisValues) -> str:
    """The value of an axis, or its first and last one."""
    values = [size_label(min(axis)), size_label(max(axis))]
    return values[0] if len(axis) == 1 else f"{values[0]} to {values[1]}"


def cell_words(figure: Figure, sweep: Sweep) -> str:
    """What a cell of a plane with more points than cells stands for; "" where each has its own."""
    if not FIGURES[figure.kind].gridded:
        return ""
    sizes = [size for size in values_per_cell(sweep, figure.kind).values() if size > 1]
    if not sizes:
        return ""
    return (
        f"The plane has more points than cells: a cell is the most of {prod(sizes):,} neighbours."
    )


def kernel_words(figure: Figure, sweep: Sweep) -> str:
    """The kernels of a figure with their page and struct page; of many the number."""
    named = [
        f"{name} ({size_label(kernel.page_size)}, {kernel.struct_page_size} bytes)"
        for name in figure.kernels
        for kernel in [sweep.kernels[name]]
    ]
    if len(named) == 1:
        return f"Kernel (page, struct page): {named[0]}."
    if len(named) > MOST_NAMED:
        return f"{len(named)} kernels, by name in the figure."
    return f"Kernels (page, struct page): {', '.join(named)}."


def source_words(figure: Figure, sweep: Sweep) -> list[str]:
    """Of a figure's one map the file that it was read from; of many how many were."""
    files = [one for one in sweep.sources if one.name in sweep.regions]
    if FIGURES[figure.kind].gridded or not files:
        return []
    if figure.layout or len(sweep.regions) == 1:
        only = figure.layout or next(iter(sweep.regions))
        return [
            f"Read from {one.file} ({one.kind}, SHA-256 {one.sha256[:16]})."
            for one in files
            if one.name == only
        ]
    return [f"{len(files):,} of the maps were read from files, named in sweep.resolved.yaml."]


def evidence_words(booted: Mapping[str, Booted]) -> str:
    """How many booted kernels stand behind each model of a figure."""
    held = [
        f"{model} to {count.boots} boots of {count.kernels} kernel{'s' * (count.kernels > 1)}"
        for model, count in booted.items()
        if count.boots
    ]
    bare = [model for model, count in booted.items() if not count.boots]
    words = []
    if held:
        words.append(f"The arithmetic is held to the byte to boots under QEMU: {listed(held)}.")
    if bare:
        words.append(f"No kernel was booted with {listed(bare)}.")
    return " ".join(words)


def caption(
    figure: Figure, sweep: Sweep, points: int, booted: Mapping[str, Booted], source: str
) -> str:
    """What the figure shows, for a reader who has nothing else; ``source`` is where it is from."""
    plan = FIGURES[figure.kind]
    count = len(sweep.regions)
    maps = f"{count:,} maps by name" if count > 1 else "one map by name"
    sentences = [
        sweep.description.strip(),
        plan.quantity,
        plan.meaning.strip(),
        cell_words(figure, sweep),
        f"Maps: {grid_words(sweep) if plan.gridded else figure.layout or maps}.",
        *source_words(figure, sweep),
        kernel_words(figure, sweep),
        f"{points:,} points.",
        evidence_words(booted),
        source,
    ]
    return " ".join(sentence for sentence in sentences if sentence)


def ready_to_paste(name: str, label: str, head: str, text: str) -> dict[str, str]:
    """The caption by suffix of its file: plain, LaTeX, Markdown and reStructuredText.

    name: the figure's file without suffix; label: what a LaTeX document calls it
    """
    figure = "\n".join(
        [
            r"\begin{figure}",
            r"  \centering",
            # a tall figure leaves room for its caption
            r"  \includegraphics[width=\linewidth,height=0.56\textheight,keepaspectratio]"
            rf"{{{name}.pdf}}",
            rf"  \caption[{latex(head)}]{{{latex(text)}}}",
            rf"  \label{{fig:{label}}}",
            r"\end{figure}",
        ]
    )
    return {
        ".caption.txt": textwrap.fill(text, 100, break_on_hyphens=False) + "\n",
        ".caption.tex": figure + "\n",
        ".caption.md": f"![{markdown(head)}]({name}.png)\n\n*{markdown(text)}*\n",
        ".caption.rst": f"{restructured(text)}\n",
    }


def bibtex(key: str, head: str, citation: Mapping[str, object], note: str) -> str:
    """A BibTeX entry for a figure; ``citation`` is the content of CITATION.cff."""
    authors = citation["authors"]
    assert isinstance(authors, list)
    names = " and ".join(f"{{{latex(author['name'])}}}" for author in authors)
    return "\n".join(
        [
            f"@misc{{{key},",
            f"  author = {{{names}}},",
            f"  title = {{{{{latex(head)}}}}},",
            f"  howpublished = {{{latex(str(citation['title']))}, {citation['version']}}},",
            f"  year = {{{str(citation['date-released'])[:4]}}},",
            f"  note = {{{latex(note)}}},",
            "}",
            "",
        ]
    )
