"""Check of memory maps against a bound, as lines of text and as a SARIF 2.1.0 log.

SARIF is the "Static Analysis Results Interchange Format", an OASIS standard; sections of it are
named where a choice rests on them.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote_from_bytes

from memmap_atlas import __version__
from memmap_atlas.documents.errors import InputError
from memmap_atlas.memmodel.cost import cost
from memmap_atlas.memmodel.feasibility import FEASIBLE, infeasible
from memmap_atlas.memmodel.kernel import Kernel
from memmap_atlas.memmodel.models import MODELS
from memmap_atlas.memmodel.regions import Regions
from memmap_atlas.memmodel.waste import Finding, waste_findings
from memmap_atlas.readers.memory_map import MemoryMap
from memmap_atlas.text.escape import plain_file
from memmap_atlas.text.labels import amount, range_text, short
from memmap_atlas.text.units import parse_size, size_text

# of the regions in a section these are named, the others counted
MOST_REGIONS = 3


@dataclass(frozen=True)
class Bound:
    """Most that a map may waste: bytes, or a share of what it needs, in per cent."""

    text: str
    size: int = 0
    percent: Fraction | None = None

    @classmethod
    def of(cls, text: str) -> "Bound":
        """Parse a bound: 1MiB, 0B, 5%, 0.5%.

        Raises ValueError where the text is invalid.
        """
        number = text.removesuffix("%")
        if number == text:
            return cls(text, parse_size(text))
        try:
            if not number.isascii() or not number.replace(".", "", 1).isdigit():
                raise ValueError
            return cls(text, percent=Fraction(number))
        except ValueError:
            raise ValueError(
                f"invalid bound {text!r}: expected a size as in 1MiB, or per cent of what is "
                "needed as in 5%"
            ) from None

    def allowed(self, needed: int) -> int:
        """Return the bound in bytes for a map that needs ``needed`` bytes."""
        return self.size if self.percent is None else int(self.percent * needed / 100)

    def words(self, needed: int) -> str:
        """Write the bound for a verdict."""
        if self.percent is None:
            return f"at most {short(self.size)} is allowed"
        bytes_allowed = f"{self.allowed(needed):,} bytes"
        return f"at most {self.text} of what is needed, {bytes_allowed}, is allowed"


@dataclass(frozen=True)
class Checked:
    """Conditions of a check; ``kernel`` has the section size that is asked for."""

    name: str
    kernel: Kernel
    model: str
    bound: Bound

    def __str__(self) -> str:
        """Kernel, model and section size in words."""
        sections = f", {short(self.kernel.section_size)} sections"
        return f"{self.name} ({self.model}{sections if MODELS[self.model].has_sections else ''})"


@dataclass(frozen=True)
class Verdict:
    """Result of the check of one file.

    file: name as given
    sha256: digest of its bytes
    reason: the rule that forbids the map, and the rest is empty; "" where none does
    needed, wasted: bytes of memmap
    findings: where memmap is wasted, most bytes first
    """

    file: str
    sha256: str
    memory: MemoryMap
    under: Checked
    reason: str
    needed: int
    wasted: int
    findings: tuple[Finding, ...]

    @property
    def passes(self) -> bool:
        """True where no rule forbids the map and it stays within the bound."""
        return not self.reason and self.wasted <= self.under.bound.allowed(self.needed)


def verdict_on(file: str, sha256: str, memory: MemoryMap, under: Checked) -> Verdict:
    """Check one memory map."""
    layout = Regions.of([memory.regions])
    reason = str(infeasible(layout, under.kernel, under.model)[0])
    if reason != FEASIBLE:
        return Verdict(file, sha256, memory, under, reason, 0, 0, ())
    result = cost(layout, under.kernel, under.model)
    findings = waste_findings(memory.regions, under.kernel, under.model)
    needed, wasted = int(result.needed[0]), int(result.wasted[0])
    return Verdict(file, sha256, memory, under, reason, needed, wasted, tuple(findings))


# --- text -----------------------------------------------------------------------------------------


def lines_of(verdict: Verdict, most: int) -> list[str]:
    """Return a line for each of the ``most`` first findings, and the verdict."""
    file = plain_file(verdict.file)
    lines = [f"{file}: {finding_text(finding, verdict)}" for finding in verdict.findings[:most]]
    left = verdict.findings[most:]
    if left:
        some = "1 more finding" if len(left) == 1 else f"{len(left):,} more findings"
        size = sum(finding.wasted for finding in left)
        lines.append(f"{file}: {some} of {size:,} bytes in all")
    return [*lines, f"{file}: {closing(verdict)}"]


def finding_text(finding: Finding, verdict: Verdict) -> str:
    """Write a finding, without its file."""
    regions = [range_text(verdict.memory.regions[number]) for number in finding.regions]
    kept = f"{finding.wasted:,} bytes of struct pages are kept for what is no RAM"
    where = "" if finding.start is None else range_text((finding.start, finding.end or 0))
    if finding.kind == "section":
        named = ", ".join(regions[:MOST_REGIONS])
        if len(regions) > MOST_REGIONS:
            named += f" and {len(regions) - MOST_REGIONS:,} more"
        covers = f"region {named} covers" if len(regions) == 1 else f"regions {named} cover"
        return f"section {finding.number} {where}: {covers} {short(finding.ram)} of it; {kept}"
    if finding.kind == "hole":
        return f"hole {where} between regions {' and '.join(regions)}: {kept}"
    if finding.kind == "edge":
        low = (finding.start or 0) < verdict.memory.regions[finding.regions[0]][0]
        return f"{where} {'below' if low else 'above'} the region {regions[0]}: {kept}"
    return f"{finding.wasted:,} bytes are no struct page: {rounded_by(verdict.under)}"


def rounded_by(under: Checked) -> str:
    """Name what a model rounds its memmap up to."""
    model = MODELS[under.model]
    if model.counts_regions:
        return "the arrays of regions that lie close hold the same pages twice"
    if model.leaf:
        leaf = model.leaf_size(under.kernel)
        return f"the memmap is mapped in whole leaves of {short(leaf)}"
    return f"the array of each section takes whole pages of {short(under.kernel.page_size)}"


def closing(verdict: Verdict) -> str:
    """Write the verdict in one line, without its file."""
    if verdict.reason:
        return f"FAILS: {verdict.under} forbids this map: {verdict.reason}"
    word = "passes" if verdict.passes else "FAILS"
    return (
        f"{word}: wastes {amount(verdict.wasted)} of memmap under {verdict.under}; "
        f"{verdict.under.bound.words(verdict.needed)}"
    )


# --- SARIF ----------------------------------------------------------------------------------------

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
# what paths of files start from: the folder in which the check ran (3.14.14)
FOLDER = "%SRCROOT%"
Rule = Literal["bound", "forbidden", "section", "hole", "edge", "rounding"]
# of each rule: its name, what it finds, the same at length, and what helps
RULES: dict[Rule, tuple[str, str, str, str]] = {
    "bound": (
        "MemmapBound",
        "The map wastes more memmap than is allowed.",
        "The kernel keeps struct pages for addresses without RAM, or rounds the memmap up, by more "
        "bytes than the bound of the check.",
        "See the other results of this file for the places. Move the edges of RAM there to "
        "multiples of a section, give up slivers of RAM, choose another section size, or raise the "
        "bound.",
    ),
    "forbidden": (
        "MapForbidden",
        "A rule of the kernel forbids the map.",
        "The kernel can't be built or run with this map, memory model and section size.",
        "The message names the rule. Choose another kernel, model or section size, or lower the "
        "end of RAM.",
    ),
    "section": (
        "SectionPartlyRam",
        "A section has struct pages for what is no RAM.",
        "A section is present as soon as it holds a page of RAM, and then has struct pages for all "
        "of its pages, RAM or not.",
        "Let RAM begin and end on multiples of the section size, or not reach into the section.",
    ),
    "hole": (
        "HoleBacked",
        "A hole has struct pages.",
        "Models without sections have one array of struct pages over RAM and the holes in it.",
        "Make the hole smaller, or choose a model with sections.",
    ),
    "edge": (
        "EdgeBacked",
        "Struct pages are kept beyond the first or the last page of RAM.",
        "Models without sections round their array out to MAX_ORDER blocks.",
        "Let RAM begin and end on multiples of a MAX_ORDER block.",
    ),
    "rounding": (
        "MemmapRounded",
        "The memmap is larger than its struct pages.",
        "Leaves of the vmemmap, pages and arrays are taken whole.",
        "Let the struct pages of RAM fill whole leaves: move RAM to multiples of what one maps.",
    ),
}


def sarif(
    verdicts: Sequence[Verdict], unread: Sequence[tuple[str, InputError]], exit_code: int
) -> dict[str, Any]:
    """Return the SARIF log of a check, for json.dump.

    A file that fails has a result of level "error" for its bound, or for the rule that forbids it,
    and one of level "warning" for each finding; a file that passes has none. A file that can't be
    read is no result but an error of the run (3.20.21), which then was not successful.
    """
    rules = [
        {
            "id": f"memmap/{rule}",
            "name": name,
            "shortDescription": {"text": brief},
            "fullDescription": {"text": full},
            "help": {"text": cure},
            "defaultConfiguration": {
                "level": "error" if rule in ("bound", "forbidden") else "warning"
            },
        }
        for rule, (name, brief, full, cure) in RULES.items()
    ]
    artifacts = [
        {"location": location(verdict.file), "hashes": {"sha-256": verdict.sha256}}
        for verdict in verdicts
    ]
    invocation: dict[str, Any] = {"executionSuccessful": not unread, "exitCode": exit_code}
    if unread:
        invocation["toolExecutionNotifications"] = [
            {
                "level": "error",
                "message": {"text": str(error)},
                "locations": [{"physicalLocation": {"artifactLocation": location(file)}}],
            }
            for file, error in unread
        ]
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "memmap-atlas",
                        "version": __version__,
                        "semanticVersion": __version__,
                        "rules": rules,
                    }
                },
                "invocations": [invocation],
                "originalUriBaseIds": {
                    FOLDER: {"description": {"text": "the folder in which the check ran"}}
                },
                "artifacts": artifacts,
                "results": [entry for verdict in verdicts for entry in results_of(verdict)],
            }
        ],
    }


def results_of(verdict: Verdict) -> list[dict[str, Any]]:
    """Return the results of one file, none where it passes."""
    if verdict.passes:
        return []
    rule: Rule = "forbidden" if verdict.reason else "bound"
    text = closing(verdict).removeprefix("FAILS: ")
    results = [result(verdict, rule, "error", text, (), "")]
    for finding in verdict.findings:
        text = finding_text(finding, verdict)
        at = "" if finding.start is None else f"{finding.start:x}-{finding.end:x}"
        results.append(result(verdict, finding.kind, "warning", text, finding.regions, at))
    return results


def result(
    verdict: Verdict,
    rule: Rule,
    level: str,
    text: str,
    regions: Sequence[int],
    at: str,
) -> dict[str, Any]:
    """Return one result, at the place of its first region in the file; ``at`` separates it from
    others of its rule.

    The fingerprint has nothing of the line or offset, so that a result is known again when the
    file changes elsewhere (3.27.17).
    """
    physical: dict[str, Any] = {"artifactLocation": location(verdict.file)}
    if regions:
        memory = verdict.memory
        field = "startLine" if memory.unit == "line" else "byteOffset"
        physical["region"] = {field: memory.places[regions[0]]}
    under = verdict.under
    section = size_text(under.kernel.section_size) if MODELS[under.model].has_sections else ""
    same = "\n".join([rule, verdict.file, under.name, under.model, section, at])
    return {
        "ruleId": f"memmap/{rule}",
        "ruleIndex": list(RULES).index(rule),
        "level": level,
        "message": {"text": f"{text[:1].upper()}{text[1:]}."},
        "locations": [{"physicalLocation": physical}],
        "partialFingerprints": {
            "memmapFinding/v1": hashlib.sha256(same.encode(errors="surrogateescape")).hexdigest()
        },
    }


def location(file: str) -> dict[str, str]:
    """Return an artifactLocation, relative to the folder of the check for files in it (3.4.4).

    Names are bytes: what is no URI character is escaped, "/" is not.
    """
    path, folder = Path(file).absolute(), Path.cwd()
    if path.is_relative_to(folder) and ".." not in path.parts:
        relative = bytes(path.relative_to(folder))
        return {"uri": quote_from_bytes(relative, safe="/"), "uriBaseId": FOLDER}
    return {"uri": "file://" + quote_from_bytes(bytes(path.resolve()), safe="/")}
