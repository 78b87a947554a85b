"""Staged outputs, checksum files, provenance, and the modules that a script depends on."""
