"""One table of file formats, and the reading of a file in any of them, detected by its content."""

import codecs
import gzip
import hashlib
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from memmap_atlas.documents.errors import InputError, Problem
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

# bytes that decide the format
HEAD = 1 << 16
# bytes of a file that is read whole
LARGEST = 32 << 20
# bytes and lines that a log unpacks to; the journal of a year has some million lines
LONGEST_LOG = 4 << 30
MOST_LINES = 1 << 24
# first bytes of files that are packed otherwise than once by gzip
PACKED = {
    b"\x1f\x8b": "gzip (twice)",
    b"BZh": "bzip2",
    b"\xfd7zXZ\0": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
}


@dataclass(frozen=True)
class Read:
    """File as it was read: its name in messages, the SHA-256 of its bytes, and its content."""

    file: str
    sha256: str
    content: MemoryMap | KernelConfig


@dataclass(frozen=True)
class Source:
    """Open file: its path, its bytes where they are packed unpacked, and the first HEAD of them."""

    path: Path
    file: BinaryIO
    head: bytes

    def whole(self) -> bytes:
        """Return all bytes. Raises Unreadable beyond LARGEST."""
        return whole(self.file, self.head)

    def lines(self) -> Iterator[Line]:
        """Yield the lines, see :func:`lines_of`."""
        return lines_of(self.file, self.head)


@dataclass(frozen=True)
class Format:
    """File format that maps or kernels are read from.

    words: as lists in messages name it
    file, content, caution: cells of the table in config/README.md: how users know the file, what is
        read of it, and what to know
    is_kind: decides by the first HEAD bytes of a file
    read: its reader; raises Unreadable
    binary: not text, and so tried before what only text can be
    """

    words: str
    file: str
    content: str
    caution: str
    is_kind: Callable[[bytes], bool]
    read: Callable[[Source], MemoryMap | KernelConfig]
    binary: bool = False


# in the order in which they are tried: a log can begin with anything
FORMATS = (
    Format(
        "a device tree (.dtb)",
        "device tree, `.dtb` or `/sys/firmware/fdt`",
        "memory nodes as `drivers/of/fdt.c` takes them, no-map regions, nodes, "
        "`linux,usable-memory-range`",
        "before firmware fills it in, a tree often has no sized memory",
        device_tree.is_kind,
        lambda source: device_tree.read(source.whole()),
        binary=True,
    ),
    Format(
        "its source (.dts)",
        "device tree source, `.dts`",
        "the same, through `cpp` and `dtc`",
        "its includes are looked for in its folder and in the kernel tree around it; any other "
        "file that it names is refused, but for sources",
        device_tree_source.is_kind,
        lambda source: device_tree_source.read(source.path),
    ),
    Format(
        "/proc/iomem",
        "`/proc/iomem`",
        "System RAM, and what arm64 keeps unmapped",
        "read it as root",
        iomem.is_kind,
        lambda source: iomem.read(source.lines()),
    ),
    Format(
        "memblock's memory of debugfs",
        "`/sys/kernel/debug/memblock/memory`",
        "its ranges as they are",
        "`reserved` looks alike",
        memblock.is_kind,
        lambda source: memblock.read(source.lines()),
    ),
    Format(
        "lsmem --json",
        "`lsmem --json`",
        "memory blocks, online or not",
        "holes and edges inside a block do not show",
        lsmem.is_kind,
        lambda source: lsmem.read(source.whole()),
    ),
    Format(
        "a kernel's .config",
        "kernel `.config`",
        "a kernel: page size, model, section size by its release, orders, struct page",
        "values that no option decides come from the nearest kernel that ships",
        kconfig.is_kind,
        lambda source: kconfig.read(source.lines()),
    ),
    Format(
        "a boot log",
        "kernel log (`dmesg`, `journalctl -k`, a serial console)",
        "the last boot's early node ranges; where there are none memblock=debug's dump, e820, the "
        "EFI map",
        "e820 and the EFI map are firmware's; the kernel's own count of struct pages in holes is "
        "the check",
        kernel_log.is_kind,
        lambda source: kernel_log.read(source.lines()),
    ),
)


def known_formats() -> str:
    """Return the formats in words, for messages."""
    *others, last = (known.words for known in FORMATS)
    return f"{', '.join(others)} or {last}"


def read_file(path: Path, shown: str) -> Read:
    """Return a file and its content; messages call it ``shown``.

    Raises InputError with the line or offset of the first mistake.
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
        location = shown
        if error.line is not None:
            location = f"{shown}:{error.line}"
        elif error.offset is not None:
            location = f"{shown}: offset {error.offset:#x}"
        raise InputError([Problem(location, (), str(error))]) from error
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError([Problem(shown, (), f"can't be read: {reason}")]) from error


def content_of(path: Path) -> MemoryMap | KernelConfig:
    """Return the content of a file of any format. Raises Unreadable where it has none of them."""
    with opened(path) as file:
        # the mark that some editors put first
        head = file.read(HEAD).removeprefix(codecs.BOM_UTF8)
        if not head.strip():
            raise Unreadable(f"is empty: give {known_formats()}")
        source = Source(path, file, head)
        detected = next((known for known in FORMATS if known.binary and known.is_kind(head)), None)
        if detected is None:
            refuse_other_than_text(head)
            # the last one takes any text
            detected = next(known for known in FORMATS if known.is_kind(head))
        return detected.read(source)


def refuse_other_than_text(head: bytes) -> None:
    """Raise Unreadable where a file begins as no text in UTF-8 does."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise Unreadable("is text in UTF-16: make UTF-8 of it (iconv -f UTF-16 -t UTF-8)")
    if packer := next((PACKED[magic] for magic in PACKED if head.startswith(magic)), None):
        raise Unreadable(f"is packed with {packer}: unpack it first")
    if head.count(0) > len(head) // 20:
        raise Unreadable(f"is binary, and no device tree: give {known_formats()}")


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Open a file for reading, unpacked where it is packed with gzip."""
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        if packed:
            with gzip.GzipFile(fileobj=file) as unpacked:
                yield unpacked  # type: ignore[misc]  # reads as any binary file does
        else:
            yield file


def whole(file: BinaryIO, head: bytes) -> bytes:
    """Return all of a file of which ``head`` was read. Raises Unreadable beyond LARGEST."""
    data = head + file.read(LARGEST + 1 - len(head))
    if len(data) > LARGEST:
        raise Unreadable(f"is larger than {LARGEST >> 20} MiB, which no file of its kind is")
    return data


def lines_of(file: BinaryIO, head: bytes) -> Iterator[Line]:
    """Yield the lines of a file of which ``head`` was read, numbered from 1 on and cut to
    LONGEST_LINE. Raises Unreadable beyond LONGEST_LOG bytes or MOST_LINES.
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
    """Decode a line, whatever its bytes, without the space at its end."""
    return line[:LONGEST_LINE].decode("utf-8", errors="replace").rstrip()
