"""The machines that QEMU makes: for each architecture a board with RAM where a map says it is.

A board turns regions of RAM into the files and the QEMU command of one machine. Where firmware
tells the kernel of RAM by a device tree, the tree is ours and has those regions and no others.
"""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from memmap_atlas.sweep import Layout
from memmap_atlas.units import size_text

MIB, GIB = 1 << 20, 1 << 30
# every early allocation into the log, nothing moved about, and an end instead of a wait
COMMON = "memblock=debug loglevel=8 ignore_loglevel nokaslr panic=-1"
TREE, BLOB, STUB = "machine.dts", "machine.dtb", "start.bin"
# QEMU's virt puts its own device tree at the start of its RAM, whether it is wanted or not
VIRT_RAM, VIRT_TREE = GIB, 2 * MIB


class Refused(ValueError):
    """A map or an image that a board can't boot; the text says why and what would do."""


@dataclass(frozen=True)
class Payload:
    """What a machine boots: the image, how much memory it takes as it runs, and the initramfs.

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
    make: the machine of some regions
    image: what an image's header says
    cpu: what it runs on where a lab asks for no other
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

    def fitted(self, regions: Layout) -> Layout:
        """``regions`` as this board can have them: moved up as a whole, by whole GiB, where they
        start below its RAM.

        Raises Refused where they do not fit.
        """
        shift = max(-(-(self.lowest - regions[0][0]) // GIB) * GIB, 0)
        moved = tuple((start + shift, end + shift) for start, end in regions)
        if moved[-1][1] > self.highest:
            raise Refused(
                f"the map ends at {moved[-1][1]:#x}, and {self.emulator} makes machines with RAM "
                f"up to {self.highest:#x}: choose a lower map"
            )
        for start, end in moved:
            for value in (start, end):
                if value % self.edge:
                    raise Refused(
                        f"{value:#x} is an edge of the map, and this machine's RAM has edges at "
                        f"multiples of {size_text(self.edge)}"
                    )
        return moved


def qemu(board: Board, machine: str, cpu: str, ram: int) -> list[str]:
    """The start of every QEMU command: no network, no display, a sandbox, RAM that costs the host
    what is touched of it.
    """
    return [
        board.emulator,
        *("-machine", f"{machine},memory-backend=ram", "-cpu", cpu, "-smp", "1"),
        *("-object", f"memory-backend-ram,id=ram,size={ram},reserve=off"),
        *("-m", f"{ram // MIB}M"),
        *("-nodefaults", "-no-user-config", "-display", "none", "-serial", "stdio"),
        *("-nic", "none", "-no-reboot", "-sandbox", "on"),
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


def cells(*values: int) -> str:
    """Numbers as pairs of 32-bit cells of a device tree."""
    return " ".join(f"{value >> 32:#x} {value & 0xFFFFFFFF:#x}" for value in values)


def memory_nodes(regions: Layout) -> str:
    """The regions as nodes of a device tree."""
    return "".join(
        f'\tmemory@{start:x} {{\n\t\tdevice_type = "memory";\n'
        f"\t\treg = <{cells(start, end - start)}>;\n\t}};\n"
        for start, end in regions
    )


def arm_tree(regions: Layout, arguments: str, initrd: tuple[int, int], wide: bool) -> str:
    """A device tree of QEMU's virt with the least that a kernel needs to run init, and RAM at
    ``regions``.

    hw/arm/virt.c: the addresses and interrupts; ``wide`` is for 64-bit CPUs.
    """
    cpu, timer, psci = (
        ("arm,armv8", "arm,armv8-timer", '"arm,psci-1.0", "arm,psci-0.2"')
        if wide
        else ("arm,cortex-a15", "arm,armv7-timer", '"arm,psci-0.2"')
    )
    return f"""/dts-v1/;

/ {{
\t#address-cells = <2>;
\t#size-cells = <2>;
\tcompatible = "linux,dummy-virt";
\tinterrupt-parent = <&gic>;

\tchosen {{
\t\tbootargs = "{arguments}";
\t\tstdout-path = "/serial@9000000";
\t\tlinux,initrd-start = <{cells(initrd[0])}>;
\t\tlinux,initrd-end = <{cells(initrd[1])}>;
\t}};

\tcpus {{
\t\t#address-cells = <1>;
\t\t#size-cells = <0>;

\t\tcpu@0 {{
\t\t\tdevice_type = "cpu";
\t\t\tcompatible = "{cpu}";
\t\t\treg = <0>;
\t\t}};
\t}};

\tpsci {{
\t\tcompatible = {psci};
\t\tmethod = "hvc";
\t\tcpu_off = <0x84000002>;
\t\tcpu_on = <0x84000003>;
\t}};

\ttimer {{
\t\tcompatible = "{timer}";
\t\talways-on;
\t\tinterrupts = <1 13 0x104>, <1 14 0x104>, <1 11 0x104>, <1 10 0x104>;
\t}};

\tgic: interrupt-controller@8000000 {{
\t\tcompatible = "arm,cortex-a15-gic";
\t\t#interrupt-cells = <3>;
\t\t#address-cells = <0>;
\t\tinterrupt-controller;
\t\treg = <{cells(0x8000000, 0x10000)}>, <{cells(0x8010000, 0x10000)}>;
\t}};

\tclock: clock {{
\t\tcompatible = "fixed-clock";
\t\t#clock-cells = <0>;
\t\tclock-frequency = <24000000>;
\t}};

\tserial@9000000 {{
\t\tcompatible = "arm,pl011", "arm,primecell";
\t\treg = <{cells(0x9000000, 0x1000)}>;
\t\tinterrupts = <0 1 4>;
\t\tclocks = <&clock>, <&clock>;
\t\tclock-names = "uartclk", "apb_pclk";
\t}};

{memory_nodes(regions)}}};
"""


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
    sizes = [payload.image_size + payload.text_offset, 2 * MIB, payload.initrd_size, 4096]
    # a 32-bit kernel finds the start of RAM by rounding down its own address
    align = 2 * MIB
    base, tree, initrd, start = place(regions, sizes, align, VIRT_RAM + VIRT_TREE)
    entry = base + payload.text_offset
    arguments = f"earlycon=pl011,0x9000000 console=ttyAMA0 {COMMON}"
    if wide:
        # the linear map in blocks: its tables are no part of the memmap, and fill the log
        arguments += " rodata=off"
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
        (("dtc", "-q", "-O", "dtb", "-o", BLOB, TREE),),
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
    """The same of a zImage, which unpacks itself: four times its size, and room for its tables.

    arch/arm/boot/compressed/head.S: a magic number at 36, then start and end.
    """
    if image[36:40] != b"\x18\x28\x6f\x01":
        return None
    start, end = struct.unpack_from("<II", image, 40)
    return 0, 5 * (end - start) + 32 * MIB


BOARDS = {
    "arm64": Board(
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
    ),
    "arm": Board(
        emulator="qemu-system-arm",
        package="qemu-system-arm",
        debian="armhf",
        userland="bookworm",
        lowest=VIRT_RAM,
        highest=1 << 32,
        edge=1,
        cpu="cortex-a15",
        make=arm,
        header=arm_header,
    ),
}
