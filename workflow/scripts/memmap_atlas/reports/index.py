"""The index of a run, which shows every figure with its question, caption and files; and the
introduction of its report.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment

from memmap_atlas.text.escape import restructured

# files beside each picture: suffix and label
FILES = {
    ".svg": "SVG",
    ".pdf": "PDF",
    ".png": "PNG",
    ".csv": "what is drawn (CSV)",
    ".json": "provenance (JSON)",
    ".caption.txt": "caption",
    ".caption.tex": "LaTeX",
    ".caption.md": "Markdown",
    ".caption.rst": "reStructuredText",
    ".bib": "BibTeX",
}
# a third more than on paper, where figures have the letters of a page of print
POINTS_TO_PIXELS = 1.35 * 96 / 72


@dataclass(frozen=True)
class Shown:
    """A figure as the index shows it.

    stem: path without suffix, relative to the index
    width, height: pixels on a page, which keeps its shape while pictures are loaded
    """

    stem: str
    kind: str
    title: str
    question: str
    caption: str
    command: str
    width: int
    height: int


@dataclass(frozen=True)
class Group:
    """The figures of a sweep.

    explorer: path of its explorer, "" where it has none
    files: paths relative to the index, by label
    """

    name: str
    description: str
    explorer: str
    files: Mapping[str, str]
    figures: Sequence[Shown]


def groups_of(run: Sequence[Mapping[str, Any]], results: Path) -> list[Group]:
    """Return the sweeps of a run with their figures, as the files in ``results`` describe them.

    ``run`` has the name, description, explorer, files and figures (stem, kind, question) of each
    sweep; paths are relative to ``results``.
    """
    return [
        Group(
            sweep["name"],
            sweep["description"].strip(),
            sweep["explorer"],
            sweep["files"],
            [shown(figure, results) for figure in sweep["figures"]],
        )
        for sweep in run
    ]


def shown(figure: Mapping[str, str], results: Path) -> Shown:
    """Return a figure as its files describe it."""
    stem = figure["stem"]
    provenance = json.loads((results / f"{stem}.json").read_text(encoding="utf-8"))
    caption = (results / f"{stem}.caption.txt").read_text(encoding="utf-8")
    width, height = size(results / f"{stem}.svg")
    return Shown(
        stem,
        figure["kind"],
        provenance["title"],
        figure["question"],
        " ".join(caption.split()),
        provenance["command"],
        width,
        height,
    )


def size(svg: Path) -> tuple[int, int]:
    """Return width and height of a picture in pixels of a page.

    Raises ValueError where the first 4096 characters have no viewBox.
    """
    with svg.open(encoding="utf-8") as file:
        head = file.read(4096)
    box = re.search(r'<svg [^>]*viewBox="0 0 ([0-9.]+) ([0-9.]+)"', head)
    if not box:
        raise ValueError(f"{svg}: no size in its first 4096 letters")
    return round(float(box[1]) * POINTS_TO_PIXELS), round(float(box[2]) * POINTS_TO_PIXELS)


def page(groups: Sequence[Group], template: str, version: str) -> str:
    """Return the index as one page of HTML; texts of users are escaped."""
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(template).render(groups=groups, files=FILES, version=version)


def introduction(groups: Sequence[Group], citation: Mapping[str, Any]) -> str:
    """Return the introduction of a run's report in reStructuredText: its sweeps, the questions that
    its kinds of figures answer, and how to cite them; ``citation`` is the content of CITATION.cff.
    """
    sweeps = []
    for group in groups:
        count = f"{len(group.figures)} figure{'' if len(group.figures) == 1 else 's'}"
        words = restructured(" ".join(group.description.split()))
        sweeps.append(f"* `{group.name}`_, {count}. {words}".rstrip())
    answers = dict.fromkeys(
        (figure.kind, figure.question) for group in groups for figure in group.figures
    )
    kinds = [f"* **{kind.replace('-', ' ')}**: {question}" for kind, question in answers]
    authors = ", ".join(author["name"] for author in citation["authors"])
    cited = (
        f"{authors}: {citation['title']}, version {citation['version']}, "
        f"{str(citation['date-released'])[:4]}."
    )
    return "\n".join(
        [
            "**The sweeps of this run**\n",
            *sweeps,
            "\n**What each kind of figure answers**\n",
            *kinds,
            "\n**To cite**\n",
            f"{restructured(cited)} Each figure has an entry of its own, with a digest of data, "
            "in the file of its name that ends in ``.bib``.\n",
        ]
    )
