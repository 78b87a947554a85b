"""Foreign text in messages and documents: control characters and markup written out."""

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
    """Return ``text`` with each run of white space as one space: markup gives lines a meaning."""
    return " ".join(text.split())


def printable(text: str, instead: str = "") -> str:
    """Return foreign text on one line that any stream can encode: control characters, separators
    and lone surrogates written as Python escapes, or as ``instead`` where that is given.
    """
    return "".join(
        letter if letter.isprintable() else instead or ascii(letter)[1:-1] for letter in text
    )


def plain_file(name: str) -> str:
    """Return the name of a file as it can begin a cell or a line: printable, no formula of a
    spreadsheet, and no command that a CI system reads from lines.
    """
    text = printable(name)
    return f"./{text}" if text.startswith((*FORMULA, *COMMAND)) else text


def latex(text: str) -> str:
    """Escape ``text`` for LaTeX."""
    return "".join(LATEX.get(letter, letter) for letter in one_line(text))


def markdown(text: str) -> str:
    """Escape ``text`` for Markdown and the HTML in it."""
    return re.sub(r"([\\`*_{}\[\]<>|#&$~])", r"\\\1", one_line(text))


def restructured(text: str) -> str:
    """Escape ``text`` for reStructuredText."""
    escaped = re.sub(r"([\\`*_|:])", r"\\\1", one_line(text))
    return f"\\ {escaped}" if RST_START.match(escaped) else escaped
