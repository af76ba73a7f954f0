"""Names and numbers of the affine families, for kernels and their callers: without Numba."""

TRANSLATION, ATTENTION, SIMILARITY, AFFINE = 0, 1, 2, 3
LARGEST_SCALE = 8.0  # scales stay between 1/8 and 8
