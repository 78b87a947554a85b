"""The explorer: one page without network that shows every point of a sweep, from its own rows."""
