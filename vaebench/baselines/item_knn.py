"""Item-based nearest neighbours."""

from typing import ClassVar

import numpy as np
import scipy.sparse
from scipy.sparse import csr_matrix

from vaebench.baselines import Count, NonNegative, Recommender
from vaebench.search import Range

BLOCK = 1_000
"""Items whose similarities are worked on at a time."""


class ItemKNN(Recommender):
    """score(u, i) = Σ_j x_uj s_ji over the K items j most similar to i; s the shrunk cosine.

    s_ij = x_iᵀx_j / (‖x_i‖‖x_j‖ + h) for columns x_i of X, s_ii = 0 (Sarwar et al. 2001, WWW;
    the shrinkage h as in Ferrari Dacrema et al. 2019, arXiv:1907.06902). Of equally similar items
    the one that comes first is kept.

    References:
        sarwar2001, ferraridacrema2019

    Example:
        >>> import numpy as np
        >>> from scipy.sparse import csr_matrix
        >>> from vaebench.baselines.item_knn import ItemKNN
        >>> x = csr_matrix(np.array([[1, 1, 0], [1, 1, 0], [0, 1, 1]], dtype=np.float32))
        >>> baseline = ItemKNN(neighbours=2)
        >>> baseline.fit(x, np.random.default_rng(0))
        >>> fold_in = csr_matrix(np.array([[1, 0, 0]], dtype=np.float32))
        >>> int(baseline.scores(fold_in)[0, 1:].argmax()) + 1
        1
    """

    search_space: ClassVar = {
        "neighbours": Range(5, 1_000, log=True, whole=True),
        "shrinkage": Range(1, 1_000, log=True),
    }

    def __init__(self, *, neighbours: Count = 100, shrinkage: NonNegative = 0.0) -> None:
        self.neighbours, self.shrinkage = neighbours, shrinkage

    def fit(self, x: csr_matrix, random: np.random.Generator) -> None:  # noqa: ARG002
        """All similarities in blocks; the K largest of every item stay."""
        self.similarities = neighbours(x, self.neighbours, self.shrinkage)

    def scores(self, fold_in: csr_matrix) -> np.ndarray:
        """x_u S."""
        return (fold_in @ self.similarities).toarray().astype(np.float32, copy=False)

    def parameters(self) -> int:
        """At most I·K similarities."""
        return self.similarities.nnz


def neighbours(x: csr_matrix, number: int, shrinkage: float) -> csr_matrix:
    """S (I, I) with the ``number`` largest similarities of each column; see :class:`ItemKNN`."""
    by_item = x.T.tocsr()
    norms = np.sqrt(np.asarray(x.multiply(x).sum(axis=0), dtype=np.float32).ravel())
    kept = []
    for start in range(0, len(norms), BLOCK):
        similar = (by_item[start : start + BLOCK] @ x).toarray()
        size = norms[start : start + BLOCK, None] * norms + np.float32(shrinkage)
        similar /= np.maximum(size, np.finfo(np.float32).tiny)
        rows = np.arange(len(similar))
        similar[rows, start + rows] = 0
        if number < len(norms):
            # stable, so that ties do not depend on the partition's inner order
            best = np.argsort(-similar, axis=1, kind="stable")[:, :number]
            values = np.take_along_axis(similar, best, axis=1)
            similar[:] = 0
            np.put_along_axis(similar, best, values, axis=1)
        kept.append(csr_matrix(similar))
    return scipy.sparse.vstack(kept).T.tocsr()
