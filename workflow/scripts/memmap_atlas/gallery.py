"""The index of a run: every figure with the question that it answers, its caption and its files."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment

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
    ".bib": "BibTeX",
}


@dataclass(frozen=True)
class Shown:
    """A figure as the index shows it; ``stem`` is its path without suffix, from the index."""

    stem: str
    title: str
    question: str
    caption: str
    command: str


@dataclass(frozen=True)
class Group:
    """The figures of a sweep; ``explorer`` is the path of its explorer, "" where it has none."""

    name: str
    description: str
    explorer: str
    figures: Sequence[Shown]


def groups_of(run: Sequence[Mapping[str, Any]], results: Path) -> list[Group]:
    """What a run made, as its files say; ``run`` has the name, description, explorer and figures
    (name, question) of each sweep, whose folder lies in ``results``.
    """
    return [
        Group(
            sweep["name"],
            sweep["description"],
            sweep["explorer"],
            [
                shown(f"{sweep['name']}/figures/{figure['name']}", figure["question"], results)
                for figure in sweep["figures"]
            ],
        )
        for sweep in run
    ]


def shown(stem: str, question: str, results: Path) -> Shown:
    """A figure from its sidecar and its caption."""
    provenance = json.loads((results / f"{stem}.json").read_text(encoding="utf-8"))
    caption = (results / f"{stem}.caption.txt").read_text(encoding="utf-8")
    words = " ".join(caption.split())
    return Shown(stem, provenance["title"], question, words, provenance["command"])


def page(groups: Sequence[Group], template: str, version: str) -> str:
    """The index as one page of HTML, what people wrote escaped."""
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(template).render(groups=groups, files=FILES, version=version)


def questions(figures: Mapping[str, str]) -> str:
    """The questions that kinds of figures answer, as a list in reStructuredText."""
    return "".join(f"* *{question}* ``{kind}``\n" for kind, question in figures.items())
