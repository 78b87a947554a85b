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
COMPILE_TREE = ("dtc", "-q", "-O", "dtb", "-o", BLOB, TREE)
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
        return joined([*moved, *self.always]) if self.always else tuple(moved)


def joined(regions: list[tuple[int, int]]) -> Layout:
    """Regions in address order, those that overlap or touch made one."""
    found: list[tuple[int, int]] = []
    for start, end in sorted(regions):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return tuple(found)


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
    """The same of a zImage, which unpacks itself to where RAM starts: it is put behind that.

    arch/arm/boot/compressed/head.S: a magic number at 36, then start and end.
    """
    if image[36:40] != b"\x18\x28\x6f\x01":
        return None
    start, end = struct.unpack_from("<II", image, 40)
    return 64 * MIB, end - start + 8 * MIB


def pc(board: Board, regions: Layout, payload: Payload, cpu: str) -> Machine:
    """A PC, whose memory map is replaced on the kernel's command line.

    arch/x86/kernel/e820.c: parse_memmap_one(): exactmap drops what the BIOS says, SIZE@START adds
    RAM. The BIOS's machine has RAM from 0 to 3 GiB and on from 4 GiB (hw/i386/pc_piix.c).
    """
    place(regions, [payload.image_size], MIB, payload.text_offset)
    top = regions[-1][1]
    ram = top if top <= 3 * GIB else top - GIB
    ranges = " ".join(f"memmap={end - start:#x}@{start:#x}" for start, end in regions)
    arguments = f"console=ttyS0 earlyprintk=serial,ttyS0,115200 log_buf_len=4M {COMMON} "
    command = [
        *qemu(board, "pc,usb=off", cpu, ram),
        *("-kernel", str(payload.image), "-initrd", str(payload.initrd)),
        *("-append", f"{arguments}memmap=exactmap {ranges}"),
    ]
    return Machine(tuple(command), {})


def pc_header(image: bytes) -> tuple[int, int] | None:
    """Where a bzImage wants to run, and what it takes there.

    Documentation/arch/x86/boot.rst: a magic number at 0x202, pref_address and init_size.
    """
    if image[0x202:0x206] != b"HdrS":
        return None
    place, size = struct.unpack_from("<QI", image, 0x258)
    return place, size


def riscv_tree(regions: Layout) -> str:
    """A device tree of QEMU's riscv virt with the least that firmware and kernel need.

    hw/riscv/virt.c: the addresses. Command line and initramfs are QEMU's to add.
    """
    return f"""/dts-v1/;

/ {{
\t#address-cells = <2>;
\t#size-cells = <2>;
\tcompatible = "riscv-virtio";
\tmodel = "riscv-virtio,qemu";

\tchosen {{
\t\tstdout-path = "/soc/serial@10000000";
\t}};

\tcpus {{
\t\t#address-cells = <1>;
\t\t#size-cells = <0>;
\t\ttimebase-frequency = <10000000>;

\t\tcpu@0 {{
\t\t\tdevice_type = "cpu";
\t\t\treg = <0>;
\t\t\tcompatible = "riscv";
\t\t\triscv,isa = "rv64imafdc_zicsr_zifencei";
\t\t\tmmu-type = "riscv,sv48";

\t\t\tcore: interrupt-controller {{
\t\t\t\t#interrupt-cells = <1>;
\t\t\t\tinterrupt-controller;
\t\t\t\tcompatible = "riscv,cpu-intc";
\t\t\t}};
\t\t}};
\t}};

\tsoc {{
\t\t#address-cells = <2>;
\t\t#size-cells = <2>;
\t\tcompatible = "simple-bus";
\t\tranges;

\t\tclint@2000000 {{
\t\t\tcompatible = "sifive,clint0", "riscv,clint0";
\t\t\treg = <{cells(0x2000000, 0x10000)}>;
\t\t\tinterrupts-extended = <&core 3>, <&core 7>;
\t\t}};

\t\tplic: interrupt-controller@c000000 {{
\t\t\t#address-cells = <0>;
\t\t\t#interrupt-cells = <1>;
\t\t\tinterrupt-controller;
\t\t\tcompatible = "sifive,plic-1.0.0", "riscv,plic0";
\t\t\treg = <{cells(0xC000000, 0x600000)}>;
\t\t\tinterrupts-extended = <&core 11>, <&core 9>;
\t\t\triscv,ndev = <95>;
\t\t}};

\t\tserial@10000000 {{
\t\t\tcompatible = "ns16550a";
\t\t\treg = <{cells(0x10000000, 0x100)}>;
\t\t\tclock-frequency = <3686400>;
\t\t\tinterrupt-parent = <&plic>;
\t\t\tinterrupts = <10>;
\t\t}};
\t}};

{memory_nodes(regions)}}};
"""


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
    """The same of a RISC-V Image, whose header has the form of arm64's.

    Documentation/arch/riscv/boot-image-header.rst: a magic number at 56.
    """
    if image[56:60] != b"RSC\x05":
        return None
    offset, size = struct.unpack_from("<QQ", image, 8)
    return offset, size


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


def pseries(board: Board, regions: Layout, payload: Payload, cpu: str) -> Machine:
    """A pSeries guest: RAM from 0, and memory devices for what lies above a hole.

    hw/ppc/spapr.c: devices are made of blocks of 256 MiB, and lie above RAM. QEMU's own small
    firmware (x-vof) is used; the mitigations that TCG can't have are turned off.
    """
    first, others = regions[0], regions[1:]
    if first[0]:
        raise Refused(f"RAM of this machine starts at 0, and the map at {first[0]:#x}")
    place(regions, [payload.image_size + payload.initrd_size], MIB)
    pages = "cap-hpt-max-page-size=16777216" if "POWER8" in cpu else "cap-ccf-assist=off"
    machine = f"pseries,x-vof=on,cap-cfpc=broken,cap-sbbc=broken,cap-ibs=broken,{pages}"
    command = qemu(board, machine, cpu, first[1])
    at = command.index("-m") + 1
    top = max(regions[-1][1], first[1] + GIB)
    command[at] += f",slots={len(others) + 1},maxmem={-(-top // GIB) * GIB // MIB}M"
    command[command.index("-serial") : command.index("-serial") + 2] = [
        *("-chardev", "stdio,id=console", "-device", "spapr-vty,chardev=console")
    ]
    for number, (start, end) in enumerate(others):
        backend = f"memory-backend-ram,id=more{number},size={end - start},reserve=off"
        command += ["-object", backend]
        command += ["-device", f"pc-dimm,memdev=more{number},addr={start:#x}"]
    command += ["-kernel", str(payload.image), "-initrd", str(payload.initrd)]
    command += ["-append", f"console=hvc0 {COMMON}"]
    return Machine(tuple(command), {})


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


def elf_header(machine: int) -> Callable[[bytes], tuple[int, int] | None]:
    """What an ELF kernel takes in memory, for an architecture by its number (EM_* in elf.h)."""

    def header(image: bytes) -> tuple[int, int] | None:
        if image[:4] != b"\x7fELF" or struct.unpack_from("<H", image, 18)[0] != machine:
            return None
        # up to 64 MiB of vmlinuz unpack themselves behind it
        return 0, 64 * MIB

    return header


# what a PC has below 1 MiB, less its first page, which the kernel leaves alone (trim_bios_range()),
# and room for the kernel; devices lie below 4 GiB, and at the end of a TiB
PC_LOW = ((0x1000, 0x9F000), (MIB, 256 * MIB))
PC_DEVICES = ((0, 0x1000), (0x9F000, MIB), (3 * GIB, 4 * GIB))
DTC = (("dtc", "device-tree-compiler"),)
# where a Malta and a Loongson have devices, between their low RAM and the rest
MALTA_DEVICES, LOONGSON_DEVICES = ((256 * MIB, 0x90000000),), ((240 * MIB, 0x90000000),)

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
        tools=DTC,
    ),
    "arm": Board(
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
        tools=DTC,
    ),
    "x86_64": Board(
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
        devices=PC_DEVICES,
        always=PC_LOW,
    ),
    "i386": Board(
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
        devices=PC_DEVICES,
        always=PC_LOW,
    ),
    "riscv64": Board(
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
        tools=DTC,
    ),
    "mipsel": Board(
        emulator="qemu-system-mipsel",
        package="qemu-system-mips",
        debian="mipsel",
        userland="bookworm",
        lowest=0,
        highest=1 << 32,
        edge=1,
        cpu="24Kc",
        make=malta,
        header=elf_header(8),
        devices=MALTA_DEVICES,
        always=((0, 48 * MIB),),
    ),
    "mips64el": Board(
        emulator="qemu-system-mips64el",
        package="qemu-system-mips",
        debian="mips64el",
        userland="bookworm",
        lowest=0,
        highest=1 << 34,
        edge=1,
        cpu="MIPS64R2-generic",
        make=malta,
        header=elf_header(8),
        devices=LOONGSON_DEVICES,
        always=((0, 128 * MIB),),
    ),
    "powerpc64le": Board(
        emulator="qemu-system-ppc64",
        package="qemu-system-ppc",
        debian="ppc64el",
        userland="bookworm",
        lowest=0,
        highest=1 << 42,
        edge=256 * MIB,
        cpu="POWER9",
        make=pseries,
        header=elf_header(21),
        always=((0, GIB),),
    ),
    "s390x": Board(
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
    ),
}
