"""What a physical memory map costs the kernel in ``struct page``, under each Linux memory model."""
