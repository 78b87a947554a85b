"""Sections of text and tables, written as plain text or as Markdown."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from memmap_atlas.text.escape import markdown

WIDTH = 100


@dataclass(frozen=True)
class Table:
    """Cells as they are written; the first ``names`` columns are words, the others numbers."""

    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    names: int = 1


@dataclass(frozen=True)
class Section:
    """A heading, and below it lines and tables."""

    title: str
    parts: Sequence[str | Table]


def as_text(sections: Sequence[Section]) -> str:
    """Sections under underlined headings, tables in columns."""
    blocks = []
    for section in sections:
        blocks.append(f"{section.title}\n{'-' * len(section.title)}")
        blocks += [
            filled(part) if isinstance(part, str) else columns(part) for part in section.parts
        ]
    return "\n\n".join(blocks) + "\n"


def filled(text: str) -> str:
    """Lines of text, each broken where it is longer than WIDTH."""
    return "\n".join(
        textwrap.fill(line, WIDTH, break_long_words=False, break_on_hyphens=False)
        for line in text.splitlines()
    )


def as_markdown(sections: Sequence[Section]) -> str:
    """Sections under headings, tables as Markdown has them."""
    blocks = []
    for section in sections:
        blocks.append(f"## {markdown(section.title)}")
        blocks += [
            "\n".join(f"{markdown(line)}  " for line in part.splitlines()).rstrip()
            if isinstance(part, str)
            else piped(part)
            for part in section.parts
        ]
    return "\n\n".join(blocks) + "\n"


def columns(table: Table) -> str:
    """A table in columns: words to the left, numbers to the right."""
    rows = [table.heads, *table.rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            text.ljust(width) if place < table.names else text.rjust(width)
            for place, (text, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def piped(table: Table) -> str:
    """A table in Markdown."""
    rule = ["---" if place < table.names else "---:" for place in range(len(table.heads))]
    rows = [[markdown(cell) for cell in row] for row in (table.heads, *table.rows)]
    rows.insert(1, rule)
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
