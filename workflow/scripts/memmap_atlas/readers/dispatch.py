"""One file of any kind that is known, told by its content: to a memory map, or to a kernel's
configuration.
"""

import codecs
import gzip
import hashlib
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from memmap_atlas.documents.errors import ConfigError, Problem
from memmap_atlas.readers import (
    device_tree,
    device_tree_source,
    iomem,
    kconfig,
    kernel_log,
    lsmem,
    memblock,
)
from memmap_atlas.readers.kconfig import KernelConfig
from memmap_atlas.readers.memory_map import LONGEST_LINE, Line, MemoryMap, Unreadable

# what is read of a file to tell its kind
HEAD = 1 << 16
# of a kind that is read whole
LARGEST = 32 << 20
# of what a log unpacks to; the journal of a year has some million lines
LONGEST_LOG = 4 << 30
MOST_LINES = 1 << 24
# how files begin that are packed otherwise than once by gzip
PACKED = {
    b"\x1f\x8b": "gzip (twice)",
    b"BZh": "bzip2",
    b"\xfd7zXZ\0": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
}
KINDS = (
    "a device tree (.dtb, .dts), a boot log, /proc/iomem, memblock's memory of debugfs, "
    "lsmem --json, or a kernel's .config"
)


@dataclass(frozen=True)
class Read:
    """A file as it was read: its name in messages, the SHA-256 of its bytes, and what it says."""

    file: str
    sha256: str
    content: MemoryMap | KernelConfig


def read_file(path: Path, shown: str) -> Read:
    """What a file says, called ``shown`` in messages.

    Raises ConfigError, with the line or offset, where it can't be read or says no such thing.
    """
    try:
        if "\0" in shown or "\0" in str(path):
            raise Unreadable("is no name of a file: it has a zero byte")
        if path.is_dir():
            raise Unreadable("is a folder: give the files in it, as in folder/*.dtb")
        if path.exists() and not path.is_file():
            raise Unreadable("is a pipe or a device: write what it gives to a file, and give that")
        if path.stat().st_size > LONGEST_LOG:
            raise Unreadable(f"is longer than {LONGEST_LOG >> 30} GiB")
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        return Read(shown, sha256, content_of(path))
    except Unreadable as error:
        place = shown
        if error.line is not None:
            place = f"{shown}:{error.line}"
        elif error.offset is not None:
            place = f"{shown}: offset {error.offset:#x}"
        raise ConfigError([Problem(place, (), str(error))]) from error
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError([Problem(shown, (), f"can't be read: {reason}")]) from error


def content_of(path: Path) -> MemoryMap | KernelConfig:
    """What a file says, by what its first bytes look like; a log can begin with anything."""
    with opened(path) as file:
        # the mark that some editors put first
        head = file.read(HEAD).removeprefix(codecs.BOM_UTF8)
        if not head.strip():
            raise Unreadable(f"is empty: give {KINDS}")
        if device_tree.is_kind(head):
            return device_tree.read(whole(file, head))
        if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise Unreadable("is text in UTF-16: make UTF-8 of it (iconv -f UTF-16 -t UTF-8)")
        if packer := next((PACKED[magic] for magic in PACKED if head.startswith(magic)), None):
            raise Unreadable(f"is packed with {packer}: unpack it first")
        if head.count(0) > len(head) // 20:
            raise Unreadable(f"is binary, and no device tree: give {KINDS}")
        if lsmem.is_kind(head):
            return lsmem.read(whole(file, head))
        if device_tree_source.is_kind(head):
            return device_tree_source.read(path)
        lines = lines_of(file, head)
        if kconfig.is_kind(head):
            return kconfig.read(lines)
        if iomem.is_kind(head):
            return iomem.read(lines)
        if memblock.is_kind(head):
            return memblock.read(lines)
        return kernel_log.read(lines)


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """The bytes of a file, unpacked where it is gzip."""
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        if packed:
            with gzip.GzipFile(fileobj=file) as unpacked:
                yield unpacked  # type: ignore[misc]  # reads as any binary file does
        else:
            yield file


def whole(file: BinaryIO, head: bytes) -> bytes:
    """All of a file that begins with ``head``, which was read of it."""
    data = head + file.read(LARGEST + 1 - len(head))
    if len(data) > LARGEST:
        raise Unreadable(f"is larger than {LARGEST >> 20} MiB, which no file of its kind is")
    return data


def lines_of(file: BinaryIO, head: bytes) -> Iterator[Line]:
    """The lines of a file that begins with ``head``, which was read of it; what is longer than
    LONGEST_LINE is cut off. Raises Unreadable beyond LONGEST_LOG or MOST_LINES.
    """
    rest, read, number = head, len(head), 1
    cut = False
    while True:
        *lines, rest = rest.split(b"\n")
        for line in lines:
            if not cut:
                yield number, text_of(line)
            cut = False
            number += 1
        if len(rest) > LONGEST_LINE:
            if not cut:
                yield number, text_of(rest)
            cut, rest = True, b""
        if number > MOST_LINES:
            raise Unreadable(f"has more than {MOST_LINES:,} lines", line=number)
        more = file.read(HEAD)
        if not more:
            break
        read += len(more)
        if read > LONGEST_LOG:
            raise Unreadable(f"is longer than {LONGEST_LOG >> 30} GiB", line=number)
        rest += more
    if rest and not cut:
        yield number, text_of(rest)


def text_of(line: bytes) -> str:
    """A line as text, whatever its bytes, without its end."""
    return line[:LONGEST_LINE].decode("utf-8", errors="replace").rstrip()
