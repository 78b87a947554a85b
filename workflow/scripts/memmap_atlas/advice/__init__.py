"""Other builds of a kernel and changes of a map that save memmap."""
