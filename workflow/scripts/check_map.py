"""The command `memmap-atlas check` of a checkout, under its earlier name."""

import sys

from memmap_atlas.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["check", *sys.argv[1:]]))
