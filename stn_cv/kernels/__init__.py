"""Loops into given arrays: serial, ``nogil``, never raising."""
