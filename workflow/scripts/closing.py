"""Print where the results of a run are, and their answer to the thread of April 2016.

Reads results/ of the working directory, as snakemake left it there.
"""

from pathlib import Path

import pandas as pd
from memmap_atlas.pipeline.paths import path
from memmap_atlas.text.tables import Table, columns

LAYOUTS = ("thread-3g", "thread-4g")
GIB, MIB = 1 << 30, 1 << 20
ROWS: list[tuple[str, str, int, str, str]] = [
    ("needed", "arm64-4.6-4k", GIB, "vmemmap", "needed_bytes"),
    ("VMEMMAP, 1 GiB sections (Linux 4.6)", "arm64-4.6-4k", GIB, "vmemmap", "memmap_bytes"),
    (
        "  as claimed: populated memory only",
        "arm64-4.6-4k",
        GIB,
        "vmemmap-populated",
        "memmap_bytes",
    ),
    ("VMEMMAP, 128 MiB sections (5.12 on)", "arm64-5.12-4k", 128 * MIB, "vmemmap", "memmap_bytes"),
    ("VMEMMAP, 128 MiB sections (6.12)", "arm64-6.12-4k", 128 * MIB, "vmemmap", "memmap_bytes"),
]


def answer(table: pd.DataFrame) -> str:
    """Return a table of the memmap of the thread's two maps, from the rows of its sweep; "" where
    rows are missing, as in a sweep that was changed.
    """
    rows = table.set_index(["kernel", "section_bytes", "model", "layout"])
    wanted = [(*row[1:4], layout) for row in ROWS for layout in LAYOUTS]
    if not all(key in rows.index for key in wanted):
        return ""
    cells = []
    for label, kernel, section, model, column in ROWS:
        held = rows[column].to_dict()
        values = [int(held[kernel, section, model, layout]) for layout in LAYOUTS]
        cells.append((label, *(f"{value:,}" for value in values)))
    return columns(Table(("bytes of memmap, arm64, 4 KiB pages", *LAYOUTS), cells))


def main() -> None:
    """Print them."""
    thread = Path(path("<memmap>", sweep="thread-2016"))
    if thread.is_dir() and (text := answer(pd.read_parquet(thread))):
        print("\nDoes a hole inside a section get struct pages?\n")
        print(text)
        print(
            "\nIt does: a section is populated whole. With 1 GiB sections both maps cost 16 MiB\n"
            "more than they need; with 128 MiB, since 5.12, these two cost what they need.\n"
        )
    tables, figures = (path(name, sweep="<sweep>") + "/" for name in ("<memmap>", "<figures>"))
    print(f"Tables:   {tables:<28}pandas.read_parquet(folder) reads one")
    print(f"Figures:  {figures:<28}SVG, PDF, PNG, caption and provenance of each")
    for resolved in sorted(Path().glob(path("<resolved>", sweep="*"))):
        sweep = resolved.relative_to(path("<results>")).parts[0]
        count = len(list(Path(path("<figures>", sweep=sweep)).glob("*.png")))
        print(f"  {path('<sweep>', sweep=sweep)}: {count} figure{'' if count == 1 else 's'}")


if __name__ == "__main__":
    main()
