"""Print the texts that a target produced, and the names of its files."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

if __name__ == "__main__":
    for text in snakemake.input.texts:
        print(f"\n{Path(text).read_text(encoding='utf-8')}")
    print("\n".join(["Files:", *snakemake.params.files]), flush=True)
