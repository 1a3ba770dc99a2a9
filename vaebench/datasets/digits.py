"""Handwritten digits that come with scikit-learn: no download."""

from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field

from vaebench.datasets import Images
from vaebench.seeds import numpy_stream


class Digits(Images):
    """1,797 real 8×8 digits (Alpaydin & Kaynak 1998, UCI), pixels 0…16 binarised at 8.

    Statically binarised: every pixel ≥ 8 is 1. The pictures are permuted by a named seed; the last
    ones are test, the ones before them validation.
    """

    def __init__(
        self,
        *,
        validation: Annotated[int, Field(ge=1, le=800)] = 250,
        test: Annotated[int, Field(ge=1, le=800)] = 250,
        seed: Annotated[int, Field(ge=0)] = 0,
    ) -> None:
        self.validation, self.test, self.seed = validation, test, seed

    def read(self, raw: Path | None) -> dict[str, np.ndarray]:  # noqa: ARG002 (embedded)
        """Train, validation and test pictures, (N, 64)."""
        from sklearn.datasets import load_digits  # noqa: PLC0415 (a second, for this call only)

        pictures = (load_digits().data >= 8).astype(np.float32)  # noqa: PLR2004 (half of 16)
        pictures = pictures[numpy_stream("digits", self.seed).permutation(len(pictures))]
        stop = len(pictures) - self.test
        start = stop - self.validation
        return {
            "train": pictures[:start],
            "validation": pictures[start:stop],
            "test": pictures[stop:],
        }
