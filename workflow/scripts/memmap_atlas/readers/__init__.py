"""Files that say where a machine's RAM is: each reader ends in a memory map, and is never heard of
again."""
