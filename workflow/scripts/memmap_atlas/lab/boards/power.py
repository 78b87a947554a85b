"""Power: a pSeries guest with memory devices."""

from memmap_atlas.lab.boards.base import (
    COMMON,
    GIB,
    MIB,
    Board,
    Machine,
    Payload,
    Refused,
    elf_header,
    place,
    qemu,
)
from memmap_atlas.memmodel.regions import Layout

EM_PPC64 = 21


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


POWERPC64LE = Board(
    emulator="qemu-system-ppc64",
    package="qemu-system-ppc",
    debian="ppc64el",
    userland="bookworm",
    lowest=0,
    highest=1 << 42,
    edge=256 * MIB,
    cpu="POWER9",
    make=pseries,
    header=elf_header(EM_PPC64),
    always=((0, GIB),),
)
