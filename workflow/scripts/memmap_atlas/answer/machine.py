"""Machine of a user: the memory map of a file, and the kernel that runs on it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from memmap_atlas.answer.kernel_match import match_kernel
from memmap_atlas.catalog.kernels import Entries, build_kernels
from memmap_atlas.catalog.lookup import lookup
from memmap_atlas.documents.errors import InputError, Problem
from memmap_atlas.documents.source_file import SourceFile
from memmap_atlas.memmodel.kernel import Kernel
from memmap_atlas.readers.dispatch import Read, read_file
from memmap_atlas.readers.memory_map import MemoryMap
from memmap_atlas.sweepfile.machine_files import kernel_entry, layout_name, source_of

# of a kernel that is given by its configuration
GIVEN = "given"


@dataclass(frozen=True)
class Machine:
    """Machine that is asked about.

    layout: name of its map
    file: path of the map as it was given
    memory: what was read of it
    kernel: name of the kernel that runs on it
    reason: why it is that one, in words
    kernels: all kernels by name, with that one
    sources: the files that were read
    """

    layout: str
    file: str
    memory: MemoryMap
    kernel: str
    reason: str
    kernels: Mapping[str, Kernel]
    sources: tuple[SourceFile, ...]


def machine_of(
    names: Sequence[str],
    wanted: str | None,
    entries: Entries,
    entry_files: Mapping[str, str],
    folder: Path,
    files_at: str,
    kernel_at: str,
) -> Machine:
    """Return the machine of files, paths from ``folder``: a memory map, and with it at most one
    kernel's .config.

    wanted: kernel that runs on it, None where the files say
    entries, entry_files: the kernels that ship, and the file of each
    files_at, kernel_at: who gave files and kernel, in messages

    Raises InputError for a file that can't be read, other files than these, and an unknown kernel.
    """
    read = [read_file(folder / name, name) for name in names]
    maps = [(file, file.content) for file in read if isinstance(file.content, MemoryMap)]
    configs = [file for file in read if not isinstance(file.content, MemoryMap)]
    if len(maps) != 1 or len(configs) > 1:
        listed = listing([file for file, _ in maps], "map")
        text = f"{listed} and {listing(configs, 'configuration')}: give one file with a "
        text += "memory map, and with it at most one kernel's .config (for many maps, write a "
        text += "sweep with layouts.files)"
        raise InputError([Problem(files_at, (), text)])
    ((file, memory),) = maps
    layout = layout_name(file.file)
    sources = [source_of(layout, file)]
    kernel, reason = "", ""
    for kernel_config in configs:
        kernel, reason = GIVEN, f"{kernel_config.file} is its configuration"
        entry, source = kernel_entry(kernel, {"config": kernel_config.file}, entries, folder)
        entries = {**entries, kernel: entry}
        entry_files = {**entry_files, kernel: kernel_config.file}
        sources.append(source)
    kernels = build_kernels(entries, entry_files)
    if wanted is not None:
        lookup(wanted, kernels, "kernel", kernel_at)
        kernel, reason = wanted, "it was asked for"
    if not kernel:
        kernel, reason = match_kernel(memory.hints, kernels)
    return Machine(layout, file.file, memory, kernel, reason, kernels, tuple(sources))


def listing(read: Sequence[Read], noun: str) -> str:
    """Count files in words, and name the first four."""
    names = f" ({', '.join(file.file for file in read[:4])})" if read else ""
    return f"{len(read)} {noun}{'' if len(read) == 1 else 's'}{names}"
