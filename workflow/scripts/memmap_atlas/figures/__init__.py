"""Figures of the results: they draw rows of the tables, and know no rule of a model."""
