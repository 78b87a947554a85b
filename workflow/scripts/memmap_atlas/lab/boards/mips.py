"""MIPS: a Malta, and loongson3-virt."""

from memmap_atlas.lab.boards.base import MIB, Board, Machine, Payload, Refused, elf_header, qemu
from memmap_atlas.memmodel.regions import Layout

EM_MIPS = 8
KSEG0 = 0x80000000
# all that the firmware of loongson3-virt hands on, less the place of the initramfs
ARGUMENTS, MOST_ARGUMENTS = "console=ttyS0 memblock=debug loglevel=8 nokaslr panic=-1", 200
# where a Malta and a Loongson have devices, between their low RAM and the rest
MALTA_DEVICES, LOONGSON_DEVICES = ((256 * MIB, 0x90000000),), ((240 * MIB, 0x90000000),)


def malta(board: Board, regions: Layout, payload: Payload, cpu: str) -> Machine:
    """A Malta: regions and the place of the initramfs on the kernel's command line.

    arch/mips/kernel/setup.c: early_parse_mem(): the first mem=SIZE@START drops what firmware says;
    rd_start_early(). QEMU's RAM beyond 256 MiB lies behind the devices (hw/mips/malta.c).
    """
    ram = ram_of(regions, *MALTA_DEVICES[0], low_size=256 * MIB)
    # at the end of what every map has: a vmlinuz unpacks itself below
    initrd = (board.always[0][1] - payload.initrd_size) // MIB * MIB
    ranges = f"rd_start={KSEG0 + initrd:#x} rd_size={payload.initrd_size} {memory(regions)}"
    command = [
        *qemu(board, "malta", cpu, ram),
        *("-kernel", str(payload.image)),
        *("-device", f"loader,file={payload.initrd},addr={initrd:#x},force-raw=on"),
        *("-append", f"{ARGUMENTS} {ranges}"),
    ]
    return Machine(tuple(command), {})


def loongson(board: Board, regions: Layout, payload: Payload, cpu: str) -> Machine:
    """loongson3-virt: the same, but firmware passes a short command line and the initramfs.

    hw/mips/loongson3_virt.c: 240 MiB of low RAM, the rest from 2.25 GiB on.
    """
    arguments = f"{ARGUMENTS} {memory(regions)}"
    if len(arguments) > MOST_ARGUMENTS:
        raise Refused(
            f"{len(regions)} regions make {len(arguments)} characters of command line, and this "
            f"machine's firmware has room for {MOST_ARGUMENTS}"
        )
    ram = ram_of(regions, *LOONGSON_DEVICES[0], low_size=256 * MIB)
    command = [
        *qemu(board, "loongson3-virt", cpu, max(ram, 512 * MIB)),
        *("-kernel", str(payload.image), "-initrd", str(payload.initrd)),
        *("-append", arguments),
    ]
    return Machine(tuple(command), {})


def mips64(board: Board, regions: Layout, payload: Payload, cpu: str) -> Machine:
    """The machine that QEMU has for a 64-bit CPU."""
    return (loongson if "Loongson" in cpu else malta)(board, regions, payload, cpu)


def memory(regions: Layout) -> str:
    """The regions as arguments of a kernel."""
    return " ".join(f"mem={end - start:#x}@{start:#x}" for start, end in regions)


def ram_of(regions: Layout, low: int, high: int, low_size: int) -> int:
    """RAM that QEMU needs for regions below ``low`` and from ``high`` on; it counts ``low_size``
    for the low part where there is a high one.
    """
    top = regions[-1][1]
    return top if top <= low else low_size + top - high


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
    make=mips64,
    header=elf_header(EM_MIPS),
    devices=LOONGSON_DEVICES,
    always=((0, 128 * MIB),),
)
