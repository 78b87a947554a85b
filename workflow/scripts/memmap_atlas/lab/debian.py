"""Debian packages of any architecture and suite, fetched through the machine's own apt.

apt runs on a private state: the machine's package lists, architectures and installed packages are
neither read nor changed. The archive is the one that the machine is configured for. What is fetched
is Debian's: lists are taken with a signature of the archive's keys alone, whatever the machine's
own settings allow, and a package with the digest that they have of it.
"""

import hashlib
import re
import shutil
import subprocess
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
# a kernel's package is often empty and depends on the one that holds the image
IMAGE_PACKAGE = re.compile(r"^linux-(?:image|binary)-")
IMAGE = re.compile(r"/vmlinu[xz](-[^/]*)?$")
TREE_PACKAGE = re.compile(r"^linux-(?:image|base)-")
# to 6.12 in a folder of the image's, then in one of the modules'
TREE = re.compile(
    r"^\./usr/lib/(?:linux-image-[^/]+|modules/[^/]+/dtb)/(?P<name>[\w+-][\w+.-]*(?:/[\w+-][\w+.-]*)*\.dtb)$"
)
TRIES = 3
MOST_PACKAGES = 6


class Unavailable(RuntimeError):
    """Something that the machine or its archive does not have; the text says what would help."""


@dataclass(frozen=True)
class Package:
    """A package as it was fetched: its name, version, and the file."""

    name: str
    version: str
    file: Path


@dataclass(frozen=True)
class Archive:
    """A suite of the Debian archive for one architecture, apt's private state in ``folder``."""

    suite: str
    architecture: str
    folder: Path

    def options(self) -> list[str]:
        """Options that restrict apt to this archive."""
        places = {
            "Dir::State": self.folder / "state",
            "Dir::State::status": self.folder / "state/status",
            "Dir::Cache": self.folder / "cache",
            "Dir::Etc::sourcelist": self.folder / "sources.list",
            "Dir::Etc::sourceparts": "/dev/null",
            "Dir::Etc::preferences": "/dev/null",
            "Dir::Etc::preferencesparts": "/dev/null",
            "APT::Architecture": self.architecture,
            "APT::Architectures": self.architecture,
            "APT::Sandbox::User": "root",
            "APT::Get::AllowUnauthenticated": "false",
            "Acquire::AllowInsecureRepositories": "false",
            "Acquire::AllowWeakRepositories": "false",
            "Acquire::AllowDowngradeToInsecureRepositories": "false",
            "Acquire::Languages": "none",
            "Acquire::Retries": TRIES,
        }
        return [part for key, value in places.items() for part in ("-o", f"{key}={value}")]

    def update(self) -> None:
        """Fetch the package lists."""
        for place in ("state/lists/partial", "cache/archives/partial"):
            (self.folder / place).mkdir(parents=True, exist_ok=True)
        (self.folder / "state/status").touch()
        source = f"deb [signed-by={KEYRING}] {archive_of(self.suite)} {self.suite} main\n"
        (self.folder / "sources.list").write_text(source)
        run(["apt-get", *self.options(), "-qq", "--error-on=any", "update"], self.where)

    @property
    def where(self) -> str:
        """The archive, in words."""
        return f"suite {self.suite}, architecture {self.architecture}"

    def field(self, package: str, name: str) -> str:
        """A field of a package's newest entry, "" where it has none."""
        text = run(["apt-cache", *self.options(), "show", "--no-all-versions", package], self.where)
        match = re.search(rf"^{name}: (.*)$", text, re.MULTILINE)
        return match[1] if match else ""

    def fetch(self, package: str, into: Path) -> Package:
        """Download a package's file into ``into``."""
        known = run(["apt-cache", *self.options(), "pkgnames", package], self.where).split()
        if package not in known:
            near = f"; there are {', '.join(sorted(known)[:8])}" if known else ""
            raise Unavailable(f"no package {package!r} in {self.where}{near}")
        into.mkdir(parents=True, exist_ok=True)
        run(["apt-get", *self.options(), "-qq", "download", package], self.where, into)
        # a version's colon is written %3a in the file's name
        file = max(into.glob(f"{package}_*.deb"), key=lambda path: path.stat().st_mtime)
        return Package(package, self.field(package, "Version"), file)

    def fetch_kernel(self, package: str, into: Path) -> tuple[Package, Path]:
        """The package that holds the image of a kernel, and the image, unpacked into ``into``.

        ``package`` may be one that names the newest kernel of its flavour.
        """
        for _ in range(TRIES):
            found = self.fetch(package, into)
            if images := extract(found.file, IMAGE, into):
                return found, images[0]
            needs = re.findall(r"[^\s,|(]+", self.field(package, "Depends"))
            images_in = [name for name in needs if IMAGE_PACKAGE.match(name)]
            if not images_in:
                break
            # the package that holds the image alone comes before one that needs more
            package = sorted(images_in)[0]
        raise Unavailable(f"no kernel image in package {package!r} of {self.where}")

    def fetch_trees(self, package: str, into: Path, trees: Path) -> Package:
        """The package that holds the device trees of a kernel; they are unpacked into ``trees``, in
        the folders of their vendors.

        ``package`` may be one that names the newest kernel of its flavour.
        """
        waiting, seen = [package], set[str]()
        while waiting and len(seen) < MOST_PACKAGES:
            name = waiting.pop(0)
            seen.add(name)
            found = self.fetch(name, into)
            if extract(found.file, TREE, trees):
                return found
            found.file.unlink()
            needs = re.findall(r"[^\s,|(]+", self.field(name, "Depends"))
            waiting += sorted(n for n in needs if TREE_PACKAGE.match(n) and n not in seen)
        raise Unavailable(f"no device tree in package {package!r} of {self.where}")


def archive_of(suite: str) -> str:
    """Return where apt finds Debian on this machine: of its own index targets, one for that kind of
    suite.

    Raises Unavailable where the machine has no apt, or no Debian archive in its sources.
    """
    label = "Debian-Security" if suite.endswith("-security") else "Debian"
    form = "$(ORIGIN)|$(LABEL)|$(CREATED_BY)|$(REPO_URI)"
    targets = run(["apt-get", "indextargets", "--format", form], "the machine's sources")
    for line in targets.splitlines():
        origin, found, kind, place = line.split("|")
        if (origin, found, kind) == ("Debian", label, "Packages"):
            return place
    raise Unavailable(
        f"the machine's apt has no source of label {label}: `apt-get update` fetches its lists, "
        "and sources of a Debian suite are needed"
    )


def extract(file: Path, wanted: re.Pattern[str], into: Path) -> list[Path]:
    """The files of a package whose path matches ``wanted``, in ``into`` by their last name, or by
    what the pattern's group ``name`` holds.
    """
    found = []
    with (
        subprocess.Popen(["dpkg-deb", "--fsys-tarfile", file], stdout=subprocess.PIPE) as process,
        tarfile.open(fileobj=process.stdout, mode="r|") as archive,
    ):
        for member in archive:
            match = wanted.search(member.name)
            if match and member.isfile():
                target = into / match.groupdict().get("name", Path(member.name).name)
                target.parent.mkdir(parents=True, exist_ok=True)
                stream = archive.extractfile(member)
                assert stream is not None
                with target.open("wb") as out:
                    shutil.copyfileobj(stream, out)
                found.append(target)
    return sorted(found)


def run(command: Sequence[str], about: str, folder: Path | None = None) -> str:
    """Run a command and return what it prints.

    Raises Unavailable with the command's last words where it fails, or is not there.
    """
    if shutil.which(command[0]) is None:
        raise Unavailable(f"no {command[0]} on this machine: the lab fetches packages of Debian")
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace")
    if done.returncode:
        words = [line for line in done.stderr.splitlines() if line.startswith("E: ")]
        last = "; ".join(word[3:] for word in words[:3]) or done.stderr.strip()[-300:]
        raise Unavailable(f"{about}: {command[0]} failed: {last}")
    return done.stdout


def sha256(file: Path) -> str:
    """SHA-256 of a file, in hex, read piece by piece."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
