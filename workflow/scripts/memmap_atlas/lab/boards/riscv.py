"""RISC-V: QEMU's virt, whose firmware and -dtb leave the tree's memory alone."""

import struct

from memmap_atlas.lab.boards.base import COMMON, GIB, MIB, Board, Machine, Payload, place, qemu
from memmap_atlas.lab.boards.device_tree import BLOB, COMPILE_TREE, COMPILER, TREE, riscv_tree
from memmap_atlas.memmodel.regions import Layout


def riscv(board: Board, regions: Layout, payload: Payload, cpu: str) -> Machine:
    """virt with RISC-V CPUs, whose -dtb QEMU leaves the memory of."""
    place(regions[:1], [payload.image_size + payload.initrd_size], 2 * MIB)
    ram = regions[-1][1] - board.lowest
    command = [
        *qemu(board, "virt", cpu, ram),
        *("-kernel", str(payload.image), "-initrd", str(payload.initrd), "-dtb", BLOB),
        *("-append", f"console=ttyS0 earlycon=sbi log_buf_len=4M {COMMON}"),
    ]
    return Machine(tuple(command), {TREE: riscv_tree(regions)}, (COMPILE_TREE,))


def riscv_header(image: bytes) -> tuple[int, int] | None:
    """Return text offset and size of a RISC-V Image, whose header has the form of arm64's.

    Documentation/arch/riscv/boot-image-header.rst: a magic number at 56.
    """
    if image[56:60] != b"RSC\x05":
        return None
    offset, size = struct.unpack_from("<QQ", image, 8)
    return offset, size


RISCV64 = Board(
    emulator="qemu-system-riscv64",
    package="qemu-system-misc",
    debian="riscv64",
    userland="sid",
    lowest=2 * GIB,
    highest=1 << 40,
    edge=1,
    cpu="rv64",
    make=riscv,
    header=riscv_header,
    always=((2 * GIB, 2 * GIB + 256 * MIB),),
    tools=(COMPILER,),
)
