"""What a physical memory map costs the kernel in ``struct page``, under every Linux memory model."""
