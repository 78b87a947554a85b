"""Files of real machines and kernels that a sweep or an answer names: found, read, and given the
names of layouts.
"""

import glob
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from memmap_atlas.documents import ConfigError, Problem, noting, refuse
from memmap_atlas.readers.kernel_config import KernelConfig, entry_of
from memmap_atlas.readers.memory_map import MemoryMap, Unreadable
from memmap_atlas.readers.read import Read, read_file
from memmap_atlas.sweep import Layout, SourceFile

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
        if (folder / pattern).exists():
            found[pattern] = None
            continue
        here = sorted(glob.glob(pattern, root_dir=folder, recursive=True))
        here = [name for name in here if (folder / name).is_file()]
        if not here:
            text = f"no file {pattern!r} from {folder}: a path, or a pattern such as boards/*.dtb"
            wrong.append(Problem(file, (*path, place), text))
        found |= dict.fromkeys(here)
    if len(found) > MOST_FILES:
        text = f"{len(found):,} files are more than {MOST_FILES:,}"
        wrong.append(Problem(file, path, text))
    refuse(wrong)
    return list(found)


def refuse_names(names: Sequence[str], file: str, path: tuple[str | int, ...]) -> None:
    """Raise ConfigError where a path can't be an input of the workflow, which looks for names of
    its own in braces and angle brackets, and prints paths.
    """
    wrong = []
    for name in names:
        if not name.isprintable():
            text = f"{name!r} has characters that can't be printed: rename it"
            wrong.append(Problem(file, path, text))
        elif set(name) & set("{}<>"):
            text = f"{name!r} has one of {{ }} < >, which the workflow takes as its own: rename it"
            wrong.append(Problem(file, path, text))
    refuse(wrong)


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
    for shown in matching(patterns, folder, file, path):
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
