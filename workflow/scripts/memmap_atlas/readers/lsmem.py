"""``lsmem --json`` of util-linux: the memory blocks of sysfs, those that lie side by side as one.

A memory block is one section or several (drivers/base/memory.c): what is smaller, a hole or the end
of RAM inside a block, does not show.
"""

import json
import re
from collections.abc import Sequence
from typing import Any, NoReturn

from memmap_atlas.readers.memory_map import (
    MOST_BANKS,
    Bank,
    KernelHints,
    MemoryMap,
    Unreadable,
    memory_map,
)

JSON = re.compile(rb'^(?:\xef\xbb\xbf)?\s*(?:\{\s*["}]|\[\s*["{\]])')
RANGE = re.compile(r"^0x([0-9a-f]{1,16})-0x([0-9a-f]{1,16})$")
BLOCKS = re.compile(r"^(\d{1,12})(?:-(\d{1,12}))?$")
# of lsmem, with some to come
MOST_COLUMNS = 16
HOW = "give what `lsmem --json -o RANGE,SIZE,STATE,BLOCK,NODE` prints"
ONLINE, OFFLINE = "online", "offline"


def is_kind(head: bytes) -> bool:
    """Detect JSON: no other format is, but a log can begin with a line of JSON, or have all its
    lines so (journalctl -o json).
    """
    if not JSON.match(head):
        return False
    first, _, rest = head.strip().partition(b"\n")
    whole = all(first.count(low) == first.count(high) for low, high in ((b"{", b"}"), (b"[", b"]")))
    return not (whole and rest)


def read(data: bytes) -> MemoryMap:
    """Return the memory of the ranges, in whole blocks.

    An offline block counts: memory that was added has its sections and their struct pages whether
    it is online or not (mm/memory_hotplug.c: add_memory_resource()). s390 from 6.8 on is different:
    standby memory holds its own struct pages, from when it is set online
    (MHP_OFFLINE_INACCESSIBLE); so offline blocks are noted. Memory that s390 has not configured
    (column CONFIGURED) is not known to the kernel and is left out.
    """
    text = decoded(data)
    memory = ranges_of(text)
    banks: list[Bank] = []
    sizes: set[int] = set()
    offline = absent = strange = 0
    line, at = 1, 0
    for entry in memory:
        first, last = range_of(entry, line)
        offset = text.find(entry["range"], at)
        if offset >= 0:
            line += text.count("\n", at, offset)
            at = offset
        note_block_size(entry, first, last, sizes, line)
        if entry.get("configured") in (False, "no"):
            absent += 1
            continue
        state = entry.get("state")
        offline += state == OFFLINE
        strange += state not in (None, ONLINE, OFFLINE)
        banks.append(Bank(first, last + 1, line, node=node_of(entry, line)))
    notes = [
        "whole memory blocks only: holes and ends of RAM inside of a block do not show, so the "
        "memory may be less and the waste more"
    ]
    if offline:
        notes.append(
            f"{offline} ranges are offline and count: memory that was added keeps its struct pages "
            "(but s390's standby memory from 6.8 on, which has none until it is online)"
        )
    if strange:
        notes.append(f"{strange} ranges are neither online nor offline, and count")
    if absent:
        notes.append(f"{absent} ranges are not configured and are left out")
    if not any("state" in entry for entry in memory):
        notes.append("it does not say what is online (column STATE): all ranges count")
    return memory_map(
        "lsmem --json",
        banks,
        "line",
        overlaps="refuse",
        hints=KernelHints(block_size=sizes.pop() if len(sizes) == 1 else None),
        notes=notes,
    )


def decoded(data: bytes) -> str:
    """Decode a file. Raises Unreadable where it holds more values than lsmem can have written, so
    that the parsed document stays small.
    """
    if data.count(b"{") + data.count(b"[") > MOST_BANKS + 2:
        raise Unreadable(f"has more than {MOST_BANKS:,} ranges")
    if data.count(b",") > (MOST_BANKS + 1) * MOST_COLUMNS:
        raise Unreadable(f"has more values than {MOST_BANKS:,} ranges can have")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable(
            f"is no text in UTF-8, as JSON has to be: byte {data[error.start]:#04x}",
            offset=error.start,
        ) from error


def ranges_of(text: str) -> list[dict[str, Any]]:
    """Return the list "memory", each element an object. Raises Unreadable."""
    try:
        document = json.loads(text, object_pairs_hook=without_repetition)
    except json.JSONDecodeError as error:
        raise Unreadable(
            f"is no JSON: {error.msg} at column {error.colno}; {HOW}", line=error.lineno
        ) from error
    except RecursionError as error:
        raise Unreadable("is nested deeper than lsmem ever nests (memory, range)") from error
    except ValueError as error:
        # a number of thousands of digits
        raise Unreadable(f"is no JSON of lsmem: {str(error)[:100]}") from error
    if not isinstance(document, dict) or not isinstance(document.get("memory"), list):
        raise Unreadable(f'is JSON, but has no list "memory" as lsmem has: {HOW}')
    memory: list[dict[str, Any]] = document["memory"]
    if not memory:
        raise Unreadable('the list "memory" is empty: lsmem saw no memory blocks')
    if not all(isinstance(entry, dict) for entry in memory):
        raise Unreadable('the list "memory" has something else than objects: ' + HOW)
    return memory


def without_repetition(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Return a mapping. Raises Unreadable where a key is repeated."""
    mapping: dict[str, Any] = {}
    for key, value in pairs:
        if key in mapping:
            raise Unreadable(f'the key "{key[:40]}" stands twice in one object')
        mapping[key] = value
    return mapping


def range_of(entry: dict[str, Any], line: int) -> tuple[int, int]:
    """Return first and last byte of an element. Raises Unreadable."""
    shown = entry.get("range")
    if shown is None:
        raise Unreadable(
            f'a range has no "range" (columns {", ".join(entry)[:60]}): {HOW}', line=line
        )
    match = RANGE.match(shown) if isinstance(shown, str) else None
    if not match:
        raise Unreadable(
            f"the range is {json.dumps(shown)[:60]}: it would be "
            '"0x0000000000000000-0x0000000007ffffff"',
            line=line,
        )
    first, last = int(match[1], 16), int(match[2], 16)
    if last < first:
        raise Unreadable(f"the range {shown} ends before it starts", line=line)
    return first, last


def note_block_size(
    entry: dict[str, Any], first: int, last: int, sizes: set[int], line: int
) -> None:
    """Note the block size of an element with block numbers. Raises Unreadable where they contradict
    its range.
    """
    shown = entry.get("block")
    if shown is None:
        return

    def refuse(text: str) -> NoReturn:
        raise Unreadable(f"block {json.dumps(shown)[:40]} of {entry['range']}: {text}", line=line)

    match = BLOCKS.match(str(shown)) if isinstance(shown, str | int) else None
    if not match:
        refuse('it would be a number or two, as in "8-15"')
    low = int(match[1])
    count = int(match[2] or match[1]) - low + 1
    size = (last + 1 - first) // max(count, 1)
    if count < 1 or size * count != last + 1 - first or low * size != first:
        refuse("these blocks are not that range")
    if size & (size - 1):
        refuse(f"blocks of {size:,} bytes, which is no power of two")
    sizes.add(size)
    if len(sizes) > 1:
        refuse(f"blocks of {size:,} bytes, and before of {min(sizes - {size}):,}")


def node_of(entry: dict[str, Any], line: int) -> int | None:
    """Return the node of an element, None where it has none. Raises Unreadable."""
    shown = entry.get("node")
    if shown is None or shown == "":
        return None
    if isinstance(shown, str) and re.fullmatch(r"\d{1,6}", shown):
        return int(shown)
    if isinstance(shown, int) and not isinstance(shown, bool) and -1 <= shown < 1 << 20:
        return shown if shown >= 0 else None
    raise Unreadable(f"the node is {json.dumps(shown)[:40]}: it would be a number", line=line)
