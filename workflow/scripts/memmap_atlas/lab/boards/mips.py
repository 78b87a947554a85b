"""MIPS: a Malta, and loongson3-virt."""

from memmap_atlas.lab.boards.base import (
    COMMON,
    MIB,
    Board,
    Machine,
    Payload,
    Refused,
    elf_header,
    qemu,
)
from memmap_atlas.sweep import Layout

EM_MIPS = 8
# where a Malta and a Loongson have devices, between their low RAM and the rest
MALTA_DEVICES, LOONGSON_DEVICES = ((256 * MIB, 0x90000000),), ((240 * MIB, 0x90000000),)


def malta(board: Board, regions: Layout, payload: Payload, cpu: str) -> Machine:
    """A MIPS Malta, and for Loongson CPUs loongson3-virt: regions on the kernel's command line.

    arch/mips/kernel/setup.c: early_parse_mem(): the first mem=SIZE@START drops what firmware says.
    QEMU's RAM beyond its low part lies behind the devices (hw/mips/malta.c, loongson3_virt.c), and
    a Malta's initramfs at the end of the low part.
    """
    loongson = "Loongson" in cpu
    low, high = LOONGSON_DEVICES[0] if loongson else MALTA_DEVICES[0]
    top = regions[-1][1]
    ram = -(-top // MIB) * MIB if top <= low else low + top - high
    if loongson:
        ram = max(-(-ram // (256 * MIB)) * 256 * MIB + 16 * MIB, 512 * MIB)
    else:
        end = min(ram, low)
        if not any(
            start <= end - payload.initrd_size - MIB and end - MIB < stop for start, stop in regions
        ):
            raise Refused(f"QEMU puts the initramfs below {end:#x}: the map needs RAM there")
    ranges = " ".join(f"mem={end - start:#x}@{start:#x}" for start, end in regions)
    command = [
        *qemu(board, "loongson3-virt" if loongson else "malta", cpu, ram),
        *("-kernel", str(payload.image), "-initrd", str(payload.initrd)),
        *("-append", f"console=ttyS0 {COMMON} {ranges}"),
    ]
    return Machine(tuple(command), {})


MIPSEL = Board(
    emulator="qemu-system-mipsel",
    package="qemu-system-mips",
    debian="mipsel",
    userland="bookworm",
    lowest=0,
    highest=1 << 32,
    edge=1,
    cpu="24Kc",
    make=malta,
    header=elf_header(EM_MIPS),
    devices=MALTA_DEVICES,
    always=((0, 48 * MIB),),
)
MIPS64EL = Board(
    emulator="qemu-system-mips64el",
    package="qemu-system-mips",
    debian="mips64el",
    userland="bookworm",
    lowest=0,
    highest=1 << 34,
    edge=1,
    cpu="MIPS64R2-generic",
    make=malta,
    header=elf_header(EM_MIPS),
    devices=LOONGSON_DEVICES,
    always=((0, 128 * MIB),),
)
