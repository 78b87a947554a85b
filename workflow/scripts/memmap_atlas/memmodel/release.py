"""Releases of the kernel as ordered values, and the changes that rules depend on."""

import re
from dataclasses import dataclass
from typing import Self

RELEASE = re.compile(r"(\d{1,3})\.(\d{1,3})(?!\d)(?:\.(\d{1,4})(?!\d))?")


@dataclass(frozen=True, order=True)
class Release:
    """Release 6.12.95 as (6, 12, 95), ordered; ``patch`` is 0 where the text has no third number.

    A suffix is ignored, of a distribution (5.10.0-30-arm64) as of a release candidate: 6.1-rc3 has
    what the merge window of 6.1 brought, and counts as 6.1.
    """

    major: int
    minor: int
    patch: int = 0

    @classmethod
    def parse(cls, text: str | None) -> Self | None:
        """Return the release that ``text`` begins with, None where it does not begin with one."""
        match = RELEASE.match(text or "")
        return cls(int(match[1]), int(match[2]), int(match[3] or 0)) if match else None

    @property
    def series(self) -> "Release":
        """Release without its patch level, as stable trees are called: 6.12 of 6.12.95."""
        return Release(self.major, self.minor)

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}" + (f".{self.patch}" if self.patch else "")


# where no release is known: older than every other
UNKNOWN = Release(0, 0)


@dataclass(frozen=True)
class Change:
    """Commit that changed a rule: the first release that has it, its hash and its subject."""

    since: Release
    commit: str
    subject: str
