"""Layouts and kernels of the files of real machines that a sweep or an answer names."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from memmap_atlas.documents.errors import InputError, Problem, noting, refuse
from memmap_atlas.documents.errors import shown as in_short
from memmap_atlas.documents.source_file import SourceFile
from memmap_atlas.memmodel.regions import Layout
from memmap_atlas.readers.dispatch import Read, read_file
from memmap_atlas.readers.kconfig import KernelConfig, entry_of
from memmap_atlas.readers.memory_map import MemoryMap, Unreadable

MOST_FILES = 10_000
LONGEST_NAME = 80


def matching(
    patterns: Sequence[str], folder: Path, file: str, path: tuple[str | int, ...]
) -> list[str]:
    """Return the files that paths or patterns match from ``folder``, each once; those of a pattern
    sorted by name.

    Raises InputError where one matches nothing; ``file`` and ``path`` are its own location.
    """
    names: dict[str, None] = {}
    wrong = []
    for index, pattern in enumerate(patterns):
        try:
            if (folder / pattern).exists():
                names[pattern] = None
                continue
            matches = sorted(islice(of_pattern(pattern, folder), MOST_FILES + 1))
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            text = f"invalid path or pattern {in_short(pattern)}: {reason}"
            wrong.append(Problem(file, (*path, index), text))
            continue
        if not matches:
            text = f"no file {pattern!r} from {folder}: a path, or a pattern such as boards/*.dtb"
            wrong.append(Problem(file, (*path, index), text))
        names |= dict.fromkeys(matches)
        if len(names) > MOST_FILES:
            break
    if len(names) > MOST_FILES:
        text = f"more files than {MOST_FILES:,}"
        wrong.append(Problem(file, path, text))
    refuse(wrong)
    return list(names)


def of_pattern(pattern: str, folder: Path) -> Iterator[str]:
    """Yield the files that match a pattern from ``folder``, without hidden ones that it does not
    name.

    ``**`` follows no link: two that lead upwards would make a tree without end. Raises ValueError
    where the pattern is invalid.
    """
    path = Path(pattern)
    root = Path(path.anchor) if path.is_absolute() else folder
    inner = str(path.relative_to(path.anchor) if path.is_absolute() else path)
    if path.name == "**":
        # which matches folders alone in some releases of Python
        inner += "/*"
    hidden = any(part.startswith(".") and part != ".." for part in path.parts)
    for match in root.glob(inner):
        name = str(match) if path.is_absolute() else str(match.relative_to(folder))
        inside = Path(name).parts
        if (hidden or not any(part.startswith(".") and part != ".." for part in inside)) and (
            match.is_file()
        ):
            yield name


def refuse_names(names: Sequence[str], file: str, path: tuple[str | int, ...]) -> None:
    """Raise InputError for paths that can't be inputs of the workflow, which prints paths and has
    wildcards and flags in braces and angle brackets.
    """
    refuse_unprintable(names, file, path)
    text = "has one of { } < >, which the workflow takes as its own: rename it"
    refuse([Problem(file, path, f"{name!r} {text}") for name in names if set(name) & set("{}<>")])


def refuse_unprintable(names: Sequence[str], file: str, path: tuple[str | int, ...]) -> None:
    """Raise InputError for paths that can't be printed: captions and pages quote them."""
    text = "has characters that can't be printed: rename it"
    refuse([Problem(file, path, f"{name!r} {text}") for name in names if not name.isprintable()])


def layout_name(file: str) -> str:
    """Return the name of a file's layout: the file's without its last suffix, in lower-case
    letters, digits and dashes.
    """
    name = re.sub(r"[^a-z0-9]+", "-", Path(file).stem.lower()).strip("-")
    return name[:LONGEST_NAME].rstrip("-") or "map"


def source_of(name: str, read: Read) -> SourceFile:
    """Return the source of a layout or a kernel."""
    content = read.content
    if isinstance(content, MemoryMap):
        return SourceFile(name, read.file, read.sha256, content.kind, content.notes)
    return SourceFile(name, read.file, read.sha256, "kernel configuration", ())


def layouts_of_files(
    patterns: Sequence[str],
    folder: Path,
    taken: set[str],
    file: str,
    path: tuple[str, ...] = ("layouts", "files"),
) -> tuple[dict[str, Layout], list[SourceFile]]:
    """Return the layouts of the files that ``patterns`` match, by name, and their sources.

    Raises InputError with the problems of all files, and for names that are ``taken`` or that two
    files share.
    """
    layouts: dict[str, Layout] = {}
    sources: dict[str, SourceFile] = {}
    wrong: list[Problem] = []
    files = matching(patterns, folder, file, path)
    refuse_unprintable(files, file, path)
    for shown in files:
        name = layout_name(shown)
        with noting(wrong):
            read = read_file(folder / shown, shown)
            if not isinstance(read.content, MemoryMap):
                text = (
                    "is a kernel's configuration and no memory map: name it under custom_kernels, "
                    f"as in mine: {{config: {shown}}}"
                )
                raise InputError([Problem(shown, (), text)])
            if name in layouts or name in taken:
                other = sources[name].file if name in layouts else "another layout of the sweep"
                text = f"{shown} and {other} would both be called {name!r}: rename one"
                raise InputError([Problem(file, path, text)])
            layouts[name] = read.content.regions
            sources[name] = source_of(name, read)
    refuse(wrong)
    return layouts, list(sources.values())


def kernel_entry(
    name: str, entry: Mapping[str, Any], shipped: Mapping[str, Mapping[str, Any]], folder: Path
) -> tuple[dict[str, Any], SourceFile]:
    """Return a kernel given by its configuration, {config: path, and values of its own}, as an
    entry in the form of kernels.yaml, and its source.

    Raises InputError where the file is not a kernel's configuration.
    """
    shown = str(entry["config"])
    read = read_file(folder / shown, shown)
    if not isinstance(read.content, KernelConfig):
        raise InputError([Problem(shown, (), "is no kernel's configuration (.config)")])
    try:
        derived, notes = entry_of(read.content, shipped)
    except Unreadable as error:
        raise InputError([Problem(shown, (), str(error))]) from error
    own = {key: value for key, value in entry.items() if key != "config"}
    source = SourceFile(name, shown, read.sha256, "kernel configuration", tuple(notes))
    return {**derived, **own}, source
