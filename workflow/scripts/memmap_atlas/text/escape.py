"""Text for documents: what each markup would read as its own, written out."""

import re

LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    # would end an optional argument
    "[": "{[}",
    "]": "{]}",
    **{letter: f"\\{letter}" for letter in "&%$#_{}"},
}
# what begins a list, a comment, a rule, a table or code where it begins a text
RST_START = re.compile(r"[^\w\\]|\(?\w+[.)]( |$)")
FORMULA = ("=", "+", "-", "@")
COMMAND = ("::", "##")


def one_line(text: str) -> str:
    """``text`` with every stretch of space as one: a line of its own means much in most markup."""
    return " ".join(text.split())


def plain_file(name: str) -> str:
    """The name of a file as it can stand first in a cell or a line: printable, no formula of a
    spreadsheet, and no command of those who run checks and read their lines.
    """
    text = "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in name)
    return f"./{text}" if text.startswith((*FORMULA, *COMMAND)) else text


def latex(text: str) -> str:
    """``text`` with what LaTeX reads as markup written out."""
    return "".join(LATEX.get(letter, letter) for letter in one_line(text))


def markdown(text: str) -> str:
    """``text`` with what Markdown and HTML read as markup written out."""
    return re.sub(r"([\\`*_{}\[\]<>|#&$~])", r"\\\1", one_line(text))


def restructured(text: str) -> str:
    """``text`` with what reStructuredText reads as markup written out."""
    escaped = re.sub(r"([\\`*_|:])", r"\\\1", one_line(text))
    return f"\\ {escaped}" if RST_START.match(escaped) else escaped
