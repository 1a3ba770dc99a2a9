"""Item-item weights in closed form, in the memory of one (I, I) matrix: of EASE^R and EDLAE."""

import numpy as np
from scipy.linalg.lapack import spotrf, spotri
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

BLOCK = 1_000
"""Rows of an (I, I) matrix that are worked on at a time."""

ALONE = 32_768
"""Above so many items LAPACK gets one thread: OpenBLAS's threaded spotrf crashes at 41,140 columns
(SciPy's wheels, two threads; 33,000 columns pass, and one thread does not crash)."""


def gram(x: csr_matrix, l2: float) -> np.ndarray:
    """XᵀX + λI, (I, I) float32, C order; exact for counts below 2²⁴."""
    items = x.shape[1]
    by_item = x.T.tocsr()
    product = np.empty((items, items), np.float32)
    for start in range(0, items, BLOCK):
        stop = min(start + BLOCK, items)
        product[start:stop] = (by_item[start:stop] @ x).toarray()
    product.flat[:: items + 1] += np.float32(l2)
    return product


def item_weights(gram: np.ndarray) -> np.ndarray:
    """B of a positive definite matrix G = XᵀX + λI (I, I), written over it.

    With P = G⁻¹: B_ij = −P_ij/P_jj for i ≠ j, B_jj = 0.

    Raises:
        ValueError: G is not positive definite in float32 (λ too small).
    """
    items = len(gram)
    scale = 1 / np.sqrt(np.diagonal(gram))
    for start in range(0, items, BLOCK):
        gram[start : start + BLOCK] *= scale[start : start + BLOCK, None] * scale
    with threadpool_limits(1 if items > ALONE else None, "blas"):
        # LAPACK works by columns: the lower triangle of Gᵀ's memory is the upper one of G's
        factor, failed = spotrf(gram.T, lower=True, overwrite_a=True, clean=False)
        if failed:
            raise ValueError(
                f"l2: XᵀX + λI is not positive definite in float32 at item {failed}; allowed: a "
                "larger l2"
            )
        inverse, failed = spotri(factor, lower=True, overwrite_c=True)
        if failed:  # a zero on the factor's diagonal, which spotrf has excluded
            raise ValueError(f"l2: XᵀX + λI is singular at item {failed}; allowed: a larger l2")
    weights = inverse.T
    assert np.shares_memory(weights, gram)  # noqa: S101 (a copy would double the memory)
    for start in range(0, items, BLOCK):  # the other triangle
        stop = min(start + BLOCK, items)
        corner = weights[start:stop, start:stop]
        corner[:] = np.triu(corner) + np.triu(corner, 1).T
        weights[stop:, start:stop] = weights[start:stop, stop:].T
    # P = D P' D, so −P_ij/P_jj = −P'_ij/P'_jj · D_i/D_j
    column = -1 / (np.diagonal(weights) * scale)
    for start in range(0, items, BLOCK):
        weights[start : start + BLOCK] *= scale[start : start + BLOCK, None] * column
    weights.flat[:: items + 1] = 0
    return weights
