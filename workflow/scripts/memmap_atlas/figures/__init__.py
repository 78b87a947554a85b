"""Figures: they draw the tables' rows, and know no model's rule."""
