"""Settings of hypothesis, and mutations of valid files: a reader must answer each with a map or a
clear message.
"""

import os
import re
from collections.abc import Callable, Sequence

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

# what lies on an edge of some width, or just beside it
EDGES = sorted(
    {
        edge + step
        for bits in (0, 8, 16, 31, 32, 48, 57, 63, 64)
        for edge in [1 << bits]
        for step in (-1, 0, 1)
    }
    | {0, 1 << 128}
)
NUMBER = re.compile(rb"0[xX][0-9a-fA-F]+|\b[0-9a-fA-F]{8,16}\b|\d+")
LARGEST_CHUNK = 512
Mutation = tuple[int, int, int, int, bytes]


def fuzz_examples() -> int:
    """Return the number of inputs of a fuzz test: ATLAS_FUZZ of the environment, or 200."""
    return int(os.environ.get("ATLAS_FUZZ", "200"))


def checked(examples: int) -> settings:
    """Return a decorator for a test of ``examples`` examples, the same in every run.

    ATLAS_EXAMPLES of the environment is the share of them to try: `make mutation` runs each test
    hundreds of times.
    """
    share = float(os.environ.get("ATLAS_EXAMPLES", "1"))
    return settings(
        max_examples=max(1, round(examples * share)),
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


FUZZ = checked(fuzz_examples())


def flip(data: bytes, at: int, other: int, size: int, new: bytes) -> bytes:
    """One bit the other way."""
    return data[:at] + bytes([data[at] ^ 1 << (size & 7)]) + data[at + 1 :] if data else data


def overwrite(data: bytes, at: int, other: int, size: int, new: bytes) -> bytes:
    """Some bytes are others."""
    return data[:at] + new + data[at + len(new) :]


def insert(data: bytes, at: int, other: int, size: int, new: bytes) -> bytes:
    """Some bytes more."""
    return data[:at] + new + data[at:]


def delete(data: bytes, at: int, other: int, size: int, new: bytes) -> bytes:
    """A chunk is missing."""
    return data[:at] + data[at + size :]


def truncate(data: bytes, at: int, other: int, size: int, new: bytes) -> bytes:
    """The end is missing."""
    return data[:at]


def duplicate(data: bytes, at: int, other: int, size: int, new: bytes) -> bytes:
    """A chunk is copied to a second place."""
    return data[:other] + data[at : at + size] + data[other:]


def repeat(data: bytes, at: int, other: int, size: int, new: bytes) -> bytes:
    """A chunk is repeated many times."""
    size = min(size, 64)
    return data[:at] + data[at : at + size] * (other % 64) + data[at + size :]


def edge_number(data: bytes, at: int, other: int, size: int, new: bytes) -> bytes:
    """The next number in the text is one on an edge, in its base."""
    found = NUMBER.search(data, at) or NUMBER.search(data)
    if not found:
        return data
    edge = EDGES[other % len(EDGES)]
    if found[0][:2] in (b"0x", b"0X"):
        text = f"{edge:#x}"
    else:
        text = f"{edge:x}" if size & 1 and len(found[0]) >= 8 else f"{edge}"
    return data[: found.start()] + text.encode() + data[found.end() :]


def edge_word(data: bytes, at: int, other: int, size: int, new: bytes) -> bytes:
    """An aligned big-endian word of 4 or 8 bytes is a number on an edge."""
    width = 4 if size & 1 else 8
    edge = EDGES[other % len(EDGES)] % (1 << (8 * width))
    at -= at % 4
    return data[:at] + edge.to_bytes(width, "big") + data[at + width :]


def copy_word(data: bytes, at: int, other: int, size: int, new: bytes) -> bytes:
    """An aligned word of 4 bytes is the same as another one."""
    at, other = at - at % 4, other - other % 4
    return data[:at] + data[other : other + 4] + data[at + 4 :]


MUTATIONS: tuple[Callable[[bytes, int, int, int, bytes], bytes], ...] = (
    flip,
    overwrite,
    insert,
    delete,
    truncate,
    duplicate,
    repeat,
    edge_number,
    edge_word,
    copy_word,
)


def mutated(valid: Sequence[bytes], most: int = 6) -> st.SearchStrategy[bytes]:
    """One of some files, as it is or after up to ``most`` mutations."""
    place = st.integers(0, max(map(len, valid)))
    mutation = st.tuples(
        st.integers(0, len(MUTATIONS) - 1),
        place,
        place,
        st.integers(0, LARGEST_CHUNK),
        st.binary(max_size=16),
    )
    mutations = st.lists(mutation, max_size=most)
    return st.builds(mutate, st.sampled_from(list(valid)), mutations)


def mutate(data: bytes, mutations: Sequence[Mutation]) -> bytes:
    """A file after some mutations, one after the other; places wrap around."""
    for which, at, other, size, new in mutations:
        wrap = max(len(data), 1)
        data = MUTATIONS[which](data, at % wrap, other % wrap, size, new)
    return data
