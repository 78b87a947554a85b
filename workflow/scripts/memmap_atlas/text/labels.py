"""Sizes and lists as figures, captions and answers write them."""

from memmap_atlas.text.units import UNITS, size_text


def size_label(size: float) -> str:
    """Bytes in the unit that keeps the number short: 0, 512 B, 252 KiB, 1.5 MiB."""
    for unit in reversed(UNITS):
        if size >= UNITS[unit]:
            return f"{three_digits(size / UNITS[unit])} {unit}"
    return "0"


def cell_label(size: float) -> str:
    """Bytes for a cell, with two digits where that is enough: 252K, 1.5M, 34K."""
    for unit in reversed(UNITS):
        value = size / UNITS[unit]
        # 1000K needs a place more than 1M
        if value >= 0.9765 or (unit == "B" and size):
            text = f"{value:.0f}" if value >= 9.95 else f"{value:.1f}".removesuffix(".0")
            return text + unit.removesuffix("iB")
    return "0"


def three_digits(value: float) -> str:
    """A number below 1024 with up to three digits."""
    text = (
        f"{value:.0f}" if value >= 99.95 else f"{value:.1f}" if value >= 9.995 else f"{value:.2f}"
    )
    return text.rstrip("0").rstrip(".") if "." in text else text


def listed(words: list[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if words[1:] else words)


def amount(size: int) -> str:
    """Bytes, and the same rounded to a short number: 2,359,232 bytes (2.25 MiB)."""
    plain = f"{size:,} bytes"
    return plain if size < UNITS["KiB"] else f"{plain} ({size_label(size)})"


def range_text(ends: tuple[int, int]) -> str:
    """A range of addresses: [0x60000000, 0x80000000)."""
    return f"[{ends[0]:#x}, {ends[1]:#x})"


def short(size: int) -> str:
    """Bytes in the largest unit that keeps them whole: 512 MiB, 2,044 KiB, 12 bytes."""
    unit = size_text(size).lstrip("0123456789")
    return f"{size // UNITS[unit]:,} {'bytes' if unit == 'B' else unit}"


def exact(size: int) -> str:
    """Bytes, and the same in the largest unit that keeps them whole: 8,388,608 bytes (8 MiB)."""
    plain = f"{size:,} bytes"
    return plain if size % UNITS["KiB"] or not size else f"{plain} ({short(size)})"
