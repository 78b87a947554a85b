"""Command line: memmap-atlas, a module for each of its commands."""
