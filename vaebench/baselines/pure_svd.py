"""PureSVD: a truncated singular value decomposition of the interactions."""

from typing import ClassVar

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.linalg import svds

from vaebench.baselines import Count, Recommender
from vaebench.search import Range


class PureSVD(Recommender):
    """X ≈ U Σ Qᵀ with K factors; score(u, ·) = x_u Q Qᵀ, the projection on their items' space.

    Cremonesi, Koren & Turrin 2010, RecSys, doi:10.1145/1864708.1864721, §3.3: no user factors are
    needed, so a new user is folded in by the same product. Computed by ARPACK from a fixed start.

    Raises:
        ValueError: more factors than the training matrix has rows or columns less one.

    References:
        cremonesi2010

    Example:
        >>> import numpy as np
        >>> from scipy.sparse import csr_matrix
        >>> from vaebench.baselines.pure_svd import PureSVD
        >>> x = csr_matrix(np.array([[1, 1, 0], [1, 1, 0], [0, 1, 1]], dtype=np.float32))
        >>> baseline = PureSVD(factors=2)
        >>> baseline.fit(x, np.random.default_rng(0))
        >>> fold_in = csr_matrix(np.array([[1, 0, 0]], dtype=np.float32))
        >>> int(baseline.scores(fold_in)[0, 1:].argmax()) + 1
        1
    """

    search_space: ClassVar = {"factors": Range(8, 512, log=True, whole=True)}

    def __init__(self, *, factors: Count = 50) -> None:
        self.factors = factors

    def fit(self, x: csr_matrix, random: np.random.Generator) -> None:  # noqa: ARG002
        """The K largest singular values' item factors Q (I, K)."""
        most = min(x.shape) - 1
        if self.factors > most:
            raise ValueError(f"factors: {self.factors} is not allowed; it should be at most {most}")
        # in double precision: single leaves the small singular vectors visibly rotated
        start = np.ones(min(x.shape))
        _, _, factors = svds(x.astype(np.float64), self.factors, v0=start, solver="arpack")
        self.item_factors = np.ascontiguousarray(factors.T, dtype=np.float32)

    def scores(self, fold_in: csr_matrix) -> np.ndarray:
        """x_u Q Qᵀ."""
        return np.asarray(fold_in @ self.item_factors, dtype=np.float32) @ self.item_factors.T

    def parameters(self) -> int:
        """I·K."""
        return self.item_factors.size
