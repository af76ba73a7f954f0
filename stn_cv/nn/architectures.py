"""Named localizations and heads: functions of the input's shape that give layers.

Pooling stands before the relu: the result is the same, and the relu has a quarter to do.
Put a function into `LOCALIZATIONS` or `HEADS` under a name of your own to use it by name.
"""

from collections.abc import Callable, Sequence

from ..errors import InvalidInputError, InvalidTypeError, one_of
from .activation import LeakyReLU, ReLU
from .conv import Conv2D
from .dense import Dense
from .dropout import Dropout
from .flatten import Flatten
from .layer import Layer
from .pool import AveragePool, MaxPool

__all__ = ["HEADS", "LOCALIZATIONS", "layers_of"]

# Pixels a side that the localization looks at, and that the heads read. Of more, heads learn the
# training images by heart before they lie well.
LOCALIZED, READ, READ_COARSELY, CONVOLVED = 16, 16, 8, 24

Shape = tuple[int, int, int]


def mlp_localization(input_shape: Shape) -> list[Layer]:
    """Two dense layers of 32, the fully connected localization of Jaderberg et al. 2015.

    Leaky relus: with plain ones a fast training may kill all units of a layer, after which
    every image has the same theta and no gradient changes it.
    """
    return [Flatten(), Dense(32), LeakyReLU(), Dense(32), LeakyReLU()]


def cnn_localization(input_shape: Shape) -> list[Layer]:
    """Two convolutions on the input brought to about 16 pixels a side, then a dense layer.

    How an image is turned or scaled is a coarse thing. Below 8 pixels a side a dense layer
    does alone. Dropout matters: pose is what a small training set has least of. Leaky relus
    for the reason told in `mlp_localization`.
    """
    if min(input_shape[1:]) < 8:
        return [Flatten(), Dense(64), LeakyReLU()]
    return [
        *_coarse(input_shape, LOCALIZED),
        *(Conv2D(16, 5, padding=2), MaxPool(2), LeakyReLU()),
        *(Conv2D(32, 3, padding=1), MaxPool(2), LeakyReLU()),
        *(Flatten(), Dropout(0.3), Dense(64), LeakyReLU()),
    ]


def _coarse(input_shape: Shape, side: int) -> list[Layer]:
    """What brings an input to about so many pixels a side, if it is larger."""
    shrink = _shrink(input_shape, side)
    return [AveragePool(shrink)] if shrink > 1 else []


def _shrink(input_shape: Shape, side: int) -> int:
    return max(round(min(input_shape[1:]) / side), 1)


def linear_head(input_shape: Shape) -> list[Layer]:
    """A logistic regression, by the last dense layer, on about 16 pixels a side."""
    return [*_coarse(input_shape, READ), Flatten()]


def coarse_head(input_shape: Shape) -> list[Layer]:
    """A logistic regression on about 8 pixels a side.

    It can say little of things that lie anywhere in clutter, until they are found: of 2,000
    digits in clutter on 60 x 60, an SVM behind is right on 34 % where 12 are read, and on 93 %
    here. It tells fine things, such as the ranks of cards, less well apart.
    """
    return [*_coarse(input_shape, READ_COARSELY), Flatten()]


def mlp_head(input_shape: Shape) -> list[Layer]:
    """One dense layer of 256."""
    return [Flatten(), Dense(256), ReLU()]


def cnn_head(input_shape: Shape) -> list[Layer]:
    """Two convolutions with pooling and a dense layer on about 24 pixels a side.

    Small maps leave layers out. Of 2,000 digits in clutter on 50 x 50, one that reads all pixels
    is right on half, and this one on 95 %.
    """
    layers = _coarse(input_shape, CONVOLVED)
    side = min(input_shape[1:]) // _shrink(input_shape, CONVOLVED)
    for filters in (32, 32):
        if side >= 6:
            layers += [Conv2D(filters, 3), MaxPool(2), ReLU()]
            side = (side - 2) // 2
    dropout = [Dropout(0.2)] if layers else []
    return [*layers, Flatten(), *dropout, Dense(128), ReLU()]


Architecture = Callable[[Shape], list[Layer]]
LOCALIZATIONS: dict[str, Architecture] = {"mlp": mlp_localization, "cnn": cnn_localization}
HEADS: dict[str, Architecture] = {
    "linear": linear_head,
    "coarse": coarse_head,
    "mlp": mlp_head,
    "cnn": cnn_head,
}


def layers_of(
    parameter: str, value: str | Sequence[Layer], table: dict[str, Architecture], shape: Shape
) -> list[Layer]:
    """The layers meant by a name of `table` or given as a list."""
    if isinstance(value, str):
        if value not in table:
            raise InvalidInputError(
                f"{parameter} is {value!r}; wanted {one_of(value, table)}, or a list of layers."
            )
        return table[value](shape)
    if not isinstance(value, (list, tuple)) or not all(isinstance(v, Layer) for v in value):
        raise InvalidTypeError(
            f"{parameter} is {value!r}; wanted a name ({', '.join(table)}) or a list of layers "
            "of stn_cv.nn."
        )
    return list(value)
