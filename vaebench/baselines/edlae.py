"""EDLAE: the linear denoising autoencoder that must predict what was dropped, in closed form."""

from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field
from scipy.sparse import csr_matrix

from vaebench.baselines import NonNegative, Recommender
from vaebench.baselines.item_item import gram, item_weights
from vaebench.search import Range

Dropout = Annotated[float, Field(ge=0, lt=1)]
"""The probability that an interaction is dropped."""


class EDLAE(Recommender):
    """min_B Σ_uj E[(1 − δ_uj)(x_uj − Σ_i δ_ui x_ui B_ij)²]/p + λ‖qB‖², δ_ui ~ Bernoulli(q = 1 − p).

    Steck 2020, NeurIPS, "Autoencoders that don't overfit towards the identity", full rank and full
    emphasis: only what was dropped has to be predicted, from what was kept. The expectation leaves
    a ridge regression, whose penalty of item i grows with its interactions:

        qB = I − C·diag(1/C_jj) = argmin ‖X − XB‖² + ‖Λ^½ B‖² + λ‖B‖² with diag(B) = 0,
        C = (XᵀX + Λ + λI)⁻¹, Λ = (p/q)·diag(XᵀX)

    ``dropout`` is p, ``l2`` is λ; p = 0 is EASE^R. score(u, ·) = x_u·qB, the factor q moving no
    rank. Memory and exactness are those of :class:`vaebench.baselines.ease.EASE`.

    References:
        steck2020

    Example:
        >>> import numpy as np
        >>> from scipy.sparse import csr_matrix
        >>> from vaebench.baselines.edlae import EDLAE
        >>> x = csr_matrix(np.array([[1, 1, 0], [1, 1, 0], [0, 1, 1]], dtype=np.float32))
        >>> baseline = EDLAE(dropout=0.5, l2=1.0)
        >>> baseline.fit(x, np.random.default_rng(0))
        >>> fold_in = csr_matrix(np.array([[1, 0, 0]], dtype=np.float32))
        >>> int(baseline.scores(fold_in)[0, 1:].argmax()) + 1
        1
    """

    search_space: ClassVar = {"dropout": Range(0.05, 0.95), "l2": Range(1, 1_000, log=True)}

    def __init__(self, *, dropout: Dropout = 0.5, l2: NonNegative = 10.0) -> None:
        self.dropout, self.l2 = dropout, l2

    def fit(self, x: csr_matrix, random: np.random.Generator) -> None:  # noqa: ARG002
        """Invert."""
        product = gram(x, self.l2)
        odds = self.dropout / (1 - self.dropout)
        squares = np.asarray(x.multiply(x).sum(0)).ravel()
        product.flat[:: len(product) + 1] += (odds * squares).astype(np.float32)
        self.weights = item_weights(product)

    def scores(self, fold_in: csr_matrix) -> np.ndarray:
        """x_u·qB."""
        return np.asarray(fold_in @ self.weights, dtype=np.float32)

    def parameters(self) -> int:
        """I² − I, the diagonal being 0."""
        return self.weights.size - len(self.weights)
