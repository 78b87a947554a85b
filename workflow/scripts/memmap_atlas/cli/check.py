"""memmap-atlas check: fail where a memory map wastes more memmap than a bound.

Exit code 0: every map passes. 1: one wastes more, or a rule of the kernel forbids it. 2: a file
can't be read, or the question is wrong.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from memmap_atlas.catalog.kernels import build_kernels, shipped_entries, shipped_kernels
from memmap_atlas.catalog.lookup import lookup, with_section_size
from memmap_atlas.cli.arguments import parsed, size
from memmap_atlas.cli.main import FAILS, PASSES, WRONG
from memmap_atlas.documents.errors import InputError, Problem
from memmap_atlas.memmodel.kernel import Kernel
from memmap_atlas.memmodel.models import MODELS
from memmap_atlas.readers.dispatch import read_file
from memmap_atlas.readers.memory_map import MemoryMap
from memmap_atlas.reports.map_check import (
    Bound,
    Checked,
    Verdict,
    lines_of,
    sarif,
    verdict_on,
)
from memmap_atlas.sweepfile.machine_files import kernel_entry
from memmap_atlas.text.escape import plain_file


def run(asked: argparse.Namespace) -> int:
    """Print a verdict for each file, and return the exit code. Raises InputError."""
    findings = parsed(count_of_findings, asked.findings, "--findings")
    under = conditions(asked)
    verdicts: list[Verdict] = []
    unread: list[tuple[str, InputError]] = []
    for file in dict.fromkeys(asked.files):
        try:
            verdicts.append(check(file, under))
        except InputError as error:
            unread.append((file, error))
            print(error, file=sys.stderr)
            continue
        for note in verdicts[-1].memory.notes:
            print(f"{plain_file(file)}: note: {note}", file=sys.stderr)
        print("\n".join(lines_of(verdicts[-1], findings)), flush=True)
    code = PASSES if all(verdict.passes for verdict in verdicts) else FAILS
    code = WRONG if unread else code
    if asked.sarif:
        write_whole(Path(asked.sarif), sarif(verdicts, unread, code))
    return code


def count_of_findings(text: str) -> int:
    """Return a number of findings. Raises ValueError for any other text."""
    if not text.isascii() or not text.isdigit():
        raise ValueError(f"invalid number of findings {text!r}: expected one as in 20")
    return int(text)


def conditions(asked: argparse.Namespace) -> Checked:
    """Return what the check is made under. Raises InputError."""
    name, kernel = kernel_of(asked)
    model = asked.model or kernel.default_model
    lookup(model, MODELS, "model", "--model")
    kernel = with_section_size(kernel, size(asked.section_size, "--section-size"), "--section-size")
    return Checked(name, kernel, model, parsed(Bound.of, asked.most, "--most"))


def kernel_of(asked: argparse.Namespace) -> tuple[str, Kernel]:
    """Return the kernel that is asked for, and its name. Raises InputError."""
    if asked.config is None:
        return asked.kernel, lookup(asked.kernel, shipped_kernels(), "kernel", "--kernel")
    entries = shipped_entries()
    # no kernel of the entries is called so, whatever the file is
    name = f"configuration {asked.config}"
    entry, source = kernel_entry(name, {"config": asked.config}, entries, Path())
    for note in source.notes:
        print(f"{asked.config}: note: {note}", file=sys.stderr)
    return asked.config, build_kernels({**entries, name: entry}, {name: asked.config})[name]


def check(file: str, under: Checked) -> Verdict:
    """Return the verdict on one file. Raises InputError where it can't be read."""
    read = read_file(Path(file), plain_file(file))
    if not isinstance(read.content, MemoryMap):
        text = "is a kernel's configuration and no memory map: give it with --config"
        raise InputError([Problem(plain_file(file), (), text)])
    return verdict_on(file, read.sha256, read.content, under)


def write_whole(path: Path, content: dict[str, Any]) -> None:
    """Write a JSON file that appears whole or not at all. Raises InputError where it can't be
    written.
    """
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(dir=path.absolute().parent, prefix=f".{path.name}-")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(content, file, indent=2)
            file.write("\n")
        umask = os.umask(0)
        os.umask(umask)
        Path(temporary).chmod(0o666 & ~umask)
        Path(temporary).replace(path)
    except BaseException as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        if isinstance(error, OSError):
            text = f"can't be written: {error.strerror}"
            raise InputError([Problem(plain_file(str(path)), (), text)]) from error
        raise
