"""s390: RAM in one piece."""

from memmap_atlas.lab.boards.base import COMMON, MIB, Board, Machine, Payload, Refused, place, qemu
from memmap_atlas.memmodel.regions import Layout


def s390(board: Board, regions: Layout, payload: Payload, cpu: str) -> Machine:
    """An s390 machine: RAM from 0, in one piece, as QEMU has no other."""
    if len(regions) > 1 or regions[0][0]:
        raise Refused("RAM of this machine starts at 0 and has no hole: give a map of one region")
    place(regions, [payload.image_size, payload.initrd_size], MIB)
    command = qemu(board, "s390-ccw-virtio", cpu, regions[0][1])
    command[command.index("-serial") : command.index("-serial") + 2] = [
        *("-chardev", "stdio,id=console", "-device", "sclpconsole,chardev=console")
    ]
    command += ["-kernel", str(payload.image), "-initrd", str(payload.initrd)]
    command += ["-append", f"console=ttyS0 earlyprintk log_buf_len=4M {COMMON}"]
    return Machine(tuple(command), {})


def s390_header(image: bytes) -> tuple[int, int] | None:
    """arch/s390/boot/head.S: a magic word at 0x10008; it unpacks itself."""
    return (0, 128 * MIB) if image[0x10008:0x1000E] == b"S390EP" else None


S390X = Board(
    emulator="qemu-system-s390x",
    package="qemu-system-misc",
    debian="s390x",
    userland="bookworm",
    lowest=0,
    highest=1 << 40,
    edge=MIB,
    cpu="max",
    make=s390,
    header=s390_header,
)
