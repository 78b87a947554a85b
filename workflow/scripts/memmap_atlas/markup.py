"""Text for documents: what each markup would read as its own, written out."""

import re

LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{letter: f"\\{letter}" for letter in "&%$#_{}"},
}


def latex(text: str) -> str:
    """``text`` with what LaTeX reads as markup written out."""
    return "".join(LATEX.get(letter, letter) for letter in text)


def markdown(text: str) -> str:
    """``text`` with what Markdown and HTML read as markup written out."""
    return re.sub(r"([\\`*_{}\[\]<>|#&$~])", r"\\\1", text)


def restructured(text: str) -> str:
    """``text`` with what reStructuredText reads as markup written out."""
    return re.sub(r"([\\`*_|:])", r"\\\1", text)
