"""The index of a run, every figure with its question, its caption and its files; and what the
report of the run begins with.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment

from memmap_atlas.text.escape import restructured

# what stands beside each picture: suffix, and what it is called
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

    stem: its path without suffix, from the index
    width, height: pixels on a page, so that the page keeps its shape while pictures are loaded
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

    explorer: the path of its explorer, "" where it has none
    files: paths from the index by what they are called
    """

    name: str
    description: str
    explorer: str
    files: Mapping[str, str]
    figures: Sequence[Shown]


def groups_of(run: Sequence[Mapping[str, Any]], results: Path) -> list[Group]:
    """What a run made, as its files in ``results`` say; ``run`` has the name, description,
    explorer, files and figures (name, kind, question) of each sweep.
    """
    return [
        Group(
            sweep["name"],
            sweep["description"].strip(),
            sweep["explorer"],
            sweep["files"],
            [shown(f"{sweep['name']}/figures", figure, results) for figure in sweep["figures"]],
        )
        for sweep in run
    ]


def shown(folder: str, figure: Mapping[str, str], results: Path) -> Shown:
    """A figure from its files."""
    stem = f"{folder}/{figure['name']}"
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
    """Width and height of a picture in pixels of a page."""
    with svg.open(encoding="utf-8") as file:
        head = file.read(4096)
    found = re.search(r'<svg [^>]*viewBox="0 0 ([0-9.]+) ([0-9.]+)"', head)
    if not found:
        raise ValueError(f"{svg}: no size in its first 4096 letters")
    return round(float(found[1]) * POINTS_TO_PIXELS), round(float(found[2]) * POINTS_TO_PIXELS)


def page(groups: Sequence[Group], template: str, version: str) -> str:
    """The index as one page of HTML, what people wrote escaped."""
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(template).render(groups=groups, files=FILES, version=version)


def introduction(groups: Sequence[Group], citation: Mapping[str, Any]) -> str:
    """What the report of a run begins with, in reStructuredText: its sweeps, the questions that its
    kinds of figures answer, and how to cite them; ``citation`` is the content of CITATION.cff.
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
