"""Say where the results of a run are, and what they answer to the thread of April 2016.

Reads results/ of the working directory, as snakemake left it there.
"""

from pathlib import Path

import pandas as pd

ROWS = [
    ("needed", "arm64-4.6-4k", "vmemmap", "needed_bytes"),
    ("VMEMMAP, 1 GiB sections (Linux 4.6)", "arm64-4.6-4k", "vmemmap", "memmap_bytes"),
    ("  as claimed: populated memory only", "arm64-4.6-4k", "vmemmap-populated", "memmap_bytes"),
    ("VMEMMAP, 128 MiB sections (5.12 on)", "arm64-5.12-4k", "vmemmap", "memmap_bytes"),
    ("VMEMMAP, 128 MiB sections (6.12)", "arm64-6.12-4k", "vmemmap", "memmap_bytes"),
]


def answer(table: pd.DataFrame) -> str:
    """Bytes of memmap for the two maps of the thread, from the rows of its sweep."""
    rows = table.set_index(["kernel", "model", "layout"])
    lines = [f"{'bytes of memmap, arm64, 4 KiB pages':<38}{'thread-3g':>14}{'thread-4g':>14}"]
    for label, kernel, model, column in ROWS:
        values = [
            int(rows.loc[(kernel, model, layout), column]) for layout in ("thread-3g", "thread-4g")
        ]
        lines.append(f"{label:<38}{values[0]:>14,}{values[1]:>14,}")
    return "\n".join(lines)


def main() -> None:
    """Print it."""
    thread = Path("results/thread-2016/memmap")
    if thread.is_dir():
        print("\nDoes a hole inside a section get struct pages?\n")
        print(answer(pd.read_parquet(thread)))
        print(
            "\nIt does: a section is populated whole. With 1 GiB sections both maps cost 16 MiB\n"
            "more than they need; with 128 MiB, since 5.12, these two cost what they need.\n"
        )
    print("Tables:   results/<sweep>/memmap/     pandas.read_parquet(folder) reads one")
    print("Figures:  results/<sweep>/figures/    SVG, PDF, PNG, caption and provenance of each")
    for sweep in sorted(Path("results").glob("*/sweep.resolved.yaml")):
        figures = len(list(sweep.parent.glob("figures/*.png")))
        print(f"  results/{sweep.parent.name}: {figures} figure{'' if figures == 1 else 's'}")


if __name__ == "__main__":
    main()
