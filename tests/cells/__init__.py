"""Cells: their folder, their files and the way back to them."""
