"""Files of real machines and kernels that a sweep or an answer names: found, read, and given the
names of layouts.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from memmap_atlas.documents.errors import ConfigError, Problem, noting, refuse
from memmap_atlas.documents.errors import shown as in_short
from memmap_atlas.memmodel.regions import Layout
from memmap_atlas.readers.dispatch import Read, read_file
from memmap_atlas.readers.kconfig import KernelConfig, entry_of
from memmap_atlas.readers.memory_map import MemoryMap, Unreadable
from memmap_atlas.sweep.design import SourceFile

MOST_FILES = 10_000
LONGEST_NAME = 80


def matching(
    patterns: Sequence[str], folder: Path, file: str, path: tuple[str | int, ...]
) -> list[str]:
    """The files that paths or patterns name from ``folder``, each once; those of a pattern in the
    order of their names.

    Raises ConfigError where one names none; ``file`` and ``path`` are where they stand.
    """
    found: dict[str, None] = {}
    wrong = []
    for place, pattern in enumerate(patterns):
        try:
            if (folder / pattern).exists():
                found[pattern] = None
                continue
            here = sorted(islice(of_pattern(pattern, folder), MOST_FILES + 1))
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            text = f"{in_short(pattern)} is no path or pattern: {reason}"
            wrong.append(Problem(file, (*path, place), text))
            continue
        if not here:
            text = f"no file {pattern!r} from {folder}: a path, or a pattern such as boards/*.dtb"
            wrong.append(Problem(file, (*path, place), text))
        found |= dict.fromkeys(here)
        if len(found) > MOST_FILES:
            break
    if len(found) > MOST_FILES:
        text = f"more files than {MOST_FILES:,}"
        wrong.append(Problem(file, path, text))
    refuse(wrong)
    return list(found)


def of_pattern(pattern: str, folder: Path) -> Iterator[str]:
    """The files that match a pattern from ``folder``, but hidden ones that it does not name.

    ``**`` follows no link: two that lead upwards would make a tree without end. Raises ValueError
    where it is no pattern.
    """
    path = Path(pattern)
    root = Path(path.anchor) if path.is_absolute() else folder
    inner = str(path.relative_to(path.anchor) if path.is_absolute() else path)
    if path.name == "**":
        # folders alone, to some releases of Python
        inner += "/*"
    hidden = any(part.startswith(".") and part != ".." for part in path.parts)
    for found in root.glob(inner):
        name = str(found) if path.is_absolute() else str(found.relative_to(folder))
        inside = Path(name).parts
        if (hidden or not any(part.startswith(".") and part != ".." for part in inside)) and (
            found.is_file()
        ):
            yield name


def refuse_names(names: Sequence[str], file: str, path: tuple[str | int, ...]) -> None:
    """Raise ConfigError where a path can't be an input of the workflow, which looks for names of
    its own in braces and angle brackets, and prints paths.
    """
    refuse_unprintable(names, file, path)
    text = "has one of { } < >, which the workflow takes as its own: rename it"
    refuse([Problem(file, path, f"{name!r} {text}") for name in names if set(name) & set("{}<>")])


def refuse_unprintable(names: Sequence[str], file: str, path: tuple[str | int, ...]) -> None:
    """Raise ConfigError where a path can't be printed: it stands in captions and pages."""
    text = "has characters that can't be printed: rename it"
    refuse([Problem(file, path, f"{name!r} {text}") for name in names if not name.isprintable()])


def layout_name(file: str) -> str:
    """What a layout that is read from a file is called: its name without its last suffix, in
    lower-case letters, digits and dashes.
    """
    name = re.sub(r"[^a-z0-9]+", "-", Path(file).stem.lower()).strip("-")
    return name[:LONGEST_NAME].rstrip("-") or "map"


def source_of(name: str, read: Read) -> SourceFile:
    """Where a layout or a kernel comes from."""
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
    """The layouts of the files that ``patterns`` name, and where they come from.

    Raises ConfigError with what is wrong in all of them, and where two layouts, or one and another
    of the names ``taken``, are called the same.
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
                raise ConfigError([Problem(shown, (), text)])
            if name in layouts or name in taken:
                other = sources[name].file if name in layouts else "another layout of the sweep"
                text = f"{shown} and {other} would both be called {name!r}: rename one"
                raise ConfigError([Problem(file, path, text)])
            layouts[name] = read.content.regions
            sources[name] = source_of(name, read)
    refuse(wrong)
    return layouts, list(sources.values())


def kernel_entry(
    name: str, entry: Mapping[str, Any], shipped: Mapping[str, Mapping[str, Any]], folder: Path
) -> tuple[dict[str, Any], SourceFile]:
    """A kernel that is given by its configuration, as {config: path, and values of its own}: as an
    entry in the form of kernels.yaml, and where it comes from.

    Raises ConfigError where the file is no such thing.
    """
    shown = str(entry["config"])
    read = read_file(folder / shown, shown)
    if not isinstance(read.content, KernelConfig):
        raise ConfigError([Problem(shown, (), "is no kernel's configuration (.config)")])
    try:
        found, notes = entry_of(read.content, shipped)
    except Unreadable as error:
        raise ConfigError([Problem(shown, (), str(error))]) from error
    own = {key: value for key, value in entry.items() if key != "config"}
    source = SourceFile(name, shown, read.sha256, "kernel configuration", tuple(notes))
    return {**found, **own}, source
