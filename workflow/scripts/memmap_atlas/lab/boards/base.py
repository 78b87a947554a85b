"""Boards: kinds of QEMU machines, with RAM at the addresses of a memory map."""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from memmap_atlas.memmodel.regions import Layout, merged
from memmap_atlas.text.units import size_text

MIB, GIB = 1 << 20, 1 << 30
# every early allocation into the log, nothing moved about, and an end instead of a wait
COMMON = "memblock=debug loglevel=8 ignore_loglevel nokaslr panic=-1"
# seccomp: no obsolete calls, no other user, no program, no priority; QEMU denies but the first
# only where it is told to
SANDBOX = "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"


class Refused(ValueError):
    """A map or an image that a board can't boot; the text says why and what would do."""


@dataclass(frozen=True)
class Payload:
    """Image that a machine boots, its size in memory as it runs, and the initramfs.

    Paths are as the machine's folder sees them; sizes in bytes.
    """

    image: Path
    image_size: int
    text_offset: int
    initrd: Path
    initrd_size: int


@dataclass(frozen=True)
class Machine:
    """A machine to boot: the QEMU command, files to write beside it, and commands that make more
    of them.
    """

    command: tuple[str, ...]
    files: Mapping[str, str | bytes]
    prepare: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class Board:
    """A kind of machine.

    emulator, package: QEMU's program, and the Debian package that has it
    debian, userland: Debian's name of the architecture, and a suite with its busybox
    lowest, highest: between what addresses RAM can lie, bytes
    edge: what edges of regions must be multiples of
    cpu: what it runs on where a lab asks for no other
    make: the machine of some regions, as :meth:`fitted` gives them, on a CPU
    header: where in memory an image wants to be, and how much it takes there; None for no image
    devices: ranges that can hold no RAM
    always: RAM that every machine of the kind has, beside the map's
    tools: other programs that it needs, with their Debian packages
    """

    emulator: str
    package: str
    debian: str
    userland: str
    lowest: int
    highest: int
    edge: int
    cpu: str
    make: Callable[["Board", Layout, Payload, str], Machine]
    header: Callable[[bytes], tuple[int, int] | None]
    devices: Layout = ()
    always: Layout = ()
    tools: tuple[tuple[str, str], ...] = ()

    def fitted(self, regions: Layout) -> Layout:
        """``regions`` as this board can have them, with the RAM that it always has.

        They are moved up as a whole, by whole GiB, where they start below the board's RAM or lie
        where its devices are. Raises Refused where they do not fit.
        """
        shift = max(-(-(self.lowest - regions[0][0]) // GIB) * GIB, 0)
        while any(
            start + shift < high and low < end + shift
            for start, end in regions
            for low, high in self.devices
        ):
            shift += GIB
        moved = [(start + shift, end + shift) for start, end in regions]
        if moved[-1][1] > self.highest:
            raise Refused(
                f"the map would end at {moved[-1][1]:#x}, and {self.emulator} has RAM up to "
                f"{self.highest:#x} here: choose a smaller or lower map"
            )
        for value in (edge for region in moved for edge in region):
            if value % self.edge:
                raise Refused(
                    f"{value:#x} is an edge of the map, and this machine's RAM has edges at "
                    f"multiples of {size_text(self.edge)} only"
                )
        return merged([*moved, *self.always]) if self.always else tuple(moved)


def qemu(board: Board, machine: str, cpu: str, ram: int) -> list[str]:
    """The start of every QEMU command: no network, no display, a sandbox, RAM that costs the host
    what is touched of it.
    """
    ram = -(-ram // MIB) * MIB
    return [
        board.emulator,
        *("-machine", f"{machine},memory-backend=ram", "-cpu", cpu, "-smp", "1"),
        *("-object", f"memory-backend-ram,id=ram,size={ram},reserve=off"),
        *("-m", f"{ram // MIB}M"),
        *("-nodefaults", "-no-user-config", "-display", "none", "-serial", "stdio"),
        *("-nic", "none", "-no-reboot", "-sandbox", SANDBOX),
    ]


def place(regions: Layout, sizes: list[int], align: int, low: int = 0) -> list[int]:
    """Addresses for things of ``sizes``, one behind the other in the first region that has room,
    each at a multiple of ``align``; from ``low`` on.

    Raises Refused where no region has room.
    """
    for start, end in regions:
        address, places = max(start, low), []
        for size in sizes:
            address = -(-address // align) * align
            places.append(address)
            address += size
        if address <= end:
            return places
    need = size_text(-(-sum(sizes) // MIB) * MIB)
    raise Refused(f"no region has room for the kernel and its initramfs, {need} in one piece")


def elf_header(machine: int) -> Callable[[bytes], tuple[int, int] | None]:
    """Return the header reader of ELF kernels of an architecture (EM_* in elf.h)."""

    def header(image: bytes) -> tuple[int, int] | None:
        if image[:4] != b"\x7fELF" or struct.unpack_from("<H", image, 18)[0] != machine:
            return None
        # a vmlinuz unpacks itself behind it: all of Debian's find room there
        return 0, 64 * MIB

    return header
