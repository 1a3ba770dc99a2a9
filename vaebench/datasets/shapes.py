"""Shapes with known factors, drawn: what disentanglement is measured on."""

import math
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field

from vaebench.datasets import Images
from vaebench.seeds import numpy_stream

SIDE = 32
"""Pixels of a side."""

FACTORS = {"shape": 3, "scale": 4, "angle": 12, "x": 10, "y": 10}
"""Name → number of values. Shapes: square, ellipse, heart."""

UNIT = 32
"""Units of a pixel. All is drawn in integers, so that every machine draws the same bits."""

RADII = (5, 6, 7, 8)
"""Pixels from the centre to the farthest point of a shape, by scale."""

STEP = 48
"""Units between two positions."""

TURN = 1 << 14
"""Sine and cosine are integers over this."""


class Shapes(Images):
    """14,400 binary 32×32 pictures: every combination of five factors once.

    A square, an ellipse (axes 2 : 1) or a heart, (x² + y² − 1)³ ≤ x²y³, in 4 scales (radius 5 to 8
    pixels), at 12 angles (steps of 7.5° within a quarter turn, so that no two pictures of a square
    or an ellipse are equal), 10 horizontal and 10 vertical positions. It is a small relative of
    dSprites (Matthey et al. 2017, https://github.com/google-deepmind/dsprites-dataset: 737,280
    pictures of 64×64, a whole turn), which it does not replace. The pictures are permuted by a
    named seed; the last ones are test, the ones before them validation.

    Example:
        >>> from vaebench.datasets.shapes import Shapes
        >>> Shapes().raw_files()
        []
    """

    licence = "drawn by this project"
    unit = ""  # drawn data are no data set of their own in a comparison

    factor_names = tuple(FACTORS)

    def __init__(
        self,
        *,
        validation: Annotated[int, Field(ge=1, le=5_000)] = 1_440,
        test: Annotated[int, Field(ge=1, le=5_000)] = 2_880,
        seed: Annotated[int, Field(ge=0)] = 0,
    ) -> None:
        self.validation, self.test, self.seed = validation, test, seed
        self.shape = (SIDE, SIDE)

    def split_seed(self, raw: Path | None = None) -> str | None:  # noqa: ARG002
        """``seed`` permutes the pictures."""
        return "seed"

    def read(self, raw: Path) -> dict[str, np.ndarray]:
        """Train, validation and test pictures, (N, 1024)."""
        pictures = drawn(combinations())
        return {part: pictures[rows] for part, rows in self.rows(raw).items()}

    def factors(self, raw: Path) -> dict[str, np.ndarray]:
        """The value of each factor of each picture, (N, 5) int64."""
        values = combinations()
        return {part: values[rows] for part, rows in self.rows(raw).items()}

    def rows(self, raw: Path) -> dict[str, np.ndarray]:  # noqa: ARG002 (drawn)
        """Where every picture stands in the order of :func:`combinations`."""
        order = numpy_stream("shapes", self.seed).permutation(math.prod(FACTORS.values()))
        stop = len(order) - self.test
        start = stop - self.validation
        return {"train": order[:start], "validation": order[start:stop], "test": order[stop:]}


def combinations() -> np.ndarray:
    """Every combination of the factors' values once, (14400, 5) int64; the last varies fastest."""
    return np.indices(tuple(FACTORS.values())).reshape(len(FACTORS), -1).T.astype(np.int64)


def drawn(factors: np.ndarray) -> np.ndarray:
    """The pictures of rows of factors, (N, 1024) float32 of 0 and 1."""
    kind, scale, angle, column, row = (values[:, None, None] for values in factors.T)
    places = (2 * np.arange(SIDE, dtype=np.int64) + 1) * UNIT // 2  # the middles of pixels
    right = places[None, None, :] - _centre(column)
    up = _centre(row) - places[None, :, None]
    sine, cosine = _turns(angle)
    x, y = (cosine * right + sine * up) // TURN, (cosine * up - sine * right) // TURN
    radius = np.array(RADII, dtype=np.int64)[scale] * UNIT
    square = np.maximum(np.abs(x), np.abs(y)) <= radius * 7071 // 10_000
    ellipse = x**2 + 4 * y**2 <= radius**2
    size = radius * 7 // 10  # the heart's farthest point is 1.42 sizes away
    heart = (x**2 + y**2 - size**2) ** 3 <= x**2 * y**3 * size
    inside = np.select([kind == 0, kind == 1], [square, ellipse], heart)
    return inside.reshape(len(factors), SIDE * SIDE).astype(np.float32)


def _centre(position: np.ndarray) -> np.ndarray:
    """In units from the left or upper edge; the positions lie around the middle."""
    return SIDE * UNIT // 2 + (2 * position - (FACTORS["x"] - 1)) * STEP // 2


def _turns(angle: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sine and cosine of steps of 7.5°, times TURN, rounded: the same integers everywhere."""
    steps = [math.radians(90 * step / FACTORS["angle"]) for step in range(FACTORS["angle"])]
    return tuple(
        np.array([round(TURN * of(step)) for step in steps], dtype=np.int64)[angle]
        for of in (math.sin, math.cos)
    )
