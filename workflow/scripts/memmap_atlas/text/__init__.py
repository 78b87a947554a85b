"""Sizes, labels, tables and markup: text that people read."""
