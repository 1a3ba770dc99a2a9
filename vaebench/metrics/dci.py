"""Disentanglement, completeness and informativeness."""

from typing import Literal

import numpy as np
import torch
from torch import Tensor

from vaebench.metrics import Representation
from vaebench.metrics.factors import generator

TREES = 50


class DCI(Representation):
    """Which latents a predictor of each factor uses; one ``part`` of three.

    A forest of trees predicts each factor from all latents on half of the pictures; every latent
    has an importance for every factor. ``disentanglement`` is 1 − H/log F of a latent's
    importances, H their entropy as shares, and the mean over latents weighted by their importance;
    ``completeness`` is 1 − H/log Z of a factor's importances, weighted alike; ``informativeness``
    is the accuracy on the other half. Eastwood & Williams 2018,
    https://openreview.net/forum?id=By-7dz-AZ, §2; Locatello et al. 2019, arXiv:1811.12359, use
    gradient boosting. Every split looks at all latents: where it looks at a few by chance, the
    factors themselves get .69 instead of 1.

    References:
        eastwood2018, locatello2019

    Example:
        >>> import torch
        >>> from vaebench.metrics.dci import DCI
        >>> factors = torch.cartesian_prod(torch.arange(3), torch.arange(4)).repeat(20, 1)
        >>> noise = torch.Generator().manual_seed(0)
        >>> round(DCI(part="completeness").value(factors.double(), factors, noise), 2)
        1.0
    """

    def __init__(
        self,
        *,
        part: Literal["disentanglement", "completeness", "informativeness"] = "disentanglement",
    ) -> None:
        self.part = part

    def value(self, codes: Tensor, factors: Tensor, noise: torch.Generator) -> float:
        """In [0, 1]."""
        importance, accuracy = forests(codes.numpy(), factors.numpy(), generator(noise))
        if self.part == "informativeness":
            return float(accuracy.mean())
        return concentrated(importance if self.part == "disentanglement" else importance.T)


def forests(
    codes: np.ndarray, factors: np.ndarray, some: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Importances (Z, F) and the accuracy of each factor (F,), from two halves."""
    from sklearn.ensemble import RandomForestClassifier  # noqa: PLC0415 (a second of imports)

    order = some.permutation(len(codes))
    train, test = order[: len(order) // 2], order[len(order) // 2 :]
    importance, accuracy = [], []
    for values in factors.T:
        forest = RandomForestClassifier(TREES, max_features=None, random_state=0)
        forest.fit(codes[train], values[train])
        importance.append(forest.feature_importances_)
        accuracy.append((forest.predict(codes[test]) == values[test]).mean())
    return np.array(importance).T, np.array(accuracy)


def concentrated(importance: np.ndarray) -> float:
    """1 − entropy of each row relative to that of equal shares, weighted by the rows' sums."""
    if importance.sum() == 0 or importance.shape[1] == 1:
        return 0.0
    sums = importance.sum(1, keepdims=True)
    shares = importance / np.where(sums > 0, sums, 1)
    logs = np.log(np.where(shares > 0, shares, 1))
    rows = 1 + (shares * logs).sum(1) / np.log(importance.shape[1])
    return float((rows * sums[:, 0] / sums.sum()).sum())
