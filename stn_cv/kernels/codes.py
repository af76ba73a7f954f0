"""Numbers by which kernels are told what to do, for those who call them: without Numba."""

BILINEAR, NEAREST = 0, 1
ZEROS, BORDER, REFLECTION = 0, 1, 2  # what lies outside an image
NONE, WHOLE, BOXES = 0, 1, 2  # what is framed: nothing, each image, parts of a large one
BEFORE, FRAME = 2, 4  # rows and columns of a frame before the image, and in all
MOST = 2**31  # pixels, a frame's with them, that kernels can number in 32 bits
