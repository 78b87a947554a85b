"""The command line: python -m memmap_atlas."""

from memmap_atlas.cli.main import command

if __name__ == "__main__":
    command()
