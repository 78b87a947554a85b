"""Sweeps: axes, layouts, evaluated points and their tables."""
