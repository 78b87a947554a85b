"""Outputs that appear whole, their checksums, and where they come from."""
