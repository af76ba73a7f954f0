"""Files damaged at random, the same for a seed: what a fuzzer does to bytes."""

import struct

import numpy as np

NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 1)


def flipped(rng, data):
    """Some bits."""
    for at in rng.integers(0, len(data), rng.integers(1, 9)):
        data[at] ^= 1 << int(rng.integers(8))


def overwritten(rng, data):
    """A run of noise, of zeros, or of what stands elsewhere."""
    length = int(rng.integers(1, min(len(data), 256)))
    to, source = (int(n) for n in rng.integers(0, len(data) - length + 1, 2))
    noise = rng.integers(0, 256, length, dtype=np.uint8).tobytes()
    choices = (noise, bytes(length), bytes(data[source : source + length]))
    data[to : to + length] = choices[int(rng.integers(3))]


def numbered(rng, data):
    """A number of 1, 2 or 4 bytes that makes readers stumble, mostly in the header."""
    layout = "<>"[int(rng.integers(2))] + "BHI"[int(rng.integers(3))]
    size = struct.calcsize(layout)
    reach = len(data) if rng.random() < 0.3 else min(len(data), 200)
    number = NUMBERS[int(rng.integers(len(NUMBERS)))] & (256**size - 1)
    struct.pack_into(layout, data, int(rng.integers(0, reach - size + 1)), number)


def cut(rng, data):
    """The end, or a piece, left out."""
    first = int(rng.integers(0, len(data)))
    end = len(data) if rng.random() < 0.5 else min(first + int(rng.integers(1, 64)), len(data))
    del data[first:end]


def repeated(rng, data):
    """A piece, once more."""
    first = int(rng.integers(0, len(data)))
    piece = data[first : first + int(rng.integers(1, 128))]
    at = int(rng.integers(0, len(data) + 1))
    data[at:at] = piece


WAYS = (flipped, overwritten, numbered, cut, repeated)


def mutated(data, seed):
    """A file with one to three kinds of damage."""
    rng = np.random.default_rng(seed)
    damaged = bytearray(data)
    for _ in range(int(rng.integers(1, 4))):
        if len(damaged) > 8:
            WAYS[int(rng.integers(len(WAYS)))](rng, damaged)
    return bytes(damaged)
