"""Device trees that tell a kernel of just the RAM that a map has."""

from memmap_atlas.memmodel.regions import Layout

TREE, BLOB = "machine.dts", "machine.dtb"
COMPILE_TREE = ("dtc", "-q", "-O", "dtb", "-o", BLOB, TREE)
COMPILER = ("dtc", "device-tree-compiler")


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
