"""What a physical memory map costs in struct page, under every Linux memory model."""

import gc

__version__ = "0.1.0"

# imports and figures make many objects that stay: to look for garbage after every 700 of them takes
# a tenth of a job
gc.set_threshold(100_000)
