"""Check memory maps: fail where one wastes more memmap than a bound, under a kernel.

    python workflow/scripts/check_map.py boards/*.dtb --kernel arm64-6.12-4k --most 1MiB

Exit code 0: every map passes. 1: one wastes more, or a rule of the kernel forbids it. 2: a file
can't be read, or the question is wrong.
"""

import argparse
import io
import json
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from memmap_atlas.catalog.kernels import build_kernels, load_kernels, read_entries
from memmap_atlas.documents.errors import InputError, Problem, nearest
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
from memmap_atlas.text.units import parse_size

KERNELS = Path(__file__).parents[2] / "config/kernels.yaml"
PASSES, FAILS, WRONG = 0, 1, 2


def value(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    """``parse`` for argparse, with the text of its ValueError as the message."""

    def parsed(text: str) -> Any:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return parsed


def at_least_one(text: str) -> int:
    """A number of findings."""
    if not text.isascii() or not text.isdigit():
        raise ValueError(f"{text!r} is no number of findings: write one as in 20")
    return int(text)


def arguments(given: Sequence[str] | None) -> argparse.Namespace:
    """Parse the command line; exits with 2 where it is wrong."""
    parser = argparse.ArgumentParser(
        description="Fail where a memory map wastes more memmap than a bound, under a kernel.",
        epilog="exit code: 0 every map passes, 1 one wastes more or a rule of the kernel forbids "
        "it, 2 a file can't be read or the question is wrong",
        allow_abbrev=False,
    )
    parser.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="a memory map, in any format that config/README.md lists",
    )
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--kernel", help="a kernel of config/kernels.yaml")
    which.add_argument("--config", metavar="FILE", help="the configuration of a kernel (.config)")
    parser.add_argument(
        "--most",
        required=True,
        type=value(Bound.of),
        metavar="SIZE",
        help="what a map may waste: a size as in 1MiB, or per cent of what is needed as in 5%%",
    )
    parser.add_argument("--model", help="memory model; the kernel's default if not given")
    parser.add_argument(
        "--section-size",
        type=value(parse_size),
        metavar="SIZE",
        help="another section size than the kernel's, as in 64MiB",
    )
    parser.add_argument(
        "--findings",
        type=value(at_least_one),
        default=20,
        metavar="N",
        help="how many findings of a file are printed (default: 20)",
    )
    parser.add_argument("--sarif", type=Path, metavar="FILE", help="write a SARIF 2.1.0 log too")
    return parser.parse_args(given)


def kernel_of(asked: argparse.Namespace) -> tuple[str, Kernel]:
    """The kernel that is asked for, and its name. Raises InputError."""
    if asked.config is not None:
        entries, _ = read_entries(KERNELS)
        # no kernel of the entries is called so, whatever the file is
        name = f"configuration {asked.config}"
        entry, source = kernel_entry(name, {"config": asked.config}, entries, Path())
        for note in source.notes:
            print(f"{asked.config}: note: {note}", file=sys.stderr)
        return asked.config, build_kernels({**entries, name: entry}, {name: asked.config})[name]
    kernels = load_kernels(KERNELS)
    if asked.kernel not in kernels:
        hint = nearest(asked.kernel, list(kernels))
        text = f"no kernel {asked.kernel!r}{hint}; there are {', '.join(kernels)}"
        raise InputError([Problem("--kernel", (), text)])
    return asked.kernel, kernels[asked.kernel]


def checked(asked: argparse.Namespace) -> Checked:
    """Under what the check is made. Raises InputError."""
    name, kernel = kernel_of(asked)
    model = asked.model or kernel.default_model
    if model not in MODELS:
        text = f"no model {model!r}{nearest(model, list(MODELS))}; there are {', '.join(MODELS)}"
        raise InputError([Problem("--model", (), text)])
    section = asked.section_size
    if section is not None:
        if section.bit_count() != 1 or section < kernel.page_size:
            text = f"{section} bytes is no power of two of at least a page, {kernel.page_size}"
            raise InputError([Problem("--section-size", (), text)])
        kernel = kernel.with_section(section)
    return Checked(name, kernel, model, asked.most)


def check(file: str, under: Checked) -> Verdict:
    """The verdict on one file. Raises InputError where it can't be read."""
    read = read_file(Path(file), plain_file(file))
    if not isinstance(read.content, MemoryMap):
        text = "is a kernel's configuration and no memory map: give it with --config"
        raise InputError([Problem(plain_file(file), (), text)])
    return verdict_on(file, read.sha256, read.content, under)


def write_whole(path: Path, content: dict[str, Any]) -> None:
    """A JSON file that appears whole or not at all. Raises OSError."""
    handle, name = tempfile.mkstemp(dir=path.absolute().parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(content, file, indent=2)
            file.write("\n")
        umask = os.umask(0)
        os.umask(umask)
        Path(name).chmod(0o666 & ~umask)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def main(given: Sequence[str] | None = None) -> int:
    """Check the files of the command line; the exit code."""
    # names of files are bytes, and need not be text
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    asked = arguments(given)
    try:
        under = checked(asked)
    except InputError as error:
        print(error, file=sys.stderr)
        return WRONG
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
        print("\n".join(lines_of(verdicts[-1], asked.findings)), flush=True)
    code = PASSES if all(verdict.passes for verdict in verdicts) else FAILS
    code = WRONG if unread else code
    if asked.sarif:
        try:
            write_whole(asked.sarif, sarif(verdicts, unread, code))
        except OSError as error:
            print(f"{asked.sarif}: can't be written: {error.strerror}", file=sys.stderr)
            return WRONG
    return code


if __name__ == "__main__":
    sys.exit(main())
