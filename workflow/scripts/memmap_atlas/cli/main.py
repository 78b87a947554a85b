"""Arguments of the command line, and the one place where a mistake ends it.

A command is its parser here and a module with ``run(asked) -> exit code``, which is imported when
the command is used: --help and shell completion start without numpy.

PYTHON_ARGCOMPLETE_OK: what the global completion of argcomplete looks for.
"""

import argparse
import importlib
import io
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

from memmap_atlas import __version__

PROGRAM = "memmap-atlas"
PASSES, FAILS, WRONG = 0, 1, 2
# as shells have it for what ^C ends
INTERRUPTED = 130
MAP = "a memory map, in any format that config/README.md lists"
REGION = "START-END, half-open: hexadecimal, decimal, or sizes as in 512MiB"


class Parser(argparse.ArgumentParser):
    """Parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(WRONG, f"{self.prog}: {' '.join(message.split())} (--help shows what there is)\n")


def parser() -> Parser:
    """Return the parser of the whole command line."""
    top = Parser(
        prog=PROGRAM,
        description="The cost of a physical memory map in struct page, under every Linux memory "
        "model.",
        epilog="exit code: 0, 1 where a check fails, 2 for a mistake in what was given",
        allow_abbrev=False,
    )
    top.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    subparsers = top.add_subparsers(title="commands", metavar="COMMAND", dest="command")
    subparsers.required = True

    def command(name: str, what: str, example: str) -> argparse.ArgumentParser:
        added = subparsers.add_parser(
            name,
            help=what,
            description=f"{what[0].upper()}{what[1:]}.",
            epilog=f"example: {PROGRAM} {name} {example}",
            allow_abbrev=False,
        )
        # arguments that it does not know are its mistake, not that of the whole command line
        added.set_defaults(parser=added)
        return added

    cost_arguments(
        command(
            "cost",
            "cost of a memory map",
            "--kernel arm64-5.10-4k --model all 0-3584MiB 4GiB-4608MiB",
        )
    )
    answer_arguments(
        command(
            "answer",
            "answer for a machine's own log, device tree or memory map: cost, check and advice",
            "dmesg.txt",
        )
    )
    check_arguments(
        command(
            "check",
            "fail where a memory map wastes more memmap than a bound",
            "boards/*.dtb --kernel arm64-6.12-4k --most 1MiB",
        )
    )
    hotplug_arguments(
        command(
            "hotplug",
            "memory that adding a range of memory takes",
            "--kernel arm64-6.12-4k --ram 0x0-0x10000000 --add 0x240000000-0x540000000",
        )
    )
    kernels_arguments(
        command("kernels", "kernels and their constants, with sources", "arm64-5.10-4k --json")
    )
    return top


def cost_arguments(to: argparse.ArgumentParser) -> None:
    """Add the arguments of ``cost``."""
    argument(
        to.add_argument,
        "regions",
        complete=nothing,
        nargs="+",
        metavar="REGION",
        help=f"RAM: {REGION}",
    )
    argument(
        to.add_argument,
        "--kernel",
        complete=kernel_names,
        action="append",
        metavar="K",
        help="a kernel by name, may be repeated; without it every kernel",
    )
    argument(
        to.add_argument,
        "--model",
        complete=lambda **_: [*model_names(), "all"],
        action="append",
        metavar="M",
        help="a memory model, may be repeated, or all; without it each kernel's default",
    )
    section_size_argument(to)
    form = to.add_mutually_exclusive_group()
    argument(form.add_argument, "--json", action="store_true", help="print JSON")
    argument(
        form.add_argument,
        "--csv",
        action="store_true",
        help="print CSV, a row for each combination",
    )


def answer_arguments(to: argparse.ArgumentParser) -> None:
    """Add the arguments of ``answer``."""
    argument(
        to.add_argument,
        "files",
        nargs="+",
        metavar="FILE",
        help=f"{MAP}, and with it at most one kernel's .config",
    )
    argument(
        to.add_argument,
        "--kernel",
        complete=kernel_names,
        metavar="K",
        help="the kernel that runs on it, by name",
    )
    argument(to.add_argument, "--json", action="store_true", help="print JSON")


def check_arguments(to: argparse.ArgumentParser) -> None:
    """Add the arguments of ``check``."""
    argument(to.add_argument, "files", nargs="+", metavar="FILE", help=MAP)
    which = to.add_mutually_exclusive_group(required=True)
    argument(
        which.add_argument, "--kernel", complete=kernel_names, metavar="K", help="a kernel by name"
    )
    argument(
        which.add_argument,
        "--config",
        metavar="FILE",
        help="the configuration of a kernel (.config)",
    )
    argument(
        to.add_argument,
        "--most",
        complete=nothing,
        required=True,
        metavar="SIZE",
        help="what a map may waste: a size as in 1MiB, or per cent of what is needed as in 5%%",
    )
    argument(
        to.add_argument,
        "--model",
        complete=model_names,
        metavar="M",
        help="memory model, instead of the default",
    )
    section_size_argument(to)
    argument(
        to.add_argument,
        "--findings",
        complete=nothing,
        default="20",
        metavar="N",
        help="how many findings of a file are printed (default: 20)",
    )
    argument(to.add_argument, "--sarif", metavar="FILE", help="write a SARIF 2.1.0 log too")


def hotplug_arguments(to: argparse.ArgumentParser) -> None:
    """Add the arguments of ``hotplug``."""
    argument(
        to.add_argument,
        "--kernel",
        complete=kernel_names,
        required=True,
        metavar="K",
        help="a kernel by name",
    )
    argument(
        to.add_argument,
        "--kernels",
        metavar="FILE",
        help="kernels of your own, in the form of config/kernels.yaml",
    )
    argument(
        to.add_argument,
        "--add",
        complete=nothing,
        required=True,
        metavar="REGION",
        help=f"the range that is added: {REGION}",
    )
    for option, metavar, what in (
        ("--ram", "REGION,...", "RAM that is there: ranges with commas between"),
        ("--block", "SIZE", "size of a memory block, instead of the kernel's"),
        ("--free", "SIZE", "free RAM: how much can be added with it"),
    ):
        argument(to.add_argument, option, complete=nothing, default="", metavar=metavar, help=what)
    argument(
        to.add_argument,
        "--memmap-on-memory",
        nargs="?",
        const="on",
        choices=["on", "force"],
        help="each block holds its own memmap",
    )


def kernels_arguments(to: argparse.ArgumentParser) -> None:
    """Add the arguments of ``kernels``."""
    argument(
        to.add_argument,
        "names",
        complete=kernel_names,
        nargs="*",
        metavar="NAME",
        help="kernels by name; without it all of them",
    )
    argument(
        to.add_argument,
        "--json",
        action="store_true",
        help="print values, constants and sources as JSON",
    )


def section_size_argument(to: argparse.ArgumentParser) -> None:
    """Add --section-size."""
    argument(
        to.add_argument,
        "--section-size",
        complete=nothing,
        metavar="S",
        help="a section size as in 128MiB, instead of the kernel's",
    )


def argument(
    add: Callable[..., argparse.Action],
    name: str,
    *,
    complete: Callable[..., list[str]] | None = None,
    **options: Any,
) -> None:
    """Add an argument with ``add`` of a parser or a group; a shell completes its values with
    ``complete``, else with files.
    """
    added = add(name, **options)
    if complete:
        # the attribute that argcomplete looks for
        added.completer = complete  # type: ignore[attr-defined]


def nothing(**_: Any) -> list[str]:
    """Return no completion where files would be wrong."""
    return []


def kernel_names(**_: Any) -> list[str]:
    """Return the kernels that ship."""
    from memmap_atlas.catalog.kernels import shipped_entries

    return list(shipped_entries())


def model_names(**_: Any) -> list[str]:
    """Return the memory models."""
    from memmap_atlas.memmodel.models import MODELS

    return list(MODELS)


# --- running --------------------------------------------------------------------------------------


def main(given: Sequence[str] | None = None, name: str = "") -> int:
    """Run the command line ``given``, by default that of the process, and return the exit code.

    A mistake in what was given is one line on stderr, after ``name`` or that of the command, and
    exit code 2.
    """
    # names of files are bytes, and need not be text
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    words = parser()
    if "_ARGCOMPLETE" in os.environ:
        import argcomplete

        argcomplete.autocomplete(words)
    asked, unknown = words.parse_known_args(given)
    from memmap_atlas.documents.errors import InputError, nearest

    if unknown:
        options = re.findall(r"--[a-z-]+", asked.parser.format_usage())
        text = f"unrecognized arguments: {' '.join(unknown)}{nearest(unknown[0], options)}"
        asked.parser.error(text)
    try:
        return int(importlib.import_module(f"memmap_atlas.cli.{asked.command}").run(asked))
    except InputError as error:
        for problem in dict.fromkeys(error.problems):
            print(f"{name or f'{PROGRAM} {asked.command}'}: {problem}", file=sys.stderr)
        return WRONG


def command() -> NoReturn:
    """Run the command line of this process, and end it."""
    with quiet_ends():
        code = main()
        sys.stdout.flush()
    sys.exit(code)


@contextmanager
def quiet_ends() -> Iterator[None]:
    """End without a traceback where the reader of the output is gone, or at ^C."""
    try:
        yield
    except BrokenPipeError:
        # what is left in the buffer would be written at exit, and fail again
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(FAILS)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
