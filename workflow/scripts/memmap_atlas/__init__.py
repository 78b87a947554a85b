"""What a physical memory map costs in struct page, under every Linux memory model."""

__version__ = "0.1.0"
