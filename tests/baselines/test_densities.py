"""The two densities against scikit-learn, SciPy and the collapsed case."""

import numpy as np
import pytest
import scipy.stats
import sklearn.decomposition

from vaebench.baselines.independent_pixels import IndependentPixels
from vaebench.baselines.pca import PCA
from vaebench.errors import DataError


def grey(pictures: int = 200, pixels: int = 6, *, seed: int = 0) -> np.ndarray:
    """Correlated pixels in [0, 1]."""
    random = np.random.default_rng(seed)
    mixed = random.normal(size=(pictures, 3)) @ random.normal(size=(3, pixels))
    return (1 / (1 + np.exp(-mixed - 0.3 * random.normal(size=mixed.shape)))).astype(np.float32)


def test_pca_has_scikit_learns_likelihood() -> None:
    """scikit-learn divides the covariance by N − 1; the maximum of likelihood divides by N."""
    train, test = grey(), grey(seed=1)
    model = PCA(latents=2)
    model.fit(train, np.random.default_rng(0))
    other = sklearn.decomposition.PCA(2).fit(train.astype(np.float64))
    shrink = (len(train) - 1) / len(train)
    covariance = other.get_covariance() * shrink
    expected = scipy.stats.multivariate_normal(other.mean_, covariance).logpdf(test)
    np.testing.assert_allclose(model.bounds(test)["elbo"], expected, rtol=1e-6)


def test_pcas_rate_is_the_kl_of_the_exact_posterior() -> None:
    """Bayes' rule on the joint Gaussian, the KL by its matrix formula."""
    train, test = grey(), grey(5, seed=1)
    model = PCA(latents=2)
    model.fit(train, np.random.default_rng(0))
    w = model.vectors * np.sqrt(model.values - model.variance)
    covariance = np.linalg.inv(np.eye(2) + w.T @ w / model.variance)
    mean = (test - model.mean) @ w @ covariance / model.variance
    kl = 0.5 * (np.trace(covariance) + (mean**2).sum(1) - 2 - np.log(np.linalg.det(covariance)))
    np.testing.assert_allclose(model.bounds(test)["rate"], kl)


def test_no_other_linear_model_is_likelier_on_the_training_pictures() -> None:
    train = grey()
    model = PCA(latents=2)
    model.fit(train, np.random.default_rng(0))
    best = model.bounds(train)["elbo"].mean()
    for factor in (0.9, 1.1):
        model.variance *= factor
        assert model.bounds(train)["elbo"].mean() < best
        model.variance /= factor


def test_pca_refuses_what_it_has_no_density_for() -> None:
    with pytest.raises(DataError, match="all training pixels are 0 or 1"):
        PCA(latents=2).fit(grey().round(), np.random.default_rng(0))
    flat = grey() @ np.ones((6, 6), np.float32) / 6
    with pytest.raises(DataError, match="lie in 2 dimensions, so σ² is 0"):
        PCA(latents=2).fit(flat, np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"latents: 6 .* less than the 6 pixels"):
        PCA(latents=6).fit(grey(), np.random.default_rng(0))


def test_independent_pixels_by_hand() -> None:
    """(0 + 1)/(2 + 2) = 1/4 and (2 + 1)/(2 + 2) = 3/4."""
    model = IndependentPixels()
    model.fit(np.array([[0, 1], [0, 1]], np.float32), np.random.default_rng(0))
    bounds = model.bounds(np.array([[0, 1], [1, 1]], np.float32))
    np.testing.assert_allclose(np.exp(bounds["elbo"]), [9 / 16, 3 / 16])
    assert (bounds["rate"] == 0).all()


def test_independent_pixels_are_for_binary_pictures() -> None:
    with pytest.raises(DataError, match="allowed: binary pictures"):
        IndependentPixels().fit(grey(), np.random.default_rng(0))
