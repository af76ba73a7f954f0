"""The networks of `mnist.py` and what they are trained with."""

import argparse
from dataclasses import dataclass, replace

from stn_cv import SpatialTransformerClassifier
from stn_cv.nn import AveragePool, Conv2D, Dense, Dropout, Flatten, Layer, MaxPool, ReLU

MODELS = ("fcn", "cnn", "st-fcn", "st-cnn")


@dataclass
class Settings:
    """How a network is trained; defaults are those of the ST-CNN on R."""

    alpha: float = 0.1
    batch_size: int = 128
    bend: float = 0.7  # pixels, of the digits to train on
    dropout: float = 0.2
    learning_rate_init: float = 0.003
    localization_learning_rate_ratio: float = 0.2
    n_steps: int = 2
    side: int = 24  # pixels a side of what the head sees


def settings_of(options: argparse.Namespace, side: int) -> Settings:
    """What each model is trained with, and what is tried instead."""
    settings = Settings()
    if options.model.endswith("fcn"):
        settings.dropout, settings.side = 0.3, 20
    if options.model == "st-fcn":
        settings.alpha, settings.dropout = 0.05, 0.1
    if (options.model, options.distortion[:2]) == ("st-cnn", "TC") or options.family == "tps":
        settings.n_steps = 1
    if options.family is None:  # the transform is kept at the identity
        settings.localization_learning_rate_ratio, settings.n_steps, settings.side = 0.0, 1, side
    return replace(settings, **options.trying)


def localization(model: str, side: int) -> list[Layer]:
    """What finds the transform: convolutions on the input halved, dense layers on some 14 x 14."""
    if model == "st-fcn":
        shrink = AveragePool(round(side / 14))
        return [shrink, Flatten(), Dense(256), ReLU(), Dense(128), ReLU()]
    return [
        AveragePool(2),
        *(Conv2D(24, 5, padding=2), MaxPool(2), ReLU()),
        *(Conv2D(48, 3, padding=1), MaxPool(2), ReLU(), Flatten(), Dense(96), ReLU()),
    ]


def head(model: str, side: int, wide: bool, dropout: float) -> list[Layer]:
    """What classifies images of `side` pixels, with at most 400,000 parameters in all."""
    shrink = [AveragePool(2)] if side >= (40 if model.endswith("fcn") else 42) else []
    if model.endswith("fcn"):
        units = (400, 256) if side <= 20 else (256, 200)
        return [
            *(*shrink, Flatten(), Dense(units[0]), ReLU()),
            *(Dense(units[1]), ReLU(), Dropout(dropout)),
        ]
    few, many = (48, 96) if wide else (32, 64)
    return [
        *(*shrink, Conv2D(few, 5), MaxPool(2), ReLU()),
        *(Conv2D(many, 3), ReLU(), Conv2D(many, 3), MaxPool(2), ReLU()),
        *(Flatten(), Dense(160 if side <= 28 else 64), ReLU(), Dropout(dropout)),
    ]


def classifier(options: argparse.Namespace, side: int) -> SpatialTransformerClassifier:
    """The model of a run. Without a transformer the transform is kept at the identity."""
    settings = settings_of(options, side)
    transforms = options.family is not None
    return SpatialTransformerClassifier(
        family=options.family or "affine",
        localization=localization(options.model, side) if transforms else [Flatten()],
        localization_learning_rate_ratio=settings.localization_learning_rate_ratio,
        n_steps=settings.n_steps,
        output_shape=(settings.side, settings.side),
        head=head(options.model, settings.side, side <= 28, settings.dropout),
        learning_rate_init=settings.learning_rate_init,
        alpha=settings.alpha,
        batch_size=settings.batch_size,
        early_stopping=False,
        n_jobs=options.jobs,
        random_state=options.seed,
    )
