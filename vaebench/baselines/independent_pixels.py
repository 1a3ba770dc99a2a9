"""What popularity is to items: the mean picture."""

import numpy as np

from vaebench.baselines import Density, Positive
from vaebench.errors import DataError


class IndependentPixels(Density):
    """p(x) = Π_f Bernoulli(x_f | p_f), p_f = (Σ_n x_nf + a)/(N + 2a): no latent at all.

    ``pseudocount`` is a, Laplace's rule of succession at a = 1; it keeps pixels that never vary in
    training from an infinite loss. The bound is exact and the rate is 0: what a collapsed VAE is
    worth. For binary pictures.

    References:
        vaebench

    Example:
        >>> import numpy as np
        >>> from vaebench.baselines.independent_pixels import IndependentPixels
        >>> baseline = IndependentPixels()
        >>> baseline.fit(np.ones((8, 4), dtype=np.float32), np.random.default_rng(0))
        >>> baseline.parameters()
        4
    """

    pictures = "binary"

    def __init__(self, *, pseudocount: Positive = 1.0) -> None:
        self.pseudocount = pseudocount

    def fit(self, x: np.ndarray, random: np.random.Generator) -> None:  # noqa: ARG002
        """The mean picture.

        Raises:
            DataError: there are pixels other than 0 and 1.
        """
        if not np.isin(x, (0, 1)).all():
            raise DataError("pixels other than 0 and 1 in training; allowed: binary pictures")
        a = self.pseudocount
        self.mean = (x.sum(axis=0, dtype=np.float64) + a) / (len(x) + 2 * a)

    def bounds(self, x: np.ndarray) -> dict[str, np.ndarray]:
        """Log p(x), all of it distortion."""
        distortion = -(x @ np.log(self.mean) + (1 - x) @ np.log1p(-self.mean))
        return {"elbo": -distortion, "distortion": distortion, "rate": np.zeros(len(x))}

    def parameters(self) -> int:
        """F."""
        return self.mean.size
