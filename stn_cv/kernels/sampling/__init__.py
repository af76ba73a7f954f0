"""Loops of the grid, of sampling and of their gradients."""
