"""The machines that QEMU makes, one kind for each architecture, by the kernel's name of it."""

from memmap_atlas.lab.boards.arm import ARM, ARM64
from memmap_atlas.lab.boards.mips import MIPS64EL, MIPSEL
from memmap_atlas.lab.boards.pc import I386, X86_64
from memmap_atlas.lab.boards.power import POWERPC64LE
from memmap_atlas.lab.boards.riscv import RISCV64
from memmap_atlas.lab.boards.s390 import S390X

BOARDS = {
    "arm64": ARM64,
    "arm": ARM,
    "x86_64": X86_64,
    "i386": I386,
    "riscv64": RISCV64,
    "mipsel": MIPSEL,
    "mips64el": MIPS64EL,
    "powerpc64le": POWERPC64LE,
    "s390x": S390X,
}
