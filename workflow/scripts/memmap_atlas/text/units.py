"""Sizes as people write them: 64MiB, 4KiB, 0x1000."""

import re

UNITS = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}
SIZE = re.compile(r"^(0|[1-9][0-9]*)(B|KiB|MiB|GiB|TiB)$")


def parse_size(value: int | str) -> int:
    """Bytes of ``64MiB`` or of a plain number of bytes.

    Raises ValueError for any other text.
    """
    if not isinstance(value, str):
        return int(value)
    match = SIZE.match(value)
    if match is None:
        raise ValueError(
            f"invalid size {value!r}: expected a number and B, KiB, MiB, GiB or TiB, as in 64MiB"
        )
    return int(match[1]) * UNITS[match[2]]


def size_text(size: int) -> str:
    """``size`` bytes in the largest unit that keeps it whole: 512MiB, 1536MiB, 0B."""
    unit = max((unit for unit in UNITS if size % UNITS[unit] == 0), key=UNITS.__getitem__)
    return f"{size // UNITS[unit]}{unit}" if size else "0B"
