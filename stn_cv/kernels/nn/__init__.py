"""Loops of the layers."""
