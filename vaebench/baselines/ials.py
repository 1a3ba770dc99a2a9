"""iALS: weighted matrix factorisation for implicit feedback."""

from typing import ClassVar

import numpy as np
import torch
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from vaebench.baselines import Count, Positive, Recommender
from vaebench.search import Range


class IALS(Recommender):
    """min Σ_ui c_ui (p_ui − w_uᵀh_i)² + λ(Σ_u ‖w_u‖² + Σ_i ‖h_i‖²), by alternating least squares.

    p_ui = 1 and c_ui = α·x_ui for an interaction, p_ui = 0 and c_ui = 1 for every other pair (Hu,
    Koren & Volinsky 2008, ICDM, doi:10.1109/ICDM.2008.22, where c_ui = 1 + α·x_ui), as the library
    ``implicit`` has it. A held-out user is folded in by solving the user's own least squares,
    w_u = (HᵀC_uH + λI)⁻¹ HᵀC_u p_u, with the item factors H fixed; score(u, i) = w_uᵀh_i.
    λ is not scaled by the number of interactions (Rendle et al. 2022, arXiv:2110.14037, scale it).

    References:
        hu2008, rendle2022, frederickson

    Example:
        >>> import numpy as np
        >>> from scipy.sparse import csr_matrix
        >>> from vaebench.baselines.ials import IALS
        >>> x = csr_matrix(np.array([[1, 1, 0], [1, 1, 0], [0, 1, 1]], dtype=np.float32))
        >>> baseline = IALS(factors=2, l2=0.1)
        >>> baseline.fit(x, np.random.default_rng(0))
        >>> fold_in = csr_matrix(np.array([[1, 0, 0]], dtype=np.float32))
        >>> int(baseline.scores(fold_in)[0, 1:].argmax()) + 1
        1
    """

    deterministic: ClassVar[bool] = False
    search_space: ClassVar = {
        "factors": Range(16, 512, log=True, whole=True),
        "l2": Range(0.1, 1_000, log=True),
        "alpha": Range(1, 100, log=True),
    }

    def __init__(
        self,
        *,
        factors: Count = 128,
        l2: Positive = 10.0,
        alpha: Positive = 10.0,
        iterations: Count = 15,
    ) -> None:
        self.factors, self.l2, self.alpha, self.iterations = factors, l2, alpha, iterations

    def fit(self, x: csr_matrix, random: np.random.Generator) -> None:
        """Draw both factors small and alternate; three conjugate-gradient steps a solve."""
        from implicit.cpu.als import AlternatingLeastSquares  # noqa: PLC0415 (a second to load)

        # implicit has threads of its own and warns where BLAS has some too
        with threadpool_limits(1, "blas"):
            self.model = AlternatingLeastSquares(
                factors=self.factors,
                regularization=self.l2,
                alpha=self.alpha,
                iterations=self.iterations,
                num_threads=torch.get_num_threads(),
                random_state=random,
            )
            self.model.fit(x, show_progress=False)

    def scores(self, fold_in: csr_matrix) -> np.ndarray:
        """w_u Hᵀ with w_u solved exactly (Cholesky)."""
        with threadpool_limits(1, "blas"):
            users = self.model.recalculate_user(np.arange(fold_in.shape[0]), fold_in)
        return np.asarray(users @ self.model.item_factors.T, dtype=np.float32)

    def parameters(self) -> int:
        """I·K, the item factors; a user's are solved for."""
        return int(self.model.item_factors.size)
