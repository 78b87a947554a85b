"""x86: a PC, whose memory map is replaced on the kernel's command line."""

import struct

from memmap_atlas.lab.boards.base import COMMON, GIB, MIB, Board, Machine, Payload, place, qemu
from memmap_atlas.memmodel.regions import Layout

# what a PC has below 1 MiB, less its first page, which the kernel leaves alone (trim_bios_range()),
# and room for the kernel; devices lie below 4 GiB, and at the end of a TiB
LOW = ((0x1000, 0x9F000), (MIB, 256 * MIB))
DEVICES = ((0, 0x1000), (0x9F000, MIB), (3 * GIB, 4 * GIB))


def pc(board: Board, regions: Layout, payload: Payload, cpu: str) -> Machine:
    """A PC, whose memory map is replaced on the kernel's command line.

    arch/x86/kernel/e820.c: parse_memmap_one(): exactmap drops what the BIOS says, SIZE@START adds
    RAM. The BIOS's machine has RAM from 0 to 3 GiB and on from 4 GiB (hw/i386/pc_piix.c).
    """
    place(regions, [payload.image_size], MIB, payload.text_offset)
    top = regions[-1][1]
    # with less than 3.5 GiB all of it would lie below 4 GiB
    ram = top if top <= 3 * GIB else max(top - GIB, 3584 * MIB)
    ranges = " ".join(f"memmap={end - start:#x}@{start:#x}" for start, end in regions)
    arguments = f"console=ttyS0 earlyprintk=serial,ttyS0,115200 log_buf_len=4M {COMMON} "
    command = [
        *qemu(board, "pc,usb=off", cpu, ram),
        *("-kernel", str(payload.image), "-initrd", str(payload.initrd)),
        *("-append", f"{arguments}memmap=exactmap {ranges}"),
    ]
    return Machine(tuple(command), {})


def pc_header(image: bytes) -> tuple[int, int] | None:
    """Return the load address and the size in memory of a bzImage, None for another file.

    Documentation/arch/x86/boot.rst: a magic number at 0x202, pref_address and init_size.
    """
    if image[0x202:0x206] != b"HdrS":
        return None
    place, size = struct.unpack_from("<QI", image, 0x258)
    return place, size


X86_64 = Board(
    emulator="qemu-system-x86_64",
    package="qemu-system-x86",
    debian="amd64",
    userland="bookworm",
    lowest=0,
    highest=0xFD00000000,
    edge=1,
    cpu="qemu64",
    make=pc,
    header=pc_header,
    devices=DEVICES,
    always=LOW,
)
I386 = Board(
    emulator="qemu-system-i386",
    package="qemu-system-x86",
    debian="i386",
    userland="bookworm",
    lowest=0,
    highest=1 << 32,
    edge=1,
    cpu="qemu32",
    make=pc,
    header=pc_header,
    devices=DEVICES,
    always=LOW,
)
