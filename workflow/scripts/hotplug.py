"""The command `memmap-atlas hotplug` of a checkout, under its earlier name."""

import sys

from memmap_atlas.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["hotplug", *sys.argv[1:]], name="hotplug"))
