"""Pictures of known factors: drawn numbers, pictures that share a value, gaps between latents."""

import numpy as np
import torch


def generator(noise: torch.Generator) -> np.random.Generator:
    """A stream of NumPy that ``noise`` seeds."""
    return np.random.default_rng(int(torch.randint(2**62, (), generator=noise)))


class Alike:
    """Pictures that agree in one factor, drawn with replacement.

    Args:
        factors: (U, F) values, counted from 0.
    """

    def __init__(self, factors: np.ndarray) -> None:
        self.values = factors.T
        self.orders = [np.argsort(column, kind="stable") for column in self.values]
        self.starts = [
            np.searchsorted(column[order], np.arange(column.max() + 2))
            for column, order in zip(self.values, self.orders, strict=True)
        ]

    def drawn(self, factor: int, like: np.ndarray, some: np.random.Generator) -> np.ndarray:
        """For each picture in ``like`` one with the same value of ``factor``; maybe itself."""
        starts, value = self.starts[factor], self.values[factor][like]
        first, count = starts[value], starts[value + 1] - starts[value]
        return self.orders[factor][first + (some.random(like.shape) * count).astype(np.int64)]


def mean_gap(scores: np.ndarray) -> float:
    """Mean over factors of the best latent's score minus the second best's, of (Z, F) scores.

    Where there is one latent alone, the second best score is 0.
    """
    best = np.sort(np.vstack([np.zeros_like(scores[:1]), scores]), axis=0)
    return float((best[-1] - best[-2]).mean())
