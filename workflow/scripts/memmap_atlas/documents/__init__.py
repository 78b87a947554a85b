"""YAML documents that people write, validated against closed schemas."""
