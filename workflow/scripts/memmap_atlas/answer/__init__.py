"""Answer for one machine: the cost of its memory map, checks against its own log, and advice."""
