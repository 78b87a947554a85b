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
    completed(
        to.add_argument("regions", nargs="+", metavar="REGION", help=f"RAM: {REGION}"), nothing
    )
    completed(
        to.add_argument(
            "--kernel",
            action="append",
            metavar="K",
            help="a kernel by name, may be repeated; without it every kernel",
        ),
        kernel_names,
    )
    completed(
        to.add_argument(
            "--model",
            action="append",
            metavar="M",
            help="a memory model, may be repeated, or all; without it each kernel's default",
        ),
        lambda **_: [*model_names(), "all"],
    )
    completed(
        to.add_argument(
            "--section-size",
            metavar="S",
            help="a section size as in 128MiB, instead of the kernel's",
        ),
        nothing,
    )
    form = to.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON")
    form.add_argument("--csv", action="store_true", help="print CSV, a row for each combination")


def answer_arguments(to: argparse.ArgumentParser) -> None:
    """Add the arguments of ``answer``."""
    to.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="a memory map in any format that config/README.md lists, and with it at most one "
        "kernel's .config",
    )
    completed(
        to.add_argument("--kernel", metavar="K", help="the kernel that runs on it, by name"),
        kernel_names,
    )
    to.add_argument("--json", action="store_true", help="print JSON")


def check_arguments(to: argparse.ArgumentParser) -> None:
    """Add the arguments of ``check``."""
    to.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="a memory map, in any format that config/README.md lists",
    )
    which = to.add_mutually_exclusive_group(required=True)
    completed(which.add_argument("--kernel", metavar="K", help="a kernel by name"), kernel_names)
    which.add_argument("--config", metavar="FILE", help="the configuration of a kernel (.config)")
    completed(
        to.add_argument(
            "--most",
            required=True,
            metavar="SIZE",
            help="what a map may waste: a size as in 1MiB, or per cent of what is needed as in 5%%",
        ),
        nothing,
    )
    completed(
        to.add_argument("--model", metavar="M", help="memory model, instead of the default"),
        model_names,
    )
    completed(
        to.add_argument(
            "--section-size",
            metavar="S",
            help="a section size as in 64MiB, instead of the kernel's",
        ),
        nothing,
    )
    completed(
        to.add_argument(
            "--findings",
            default="20",
            metavar="N",
            help="how many findings of a file are printed (default: 20)",
        ),
        nothing,
    )
    to.add_argument("--sarif", metavar="FILE", help="write a SARIF 2.1.0 log too")


def hotplug_arguments(to: argparse.ArgumentParser) -> None:
    """Add the arguments of ``hotplug``."""
    completed(
        to.add_argument("--kernel", required=True, metavar="K", help="a kernel by name"),
        kernel_names,
    )
    to.add_argument(
        "--kernels", metavar="FILE", help="kernels of your own, in the form of config/kernels.yaml"
    )
    for option, metavar, what in (
        ("--add", "REGION", f"the range that is added: {REGION}"),
        ("--ram", "REGION,...", "RAM that is there: ranges with commas between"),
        ("--block", "SIZE", "size of a memory block, instead of the kernel's"),
        ("--free", "SIZE", "free RAM: how much can be added with it"),
    ):
        completed(
            to.add_argument(
                option, required=option == "--add", default="", metavar=metavar, help=what
            ),
            nothing,
        )
    to.add_argument(
        "--memmap-on-memory",
        nargs="?",
        const="on",
        choices=["on", "force"],
        help="each block holds its own memmap",
    )


def kernels_arguments(to: argparse.ArgumentParser) -> None:
    """Add the arguments of ``kernels``."""
    completed(
        to.add_argument(
            "names", nargs="*", metavar="NAME", help="kernels by name; without it all of them"
        ),
        kernel_names,
    )
    to.add_argument(
        "--json", action="store_true", help="print values, constants and sources as JSON"
    )


def completed(action: argparse.Action, names: Callable[..., list[str]]) -> None:
    """Have a shell complete the values of an argument with ``names``."""
    # the attribute that argcomplete looks for
    action.completer = names  # type: ignore[attr-defined]


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
    """Run the command line ``given``, that of the process where there is none, and return the exit
    code.

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
