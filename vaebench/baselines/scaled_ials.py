"""iALS with a penalty that grows with a user's and an item's interactions."""

import itertools
from typing import ClassVar

import numpy as np
from scipy.linalg.lapack import sposv
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from vaebench.baselines import Count, NonNegative, Positive, Recommender
from vaebench.search import Range


class ScaledIALS(Recommender):
    """min Σ_ui x_ui (1 − w_uᵀh_i)² + α₀ Σ_ui (w_uᵀh_i)² + Σ_u λ_u ‖w_u‖² + Σ_i λ_i ‖h_i‖².

    λ_u = λ(n_u + α₀I)^ν and λ_i = λ(n_i + α₀U)^ν, with n_u and n_i the interactions of a user and
    of an item, I all items and U all users (Rendle, Krichene, Zhang & Koren 2022, "Revisiting the
    performance of iALS on item recommendation benchmarks", arXiv:2110.14037). The second sum is
    over all pairs. ``l2`` is λ, ``unobserved`` α₀, ``exponent`` ν.

    ν = 0 is the objective of :class:`vaebench.baselines.ials.IALS` at α = 1 + 1/α₀ and a λ there of
    α·λ here, whose scores are (1 + α₀) times as large (binary x). A held-out user is folded in by
    solving the user's own least squares, w_u = (HᵀX_uH + α₀HᵀH + λ_uI)⁻¹ Hᵀx_u, H being fixed.

    References:
        rendle2022

    Example:
        >>> import numpy as np
        >>> from scipy.sparse import csr_matrix
        >>> from vaebench.baselines.scaled_ials import ScaledIALS
        >>> x = csr_matrix(np.array([[1, 1, 0], [1, 1, 0], [0, 1, 1]], dtype=np.float32))
        >>> baseline = ScaledIALS(factors=2)
        >>> baseline.fit(x, np.random.default_rng(0))
        >>> fold_in = csr_matrix(np.array([[1, 0, 0]], dtype=np.float32))
        >>> int(baseline.scores(fold_in)[0, 1:].argmax()) + 1
        1
    """

    deterministic: ClassVar[bool] = False
    search_space: ClassVar = {
        "factors": Range(16, 512, log=True, whole=True),
        "l2": Range(0.0003, 0.3, log=True),
        "unobserved": Range(0.003, 3, log=True),
    }

    def __init__(
        self,
        *,
        factors: Count = 128,
        l2: Positive = 0.01,
        unobserved: Positive = 0.1,
        exponent: NonNegative = 1.0,
        iterations: Count = 16,
    ) -> None:
        self.factors, self.l2, self.unobserved = factors, l2, unobserved
        self.exponent, self.iterations = exponent, iterations

    def fit(self, x: csr_matrix, random: np.random.Generator) -> None:
        """Draw the items' factors of N(0, .1²/K) and alternate: users, then items."""
        self.item_factors = random.normal(0, 0.1, (x.shape[1], self.factors)).astype(np.float32)
        self.item_factors /= np.float32(np.sqrt(self.factors))
        by_item = x.T.tocsr()
        with threadpool_limits(1, "blas"):  # the matrices are small
            for _ in range(self.iterations):
                users = self.solved(x, self.item_factors)
                self.item_factors = self.solved(by_item, users)

    def solved(self, x: csr_matrix, fixed: np.ndarray) -> np.ndarray:
        """The factors of the rows of x (R, C), (R, K), given those of the columns, (C, K)."""
        found = np.zeros((x.shape[0], self.factors), np.float32)
        common = np.float32(self.unobserved) * (fixed.T @ fixed)
        for row, (start, stop) in enumerate(itertools.pairwise(x.indptr)):
            near, weight = fixed[x.indices[start:stop]], x.data[start:stop]
            left = common + near.T @ (weight[:, None] * near)
            left.flat[:: self.factors + 1] += self.penalty(stop - start, x.shape[1])
            _, found[row], failed = sposv(left, weight @ near)
            assert not failed  # noqa: S101 (λ_u > 0)
        return found

    def penalty(self, interactions: int, of: int) -> np.float32:
        """λ(interactions + α₀·of)^ν."""
        return np.float32(self.l2 * (interactions + self.unobserved * of) ** self.exponent)

    def scores(self, fold_in: csr_matrix) -> np.ndarray:
        """w_u Hᵀ with w_u solved for."""
        with threadpool_limits(1, "blas"):
            users = self.solved(fold_in.tocsr(), self.item_factors)
        return users @ self.item_factors.T

    def parameters(self) -> int:
        """I·K, the item factors; a user's are solved for."""
        return int(self.item_factors.size)
