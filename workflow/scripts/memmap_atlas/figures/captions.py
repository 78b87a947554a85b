"""Titles and captions of figures, and both in the formats of documents."""

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

from memmap_atlas.catalog.evidence import Booted
from memmap_atlas.figures.needs import values_per_cell
from memmap_atlas.figures.registry import Figure
from memmap_atlas.sweep.axes import AXES, AxisValues
from memmap_atlas.sweep.design import Sweep
from memmap_atlas.text.escape import latex, markdown, restructured
from memmap_atlas.text.labels import listed, size_label

MOST_NAMED = 12
# axes of a grid; one that is not here comes behind it with its label
SENTENCE = "RAM of {ram_size} from {base}, a hole of {hole_size} at {hole_start}"


@dataclass(frozen=True)
class Titles:
    """Title and subtitle of a figure."""

    title: str
    subtitle: str


def titles(figure: Figure, sweep: Sweep) -> Titles:
    """Return both titles of a figure."""
    return Titles(title(figure, sweep), subtitle(figure, sweep))


def title(figure: Figure, sweep: Sweep) -> str:
    """Return the quantity that a figure draws, and its kernel or layout."""
    count = len(figure.kernels)
    return figure.spec.title.format(
        layout=figure.layout,
        layouts=f"{len(sweep.regions):,}",
        kernels=figure.kernels[0] if count == 1 else f"{count} kernels",
    )


def subtitle(figure: Figure, sweep: Sweep) -> str:
    """Return what all of a figure has in common."""
    spec, parts = figure.spec, []
    if len(figure.kernels) == 1:
        kernel = sweep.kernels[figure.kernels[0]]
        page = f"pages of {size_label(kernel.page_size)}"
        head = f"{figure.kernels[0]}\n" if spec.narrow else ""
        parts.append(f"{head}{page}, struct page of {kernel.struct_page_size} bytes")
    if figure.layout:
        regions = sweep.regions[figure.layout]
        ram = sum(end - start for start, end in regions)
        count = f"{len(regions)} region{'s' if len(regions) > 1 else ''}"
        parts.append(f"{size_label(ram)} of RAM in {count}")
    if spec.gridded:
        parts.append(grid_words(sweep))
    if spec.subtitle:
        parts.append(spec.subtitle)
    return "; ".join(parts)


def grid_words(sweep: Sweep) -> str:
    """Return the axes of a sweep's grid in words."""
    assert sweep.grid is not None
    words = {name: axis_words(sweep.grid[name]) for name in AXES}
    sentence = SENTENCE.format(**words)
    others = [name for name in AXES if f"{{{name}}}" not in SENTENCE]
    return ", ".join([sentence, *(f"{AXES[name].label} {words[name]}" for name in others)])


def axis_words(axis: AxisValues) -> str:
    """Return the value of an axis, or its least and greatest one."""
    values = [size_label(min(axis)), size_label(max(axis))]
    return values[0] if len(axis) == 1 else f"{values[0]} to {values[1]}"


def cell_words(figure: Figure, sweep: Sweep) -> str:
    """Return how many points share a cell of a plane, "" where each has its own."""
    if not figure.spec.gridded:
        return ""
    per_cell = values_per_cell(sweep, single_panel=figure.spec.single_panel)
    sizes = [size for size in per_cell.values() if size > 1]
    if not sizes:
        return ""
    return (
        f"The plane has more points than cells: a cell is the most of {prod(sizes):,} neighbours."
    )


def kernel_words(figure: Figure, sweep: Sweep) -> str:
    """Return the kernels of a figure with page and struct page sizes; of many their number."""
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
    """Return the file that a figure's only map was read from; of several maps their number."""
    files = [source for source in sweep.sources if source.name in sweep.regions]
    if figure.spec.gridded or not files:
        return []
    if figure.layout or len(sweep.regions) == 1:
        only = figure.layout or next(iter(sweep.regions))
        return [
            f"Read from {source.file} ({source.kind}, SHA-256 {source.sha256[:16]})."
            for source in files
            if source.name == only
        ]
    return [f"{len(files):,} of the maps were read from files, named in sweep.resolved.yaml."]


def evidence_words(booted: Mapping[str, Booted]) -> str:
    """Return how many booted kernels confirm each model of a figure."""
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
    """Return a caption that explains the figure on its own; ``source`` is its origin."""
    spec = figure.spec
    count = len(sweep.regions)
    maps = f"{count:,} maps by name" if count > 1 else "one map by name"
    sentences = [
        sweep.description.strip(),
        spec.quantity,
        spec.meaning.strip(),
        cell_words(figure, sweep),
        f"Maps: {grid_words(sweep) if spec.gridded else figure.layout or maps}.",
        *source_words(figure, sweep),
        kernel_words(figure, sweep),
        f"{points:,} points.",
        evidence_words(booted),
        source,
    ]
    return " ".join(sentence for sentence in sentences if sentence)


def ready_to_paste(name: str, label: str, head: str, text: str) -> dict[str, str]:
    """Return the caption as plain text, LaTeX, Markdown and reStructuredText, by file suffix.

    name: the figure's file without suffix; label: its LaTeX label
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
    """Return a BibTeX entry for a figure; ``citation`` is the content of CITATION.cff."""
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
