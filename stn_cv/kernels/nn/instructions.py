"""What a row of a program says, by name and number: without Numba.

A program is a table (instructions, COLUMNS) of integers, which `program.py` carries out; every
place is counted in values of the workspace, the parameters or the constants. The image lies at
the beginning of the workspace, channels first.
"""

CONVOLVE, PAD, COMPACT, LARGEST, MEAN = range(5)
RELU, LEAKY, STANDARDIZE, STANDARDIZE_EACH, MULTIPLY = range(5, 10)
# What is done, where its input and its output lie, (channels, height, width) of the input, and
# up to six numbers more:
#   CONVOLVE          filters, kernel size, where its weights, its biases and its offsets lie,
#                     values that a map of its output takes: all rows as one, with what falls
#                     between them
#   PAD               rows and columns of zeros on each side
#   COMPACT           values from row to row and from map to map, which are given none between them
#   LARGEST           size of the squares, values from row to row and from map to map
#   MEAN              size of the squares
#   LEAKY             where its slope lies
#   STANDARDIZE       where its means and gains lie
#   STANDARDIZE_EACH  where what is added to the variance lies
#   MULTIPLY          outputs, where its weights and its biases lie
COLUMNS = 12
