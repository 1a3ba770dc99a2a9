"""Item-item weights in closed form, in the memory of one (I, I) matrix: of EASE^R and EDLAE."""

import numpy as np
import torch
from scipy.sparse import csr_matrix
from torch import Tensor

BLOCK = 1_000
"""Rows of an (I, I) matrix that are worked on at a time."""


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
    invert(torch.from_numpy(gram))
    # P = D P' D, so −P_ij/P_jj = −P'_ij/P'_jj · D_i/D_j
    column = -1 / (np.diagonal(gram) * scale)
    for start in range(0, items, BLOCK):
        gram[start : start + BLOCK] *= scale[start : start + BLOCK, None] * column
    gram.flat[:: items + 1] = 0
    return gram


def invert(a: Tensor) -> None:
    """A ← A⁻¹ for a symmetric positive definite A (I, I) float32 with a unit diagonal.

    Gauss–Jordan by blocks of :data:`BLOCK` items, in place: with K the items of a block and R all
    others, in turn for every block

        A_KK ← −S,  A_RK ← A_RK·S,  A_RR ← A_RR − A_RK·S·A_KR  with  S = (A_KK)⁻¹,

    which leaves −A⁻¹. Only the lower triangle is worked on: I³ operations, as Cholesky and the
    inverse of its factor take, all but a few of them in matrix products of torch, which use its
    threads. (LAPACK's own threaded spotrf crashed above 33,000 items.) A_KK is the Schur complement
    of all items before, so it is positive definite, and its inverse is a Cholesky's, in float64.
    Beyond A two panels (I, BLOCK) are held.

    The error is that of float32 times the condition number, as with Cholesky: Higham 2002, Accuracy
    and Stability of Numerical Algorithms, §14.4.

    Raises:
        ValueError: A is not positive definite in float32: a pivot, 1 − R² of an item given those
            before it, is not above float32's rounding.
    """
    items = len(a)
    parts = [slice(start, min(start + BLOCK, items)) for start in range(0, items, BLOCK)]
    for part in parts:
        _step(a, part, parts)
    for part in parts:
        corner = a[part, part].tril()
        a[part, part] = corner + corner.tril(-1).T
        a[part, part.stop :] = a[part.stop :, part].T
    a.neg_()


def _step(a: Tensor, block: slice, parts: list[slice]) -> None:
    """One block's turn; the lower triangle is read and written in blocks of rows ``parts``."""
    pivot = _inverse(a[block, block], block.start)
    panel = torch.cat([a[block, : block.start].T, a[block.start :, block]])
    scaled = panel @ pivot
    panel[block] = 0  # so that the products change no column of K
    for rows in parts:
        a[rows, : rows.stop].addmm_(scaled[rows], panel[: rows.stop].T, alpha=-1)
    a[block, : block.start] = scaled[: block.start].T
    a[block.stop :, block] = scaled[block.stop :]
    a[block, block] = -pivot


def _inverse(block: Tensor, start: int) -> Tensor:
    """The inverse of a diagonal block, whose first item is ``start``; its lower triangle counts."""
    factor, failed = torch.linalg.cholesky_ex(block.double().tril())
    pivots = factor.diagonal().square()[: int(failed) - 1 if failed else None]
    small = (pivots <= torch.finfo(torch.float32).eps).nonzero()
    item = int(small[0]) + 1 if len(small) else int(failed)
    if item:
        raise ValueError(
            f"l2: XᵀX + λI is not positive definite in float32 at item {start + item}; allowed: a "
            "larger l2"
        )
    return torch.cholesky_inverse(factor).float()
