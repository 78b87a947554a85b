"""Sizes and lists as figures, captions and answers write them."""

from memmap_atlas.units import UNITS


def size_label(size: float) -> str:
    """Bytes in the unit that keeps the number short: 0, 512 B, 252 KiB, 1.5 MiB."""
    for unit in reversed(UNITS):
        if size >= UNITS[unit]:
            return f"{three_digits(size / UNITS[unit])} {unit}"
    return "0"


def cell_label(size: float) -> str:
    """The same for a cell, with two digits where that is enough: 252K, 1.5M, 34K."""
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
