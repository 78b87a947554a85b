"""Boot one machine: write its files, run QEMU within limits, and say how the boot ended."""

import os
import selectors
import shlex
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from memmap_atlas.lab.boards.base import Board, Machine, Payload, Refused
from memmap_atlas.lab.debian import Unavailable
from memmap_atlas.lab.memblock_log import END
from memmap_atlas.memmodel.regions import Layout

MOST_LOG = 32 << 20
HEADER = 1 << 17
LAST_LINES = 6
LAST_WORDS, LAST_BYTES = 500, 1 << 17
SCRIPT = "boot.sh"
PANIC = "Kernel panic"
MARKS = (END.encode(), b"end Kernel panic")
# outcomes
COMPLETE = "complete"


@dataclass(frozen=True)
class Ending:
    """End of a boot: ``complete`` or another word, the reason if another, and the log."""

    outcome: str
    reason: str
    log: str


def machine_of(
    board: Board, regions: Layout, cpu: str, image: Path, initrd: Path, folder: Path
) -> Machine:
    """The machine that boots ``image`` on ``regions``, with paths as ``folder`` sees them.

    Raises Refused where the board can't have the map, or the image is none of its kernels.
    """
    with image.open("rb") as stream:
        header = board.header(stream.read(HEADER))
    if header is None:
        raise Refused(f"{image} is no kernel image that {board.emulator} boots")
    offset, size = header
    payload = Payload(
        image=Path(os.path.relpath(image, folder)),
        image_size=size,
        text_offset=offset,
        initrd=Path(os.path.relpath(initrd, folder)),
        initrd_size=initrd.stat().st_size,
    )
    return board.make(board, regions, payload, cpu or board.cpu)


def write(machine: Machine, folder: Path) -> None:
    """Write the files of a machine, and a script that boots it again by hand."""
    for name, content in machine.files.items():
        data = content.encode() if isinstance(content, str) else content
        (folder / name).write_bytes(data)
    commands = [shlex.join(command) for command in (*machine.prepare, machine.command)]
    script = "\n".join(
        ["#!/bin/sh", "# boots this machine; its log comes out", 'cd "$(dirname "$0")"', *commands]
    )
    (folder / SCRIPT).write_text(script + "\n")
    (folder / SCRIPT).chmod(0o755)


def missing(board: Board) -> list[str]:
    """Programs of a board that this machine lacks, each with the Debian package that has it."""
    needed = [(board.emulator, board.package), *board.tools]
    return [
        f"{program} (Debian package {package})"
        for program, package in needed
        if shutil.which(program) is None
    ]


def boot(machine: Machine, folder: Path, limit: float) -> Ending:
    """Run a machine whose files stand in ``folder`` for at most ``limit`` seconds.

    Raises Unavailable where a tool that makes its files fails.
    """
    for command in machine.prepare:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        if done.returncode:
            raise Unavailable(f"{command[0]} failed: {done.stderr.strip()}")
    log, faults, code = watched(machine.command, folder, limit)
    if END in log:
        return Ending(COMPLETE, "", log)
    if PANIC in log:
        return Ending("panicked", last_words(log, PANIC), log)
    if code is None:
        what = "wrote no end of log" if len(log) >= MOST_LOG else f"not done after {limit:g} s"
        return Ending("hung", f"{what}; {last_words(log)}", log)
    if code and not log:
        return Ending("refused", f"QEMU: {faults.strip()[-LAST_WORDS:]}", log)
    return Ending("stopped", f"ended before its init was done; {last_words(log)}", log)


def watched(command: Sequence[str], folder: Path, limit: float) -> tuple[str, str, int | None]:
    """Run a command, and return its output, its error stream and its exit code.

    The code is None where it was ended: after ``limit`` seconds or MOST_LOG bytes.
    """
    out: dict[str, bytearray] = {"out": bytearray(), "err": bytearray()}
    end = time.monotonic() + limit
    with (
        subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process,
        selectors.DefaultSelector() as selector,
    ):
        assert process.stdout is not None
        assert process.stderr is not None
        selector.register(process.stdout, selectors.EVENT_READ, "out")
        selector.register(process.stderr, selectors.EVENT_READ, "err")
        while selector.get_map() and (left := end - time.monotonic()) > 0:
            for key, _ in selector.select(left):
                data = os.read(key.fd, 1 << 16)
                out[key.data] += data
                if not data:
                    selector.unregister(key.fileobj)
            # some machines can't be powered off, and a panic while booting ends nothing
            last = bytes(out["out"][-LAST_BYTES:])
            if len(out["out"]) >= MOST_LOG or any(mark in last for mark in MARKS):
                break
        ended = bool(selector.get_map())
        if ended:
            process.kill()
    texts = {name: data.decode(errors="replace") for name, data in out.items()}
    return texts["out"], texts["err"], None if ended else process.returncode


def last_words(log: str, about: str = "") -> str:
    """The last lines of a log, or those around the last line with ``about``, in one line."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    if not lines:
        return "the log is empty: is it a kernel for this machine?"
    if about:
        place = max(index for index, line in enumerate(lines) if about in line)
        lines = lines[: place + 2]
    return "the log ends: " + " | ".join(lines[-LAST_LINES:])
