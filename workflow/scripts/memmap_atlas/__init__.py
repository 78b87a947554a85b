"""The cost of a physical memory map in struct page, under every Linux memory model."""

__version__ = "0.1.0"
