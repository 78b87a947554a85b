"""Hold requirements.lock to known vulnerabilities, without a network.

    python -m tests.tools.audit <folder of advisories> [lock]

The advisories are files in the OSV format, .yaml or .json, as the Python Packaging Authority keeps
them in its advisory database. Exit code 0: no version of the lock is named by one; 1: some are; 2:
nothing could be compared.
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from packaging.version import InvalidVersion, Version

from tests.tools.paths import ROOT

LOCK = ROOT / "requirements.lock"
PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;]+)")
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Audit:
    """Result of an audit.

    pins, advisories: number of pinned packages, and of advisories read
    about: advisories about a package of the lock, whatever its version
    newest: date of the newest change of an advisory
    found: (package, version, advisory, fixed in) of each match
    """

    pins: int
    advisories: int
    about: int
    newest: str
    found: tuple[tuple[str, str, str, str], ...]


def normal(name: str) -> str:
    """A package's name as all of its spellings have it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(lock: Path) -> list[tuple[str, str]]:
    """Return package and version of each line of a lock; a package can have several lines, each for
    other machines.
    """
    matches = map(PIN.match, lock.read_text(encoding="utf-8").splitlines())
    return [(normal(match["name"]), match["version"]) for match in matches if match]


def advisories(folder: Path) -> Iterator[dict[str, Any]]:
    """Every advisory below a folder that was not taken back."""
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".yaml", ".json") and path.is_file():
            text = path.read_text(encoding="utf-8")
            found = json.loads(text) if path.suffix == ".json" else yaml.load(text, Loader=LOADER)
            if isinstance(found, dict) and "affected" in found and not found.get("withdrawn"):
                yield found


def spans(affected: Mapping[str, Any]) -> Iterator[tuple[str, str, bool]]:
    """From which version to which an advisory is about, and whether the last is one of them; "" is
    no end.
    """
    for span in affected.get("ranges", ()):
        if span["type"] != "ECOSYSTEM":
            continue
        first = None
        for event in span["events"]:
            if "introduced" in event:
                first = event["introduced"]
            elif first is not None and ("fixed" in event or "last_affected" in event):
                yield first, event.get("fixed", event.get("last_affected")), "fixed" not in event
                first = None
        if first is not None:
            yield first, "", False


def fixed_in(version: str, affected: Mapping[str, Any]) -> str | None:
    """In which version it is mended what ``version`` has, "" in none; None where it has it not."""
    mine = Version(version)
    for first, last, included in spans(affected):
        try:
            ended = last and (mine > Version(last) if included else mine >= Version(last))
            if mine >= Version(first) and not ended:
                return "" if included else last
        except InvalidVersion:
            continue
    return "" if version in affected.get("versions", ()) else None


def audit(lock: Path, folder: Path) -> Audit:
    """Every pin of the lock against every advisory."""
    locked = pins(lock)
    count, about, newest = 0, 0, ""
    found = []
    for advisory in advisories(folder):
        count += 1
        newest = max(newest, str(advisory.get("modified", "")))
        concerns = False
        for affected in advisory["affected"]:
            package = affected.get("package", {})
            for name, version in locked:
                if package.get("ecosystem") == "PyPI" and normal(package["name"]) == name:
                    concerns = True
                    fixed = fixed_in(version, affected)
                    if fixed is not None:
                        found.append((name, version, advisory["id"], fixed))
        about += concerns
    return Audit(len(locked), count, about, newest, tuple(dict.fromkeys(found)))


def main(given: list[str]) -> int:
    """Audit what the command line names."""
    if not 1 <= len(given) <= 2 or not Path(given[0]).is_dir():
        print(__doc__, file=sys.stderr)
        return 2
    told = audit(Path(given[1]) if len(given) > 1 else LOCK, Path(given[0]))
    if not told.advisories or not told.pins:
        print("no advisory, or no pin: nothing was compared", file=sys.stderr)
        return 2
    for name, version, advisory, fixed in told.found:
        print(f"{name} {version}: {advisory}, fixed in {fixed or 'no version'}")
    print(
        f"{told.pins} pins, {told.advisories:,} advisories up to {told.newest[:10]}, "
        f"{told.about} of them about a package of the lock: {len(told.found)} apply"
    )
    return 1 if told.found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
