"""Arm: QEMU's virt, with 64-bit and 32-bit CPUs."""

import struct
from collections.abc import Callable
from pathlib import Path

from memmap_atlas.lab.boards.base import COMMON, GIB, MIB, Board, Machine, Payload, place, qemu
from memmap_atlas.lab.boards.device_tree import BLOB, COMPILE_TREE, COMPILER, TREE, arm_tree
from memmap_atlas.memmodel.regions import Layout

STUB = "start.bin"
# QEMU's virt puts its own device tree at the start of its RAM, whether it is wanted or not
VIRT_RAM, VIRT_TREE = GIB, 2 * MIB


def arm64(board: Board, regions: Layout, payload: Payload, cpu: str) -> Machine:
    """virt with 64-bit CPUs. A stub starts the kernel as Documentation/arch/arm64/booting.rst asks,
    with the tree's address in x0: given with -kernel, QEMU would rewrite the tree's memory.
    """
    # ldr x0, tree; ldr x4, entry; mov x1, x2, x3, xzr; br x4
    code = (0x580000C0, 0x580000E4, 0xAA1F03E1, 0xAA1F03E2, 0xAA1F03E3, 0xD61F0080)
    return loaded(
        board,
        regions,
        payload,
        cpu,
        wide=True,
        stub=lambda tree, entry: struct.pack("<6I2Q", *code, tree, entry),
    )


def arm(board: Board, regions: Layout, payload: Payload, cpu: str) -> Machine:
    """virt with 32-bit CPUs; Documentation/arch/arm/booting.rst: r0 = 0, r1 = ~0, r2 = the tree."""
    # mov r0, #0; mvn r1, #0; ldr r2, tree; ldr pc, entry
    code = (0xE3A00000, 0xE3E01000, 0xE59F2000, 0xE59FF000)
    return loaded(
        board,
        regions,
        payload,
        cpu,
        wide=False,
        stub=lambda tree, entry: struct.pack("<6I", *code, tree, entry),
    )


def loaded(
    board: Board,
    regions: Layout,
    payload: Payload,
    cpu: str,
    *,
    wide: bool,
    stub: Callable[[int, int], bytes],
) -> Machine:
    """A virt machine whose image, initramfs, tree and stub are laid into RAM as they are."""
    sizes = [payload.text_offset + payload.image_size, 2 * MIB, payload.initrd_size, 4096]
    # a 32-bit kernel takes RAM to start where it runs
    room = regions if wide else regions[:1]
    base, tree, initrd, start = place(room, sizes, 2 * MIB, VIRT_RAM + VIRT_TREE)
    entry = base + payload.text_offset
    arguments = f"console=ttyAMA0 log_buf_len=4M {COMMON}"
    if wide:
        # the linear map in blocks: its tables are no part of the memmap, and fill the log
        arguments += " earlycon=pl011,0x9000000 rodata=off"
    text = arm_tree(regions, arguments, (initrd, initrd + payload.initrd_size), wide)

    def load(file: str | Path, address: int, more: str = "") -> tuple[str, str]:
        return "-device", f"loader,file={file},addr={address:#x},force-raw=on{more}"

    command = [
        *qemu(board, "virt,gic-version=2", cpu, regions[-1][1] - VIRT_RAM),
        *load(payload.image, entry),
        *load(payload.initrd, initrd),
        *load(BLOB, tree),
        *load(STUB, start, ",cpu-num=0"),
    ]
    return Machine(
        tuple(command),
        {TREE: text, STUB: stub(tree, entry)},
        (COMPILE_TREE,),
    )


def arm64_header(image: bytes) -> tuple[int, int] | None:
    """Offset and size in memory of an arm64 Image; None where it is none.

    Documentation/arch/arm64/booting.rst: text_offset, image_size, and a magic number at 56.
    """
    if image[56:60] != b"ARM\x64":
        return None
    offset, size = struct.unpack_from("<QQ", image, 8)
    return offset, size


def arm_header(image: bytes) -> tuple[int, int] | None:
    """Return load offset and size of a zImage: above the start of RAM, where it unpacks itself.

    arch/arm/boot/compressed/head.S: a magic number at 36, then start and end.
    """
    if image[36:40] != b"\x18\x28\x6f\x01":
        return None
    start, end = struct.unpack_from("<II", image, 40)
    return 64 * MIB, end - start + 8 * MIB


ARM64 = Board(
    emulator="qemu-system-aarch64",
    package="qemu-system-arm",
    debian="arm64",
    userland="bookworm",
    lowest=VIRT_RAM,
    highest=1 << 40,
    edge=1,
    # pauth by the architected algorithm takes most of the time of a boot under emulation
    cpu="max,pauth-impdef=on",
    make=arm64,
    header=arm64_header,
    tools=(COMPILER,),
)
ARM = Board(
    emulator="qemu-system-arm",
    package="qemu-system-arm",
    debian="armhf",
    userland="bookworm",
    lowest=VIRT_RAM,
    highest=1 << 36,
    edge=1,
    cpu="cortex-a15",
    make=arm,
    header=arm_header,
    tools=(COMPILER,),
)
