"""Probabilistic PCA: the linear VAE at its optimum, in closed form."""

from typing import ClassVar

import numpy as np

from vaebench.baselines import Count, Density
from vaebench.errors import DataError
from vaebench.search import Range


class PCA(Density):
    """p(x|z) = N(Wz + m, σ²I), z ~ N(0, I_K), at maximum likelihood; q(z|x) the exact posterior.

    Tipping & Bishop 1999, JRSS B 61(3), eqs. 7-8: with the eigenvalues λ_1 ≥ … ≥ λ_F of the
    training covariance (divided by N) and the leading eigenvectors V,

        σ² = mean(λ_{K+1} … λ_F),   W = V (Λ_K − σ²I)^½,   q(z|x) = N(M⁻¹Wᵀ(x − m), σ²M⁻¹),
        M = WᵀW + σ²I = Λ_K, diagonal in these coordinates.

    It is the global optimum of a linear VAE with a learned shared variance at β = 1 (Lucas et al.
    2019, arXiv:1911.02469), so a VAE with a Gaussian likelihood should not end below it. The
    values are log densities of continuous pictures: not to be compared with a Bernoulli likelihood,
    hence refused on binary pictures.

    Raises:
        ValueError: as many latents as pixels, or more.

    References:
        tipping1999, lucas2019

    Example:
        >>> import numpy as np
        >>> from vaebench.baselines.pca import PCA
        >>> noise = np.random.default_rng(0)
        >>> baseline = PCA(latents=1)
        >>> baseline.fit(noise.random((20, 4), dtype=np.float32), noise)
        >>> baseline.parameters()
        9
    """

    pictures = "grey"
    search_space: ClassVar = {"latents": Range(1, 64, log=True, whole=True)}

    def __init__(self, *, latents: Count = 20) -> None:
        self.latents = latents

    def fit(self, x: np.ndarray, random: np.random.Generator) -> None:  # noqa: ARG002
        """Eigenvectors of the covariance, float64.

        Raises:
            DataError: the pictures are binary, or lie in a space of K dimensions (σ² = 0).
        """
        if self.latents >= x.shape[1]:
            raise ValueError(
                f"latents: {self.latents} is not allowed; it should be less than the "
                f"{x.shape[1]} pixels"
            )
        if np.isin(x, (0, 1)).all():
            raise DataError(
                "all training pixels are 0 or 1, where a density is no probability; allowed: grey "
                "pictures"
            )
        pictures = x.astype(np.float64)
        self.mean = pictures.mean(axis=0)
        centred = pictures - self.mean
        values, vectors = np.linalg.eigh(centred.T @ centred / len(x))
        leading = slice(None, -self.latents - 1, -1)
        self.values, self.vectors = values[leading], vectors[:, leading]
        self.variance = float(values[: -self.latents].mean())
        if self.variance <= np.finfo(np.float32).eps * values[-1]:
            raise DataError(
                f"the training pictures lie in {self.latents} dimensions, so σ² is 0; allowed: "
                "fewer latents"
            )

    def bounds(self, x: np.ndarray) -> dict[str, np.ndarray]:
        """Rate KL(q‖p), distortion −E_q log p(x|z), and their exact sum −log p(x)."""
        centred = x.astype(np.float64) - self.mean
        projected = centred @ self.vectors
        gain = self.values - self.variance  # W = V·gain^½, so WᵀW = gain and M = values
        posterior_mean = projected * np.sqrt(gain) / self.values
        posterior_variance = self.variance / self.values
        rate = 0.5 * (
            (posterior_mean**2).sum(axis=1)
            + (posterior_variance - 1 - np.log(posterior_variance)).sum()
        )
        # E_q ‖x − m − Wz‖² = ‖x − m − W E z‖² + tr(W Cov Wᵀ)
        unexplained = (centred**2).sum(axis=1) - (projected**2).sum(axis=1)
        within = ((projected - posterior_mean * np.sqrt(gain)) ** 2).sum(axis=1)
        expected = unexplained + within + (gain * posterior_variance).sum()
        pixels = x.shape[1]
        distortion = 0.5 * (pixels * np.log(2 * np.pi * self.variance) + expected / self.variance)
        return {"elbo": -(distortion + rate), "distortion": distortion, "rate": rate}

    def parameters(self) -> int:
        """F·K + F + 1: W, m and σ²."""
        return self.mean.size * (self.latents + 1) + 1
