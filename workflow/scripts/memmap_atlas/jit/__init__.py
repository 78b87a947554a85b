"""Machine code from the rules of the arithmetic, for large sweeps."""
