"""Handwritten digits that come with scikit-learn: no download."""

from functools import cache
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from vaebench.datasets import Images
from vaebench.seeds import numpy_stream


class Digits(Images):
    """1,797 real 8×8 digits (Alpaydin & Kaynak 1998, UCI), pixels 0…16 binarised at 8.

    Statically binarised: every pixel ≥ 8 is 1. The pictures are permuted by a named seed; the last
    ones are test, the ones before them validation.

    References:
        alpaydin1998, pedregosa2011

    Example:
        >>> from vaebench.datasets.digits import Digits
        >>> Digits().raw_files()
        []
    """

    licence = "CC BY 4.0"
    cite = "Alpaydin & Kaynak 1998, UCI Machine Learning Repository, doi:10.24432/C50P49"

    def __init__(
        self,
        *,
        validation: Annotated[int, Field(ge=1, le=800)] = 250,
        test: Annotated[int, Field(ge=1, le=800)] = 250,
        held_out_class: Annotated[int, Field(ge=0, le=9)] | None = None,
        seed: Annotated[int, Field(ge=0)] = 0,
    ) -> None:
        self.validation, self.test, self.seed = validation, test, seed
        self.held_out_class = held_out_class
        self.shape = (8, 8)

    def split_seed(self, raw: Path | None = None) -> str | None:  # noqa: ARG002
        """``seed`` permutes the pictures."""
        return "seed"

    def read(self, raw: Path) -> dict[str, np.ndarray]:
        """Train, validation and test pictures, (N, 64)."""
        pictures = (_originals().data >= 8).astype(np.float32)  # noqa: PLR2004 (half of 16)
        return {part: pictures[rows] for part, rows in self.rows(raw).items()}

    def labels(self, raw: Path) -> dict[str, np.ndarray]:
        """The digits 0 … 9."""
        digits = _originals().target.astype(np.int64)
        return {part: digits[rows] for part, rows in self.rows(raw).items()}

    def rows(self, raw: Path) -> dict[str, np.ndarray]:  # noqa: ARG002 (embedded)
        """Where every picture stands in scikit-learn's order."""
        order = numpy_stream("digits", self.seed).permutation(len(_originals().data))
        stop = len(order) - self.test
        start = stop - self.validation
        return {"train": order[:start], "validation": order[start:stop], "test": order[stop:]}


@cache
def _originals() -> Any:  # noqa: ANN401 (scikit-learn's Bunch)
    from sklearn.datasets import load_digits  # noqa: PLC0415 (a second, for this call only)

    return load_digits()
