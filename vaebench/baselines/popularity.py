"""The same list for everybody."""

import numpy as np
from scipy.sparse import csr_matrix

from vaebench.baselines import Recommender


class Popularity(Recommender):
    """score(u, i) = Σ_v x_vi over the training users: the number of interactions of item i.

    References:
        vaebench

    Example:
        >>> import numpy as np
        >>> from scipy.sparse import csr_matrix
        >>> from vaebench.baselines.popularity import Popularity
        >>> x = csr_matrix(np.array([[1, 1, 0], [1, 1, 0], [0, 1, 1]], dtype=np.float32))
        >>> baseline = Popularity()
        >>> baseline.fit(x, np.random.default_rng(0))
        >>> fold_in = csr_matrix(np.array([[1, 0, 0]], dtype=np.float32))
        >>> baseline.scores(fold_in)
        array([[2., 3., 1.]], dtype=float32)
    """

    def __init__(self) -> None:
        """Without options."""

    def fit(self, x: csr_matrix, random: np.random.Generator) -> None:  # noqa: ARG002
        """Count."""
        self.item_scores = np.asarray(x.sum(axis=0), dtype=np.float32).ravel()

    def scores(self, fold_in: csr_matrix) -> np.ndarray:
        """(B, I), every row the same."""
        return np.repeat(self.item_scores[None, :], fold_in.shape[0], axis=0)

    def parameters(self) -> int:
        """I counts."""
        return self.item_scores.size
