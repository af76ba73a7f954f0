"""How many bytes packed data stand for, without unpacking them; -1 where no packer writes such."""

import numpy as np

from .jit import kernel

CLEAR, END, FIRST = 256, 257, 258
SHORTEST, LONGEST = 9, 12  # bits of a code


@kernel
def lzw(data):
    """LZW of TIFF: codes of 9 to 12 bits, the highest bit first, each width left one code early."""
    lengths = np.ones(1 << LONGEST, np.int64)
    following, width, previous, total = FIRST, SHORTEST, 0, 0
    bits, n_bits = np.int64(0), 0
    for byte in data:
        bits, n_bits = bits << 8 | np.int64(byte), n_bits + 8
        if n_bits < width:
            continue
        n_bits -= width
        code, bits = bits >> n_bits, bits & ((1 << n_bits) - 1)
        if code == END:
            break
        if code == CLEAR:
            following, width, previous = FIRST, SHORTEST, 0
            continue
        if code > following or (code > END and previous == 0):
            return -1
        length = previous + 1 if code == following else lengths[code]
        if previous > 0 and following < len(lengths):
            lengths[following] = previous + 1
            following += 1
        if following >= (1 << width) - 1 and width < LONGEST:
            width += 1
        total, previous = total + length, length
    return total


@kernel
def packbits(data):
    """PackBits: a count and bytes, or a count and one byte to be repeated."""
    position, total = np.int64(0), np.int64(0)
    while position < len(data):
        count = np.int64(data[position])
        if count < 128:
            position += count + 2
            total += count + 1
        elif count > 128:
            position += 2
            total += 257 - count
        else:
            position += 1
        if position > len(data):
            return -1
    return total
