"""The contract of a baseline: fitted to the training part at once, no β, no epochs.

A study that compares ways to train a VAE must also say what is reached without one. A baseline sees
the same split as a VAE: it is fitted to the training users, and scores a held-out user from the
fold-in items alone. Baselines live one per file; a new one is a new file and one line of config.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field
from scipy.sparse import csr_matrix

from vaebench.components import Checked
from vaebench.search import Range

Positive = Annotated[float, Field(gt=0)]
"""A finite number > 0."""

NonNegative = Annotated[float, Field(ge=0)]
"""A finite number ≥ 0."""

Count = Annotated[int, Field(ge=1)]
"""A number of factors, neighbours or iterations."""


class Baseline(Checked, ABC):
    """What both families share.

    Options are keyword-only, annotated constructor arguments. They are checked: an impossible value
    is an :class:`vaebench.errors.ArgumentError`.
    """

    data_kind: ClassVar[Literal["interactions", "images"]]
    """What it is fitted to."""

    deterministic: ClassVar[bool] = True
    """True if a fit draws nothing: then all seeds agree, and a study runs one of them."""

    search_space: ClassVar[Mapping[str, Range]] = {}
    """The options that a tuning stage may choose, and from where."""

    @abstractmethod
    def parameters(self) -> int:
        """How many fitted numbers the results depend on."""


class Recommender(Baseline):
    """Scores items of users that it was not fitted to."""

    data_kind = "interactions"

    @abstractmethod
    def fit(self, x: csr_matrix, random: np.random.Generator) -> None:
        """Fit to the training users x (U, I), float32, without writing to it."""

    @abstractmethod
    def scores(self, fold_in: csr_matrix) -> np.ndarray:
        """(B, I) float32: the higher, the earlier in the ranking; fold-in items count too."""


class Density(Baseline):
    """A distribution over pictures whose log p(x) is known exactly."""

    data_kind = "images"
    pictures: ClassVar[Literal["binary", "grey"]]
    """Which pictures it has a meaning for."""

    @abstractmethod
    def fit(self, x: np.ndarray, random: np.random.Generator) -> None:
        """Fit to the training pictures x (N, F), float32 in [0, 1].

        Raises:
            DataError: the distribution has no meaning for such pictures.
        """

    @abstractmethod
    def bounds(self, x: np.ndarray) -> dict[str, np.ndarray]:
        """``elbo`` = −(``distortion`` + ``rate``), (B,) float64 each, nats per picture.

        With the exact posterior the bound is tight: elbo = log p(x).
        """
