"""The userland of a lab machine: busybox and an init that shows what the kernel says of itself."""

from pathlib import Path

from memmap_atlas.lab.memblock_log import BEGIN, END

FILES = (
    "/proc/version",
    "/proc/cmdline",
    "/proc/vmstat",
    "/proc/zoneinfo",
    "/proc/pagetypeinfo",
    "/proc/iomem",
    "/sys/devices/system/memory/block_size_bytes",
    "/sys/kernel/debug/memblock/memory",
    "/sys/kernel/debug/memblock/reserved",
)
PAGE_TABLES = "/sys/kernel/debug/kernel_page_tables"
# kernel_page_tables is long: what maps the vmemmap is shown alone, with its markers
INIT = f"""#!/bin/busybox sh
b=/bin/busybox
$b mount -t proc proc /proc
$b mount -t sysfs sysfs /sys
$b mount -t debugfs debugfs /sys/kernel/debug
$b echo 1 > /proc/sys/kernel/printk
$b echo
$b echo "{BEGIN}"
for f in {" ".join(FILES)}; do
    [ -r $f ] && $b echo "==> $f <==" && $b cat $f
done
if [ -r {PAGE_TABLES} ]; then
    $b echo "==> {PAGE_TABLES} <=="
    $b sed -n '/---\\[ vmemmap/,/---\\[ /p' {PAGE_TABLES}
fi
if [ -r /proc/kcore ]; then
    $b echo "==> vmcoreinfo <=="
    $b dd if=/proc/kcore bs=4096 count=8 2>/dev/null | $b strings | $b grep '^[A-Z].*='
fi
$b echo "{END}"
$b poweroff -f
$b reboot -f
"""
DIRECTORY, FILE, DEVICE = 0o040755, 0o100755, 0o020600


def initramfs(busybox: Path) -> bytes:
    """A cpio archive with busybox, the init, and a console: what a kernel unpacks as its root.

    Documentation/driver-api/early-userspace/buffer-format.rst: the newc form.
    """
    entries: list[tuple[str, int, bytes, tuple[int, int]]] = [
        *((name, DIRECTORY, b"", (0, 0)) for name in ("bin", "dev", "proc", "sys")),
        ("dev/console", DEVICE, b"", (5, 1)),
        ("bin/busybox", FILE, busybox.read_bytes(), (0, 0)),
        ("init", FILE, INIT.encode(), (0, 0)),
        ("TRAILER!!!", 0, b"", (0, 0)),
    ]
    archive = b""
    for number, (name, mode, data, device) in enumerate(entries, start=1):
        path = name.encode() + b"\0"
        values = (number, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(path), 0)
        header = b"070701" + b"".join(b"%08X" % value for value in values) + path
        archive += padded(padded(header) + data)
    return archive


def padded(data: bytes) -> bytes:
    """``data`` filled up to a multiple of four bytes."""
    return data + b"\0" * (-len(data) % 4)
