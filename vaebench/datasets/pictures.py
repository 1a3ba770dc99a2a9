"""What several data sets of pictures share: splitting, leaving a class out, binarising."""

from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from vaebench.errors import DataError
from vaebench.seeds import numpy_stream

PARTS = ("train", "validation", "test")

Count = Annotated[int, Field(ge=1)]
"""A number of pictures."""

Seed = Annotated[int, Field(ge=0)]

Binarization = Literal["dynamic", "static", "none"]
"""How grey pixels p ∈ [0, 1] become binary ones.

``dynamic``: x ~ Bernoulli(p) anew whenever a training picture is used, once for validation and test
(Salakhutdinov & Murray 2008; Burda et al. 2016, arXiv:1509.00519). ``static``: once for all parts.
``none``: grey values as they are, for a Gaussian likelihood.
"""


def binarized(
    parts: dict[str, np.ndarray], how: Binarization, *names: object
) -> dict[str, np.ndarray]:
    """The parts with x ~ Bernoulli(pixel) drawn once from the stream of ``names``.

    Under ``dynamic`` the training part stays grey: it is drawn while training.
    """
    drawn = dict(parts)
    for part, pixels in parts.items():
        if how == "static" or (how == "dynamic" and part != "train"):
            uniform = numpy_stream("binarization", *names, part).random(
                pixels.shape, dtype=np.float32
            )
            drawn[part] = (uniform < pixels).astype(np.float32)
    return drawn


def random_parts(count: int, validation: int, test: int, *names: object) -> dict[str, np.ndarray]:
    """Row numbers of a random split: the last ``test`` of a permutation, ``validation`` before.

    Raises:
        DataError: nothing is left for training.
    """
    if validation + test >= count:
        raise DataError(
            f"split: {validation} validation and {test} test pictures of {count} leave none for "
            f"training; allowed: together less than {count}"
        )
    order = numpy_stream(*names).permutation(count)
    return dict(zip(PARTS, np.split(order, [count - validation - test, count - test]), strict=True))


def grey(pixels: np.ndarray, name: str | Path) -> np.ndarray:
    """Pixels as float32 in [0, 1]: bytes are divided by 255, other numbers must lie there already.

    Raises:
        DataError: not numbers, NaN, or outside [0, 1].
    """
    if pixels.dtype == np.uint8:
        return pixels.astype(np.float32) / np.float32(255)
    if pixels.dtype.kind not in "fiub":
        raise DataError(f"{name}: pixels of type {pixels.dtype}; allowed: bytes, or numbers")
    broken = ~np.isfinite(pixels)
    if broken.any():
        where = tuple(map(int, np.argwhere(broken)[0]))
        raise DataError(
            f"{name}: {int(broken.sum())} pixels are NaN or infinite, the first at {where}; "
            "allowed: finite values in [0, 1], or bytes"
        )
    if pixels.min() < 0 or pixels.max() > 1:
        raise DataError(
            f"{name}: pixels from {pixels.min():g} to {pixels.max():g}; allowed: numbers in "
            "[0, 1], or bytes (uint8)"
        )
    return pixels.astype(np.float32)
