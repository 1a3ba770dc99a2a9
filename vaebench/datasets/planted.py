"""Interactions drawn from a known latent-factor multinomial model: every answer is known."""

from pathlib import Path
from typing import Annotated

import numpy as np
import scipy.sparse
import torch
from pydantic import Field
from torch import Tensor

from vaebench.datasets import Interactions
from vaebench.datasets.protocol import Protocol, Ratings, Split
from vaebench.distributions import DiagonalGaussian, standard_normal
from vaebench.likelihoods import Multinomial
from vaebench.seeds import numpy_stream, torch_stream
from vaebench.sparse import SparseRows

Size = Annotated[int, Field(ge=1)]

NDCG_AT = 100
RECALL_AT = (20, 50)
"""Cut-offs of the metrics whose best values the card names."""


class Planted(Interactions):
    """z_u ~ N(0, I_K), n_u ~ 5 + lognormal, x_u ~ Multinomial(n_u, softmax(W z_u + b)).

    b is a long-tailed popularity, W has rows of length ``scale`` on average. Items are drawn with
    replacement and x keeps their counts, so that the model of the data is exactly the multinomial
    that Mult-VAE assumes: no model can have a higher expected log p(x) than this one, and no
    ranking a higher expected NDCG than the one by the true z.

    References:
        vaebench

    Example:
        >>> from vaebench.datasets.planted import Planted
        >>> Planted(users=900).raw_files()
        []
    """

    unit: str | None = ""
    licence = "none: drawn numbers"

    def __init__(
        self,
        *,
        users: Size = 1_600,
        items: Annotated[int, Field(gt=NDCG_AT)] = 500,
        latents: Size = 8,
        scale: Annotated[float, Field(gt=0)] = 2.0,
        mean_interactions: Annotated[float, Field(gt=5)] = 45.0,
        importance_samples: Size = 500,
        seed: Annotated[int, Field(ge=0)] = 0,
        split: Protocol = Protocol(  # noqa: B008 (frozen)
            min_items_per_user=0, validation_users=200, test_users=400
        ),
    ) -> None:
        if split.validation_users + split.test_users >= users:
            raise ValueError(
                f"users: {users} is not allowed; it should be more than the "
                f"{split.validation_users + split.test_users} held-out users of split"
            )
        self.users, self.items, self.latents, self.scale = users, items, latents, scale
        self.mean_interactions, self.importance_samples = mean_interactions, importance_samples
        self.seed, self.split = seed, split

    def decoder(self) -> tuple[Tensor, Tensor]:
        """The planted W (I, K) and b (I,), float64."""
        random = numpy_stream("planted decoder", self.seed)
        weights = random.normal(
            scale=self.scale / np.sqrt(self.latents), size=(self.items, self.latents)
        )
        bias = -0.7 * np.log1p(random.permutation(self.items))
        return torch.from_numpy(weights), torch.from_numpy(bias)

    def latent_users(self) -> Tensor:
        """The planted z (U, K), float64."""
        random = numpy_stream("planted users", self.seed)
        return torch.from_numpy(random.normal(size=(self.users, self.latents)))

    def read(self, raw: Path) -> Ratings:  # noqa: ARG002 (embedded)
        """The drawn counts as weighted interactions."""
        random = numpy_stream("planted interactions", self.seed)
        weights, bias = self.decoder()
        probabilities = torch.softmax(self.latent_users() @ weights.T + bias, 1).numpy()
        spread = 0.7
        location = np.log(self.mean_interactions - 5) - spread**2 / 2
        totals = 5 + random.lognormal(location, spread, self.users).astype(np.int64)
        drawn = random.multinomial(totals, probabilities)
        users, items = np.nonzero(drawn)
        return Ratings(
            users.astype(np.int32),
            items.astype(np.int32),
            np.arange(self.users),
            np.arange(self.items),
            drawn[users, items].astype(np.float32),
        )

    def truth(self, parts: Split) -> dict[str, float]:
        """Means over the test users of what is best possible.

        ``elbo``: log p(x) of the whole history by importance sampling, nats per user (the ELBO of
        an exact posterior). ``ndcg@100`` and the recalls: ranking by the true z, which bounds every
        ranking made from the fold-in part alone.
        """
        # the vocabulary is in order of first appearance: the decoder's rows must follow it
        fold_in, held_out = parts.matrices["test_fold_in"], parts.matrices["test_held_out"]
        weights, bias = self.decoder()
        vocabulary = torch.from_numpy(parts.ids["items"])
        weights, bias = weights[vocabulary], bias[vocabulary]
        x = SparseRows.from_scipy((fold_in + held_out).tocsr())
        noise = torch_stream("planted truth", self.seed)
        log_likelihood = log_marginal(weights, bias, x, noise, self.importance_samples)
        scores = self.latent_users()[torch.from_numpy(parts.ids["test_users"])] @ weights.T + bias
        return {"elbo": log_likelihood.mean().item()} | ranked(scores.numpy(), fold_in, held_out)


def ranked(
    scores: np.ndarray, fold_in: scipy.sparse.csr_matrix, held_out: scipy.sparse.csr_matrix
) -> dict[str, float]:
    """Means over the users with a target of NDCG@100, Recall@20 and Recall@50.

    A few lines of its own rather than :mod:`vaebench.metrics`: a data set depends on no metric, so
    that an edit of one splits nothing again. The tests compare the two.
    """
    scores = scores.copy()
    scores[fold_in.nonzero()] = -np.inf
    order = np.argsort(-scores, axis=1, kind="stable")
    hits = np.take_along_axis(held_out.toarray() > 0, order, axis=1)
    targets = hits.sum(axis=1)
    hits, targets = hits[targets > 0], targets[targets > 0]
    depth = min(NDCG_AT, hits.shape[1])
    discounts = 1 / np.log2(np.arange(2, NDCG_AT + 2))
    ideal = np.cumsum(discounts)[np.minimum(targets, NDCG_AT) - 1]
    found = {f"ndcg@{NDCG_AT}": hits[:, :depth] @ discounts[:depth] / ideal}
    found |= {f"recall@{k}": hits[:, :k].sum(axis=1) / np.minimum(targets, k) for k in RECALL_AT}
    return {name: float(values.mean()) for name, values in found.items()}


def log_marginal(
    weights: Tensor, bias: Tensor, x: SparseRows, noise: torch.Generator, samples: int
) -> Tensor:
    """Log p(x_u) = log E_{z ~ N(0, I)} Π_i softmax(W z + b)_i^{x_ui}, (U,), nats, float64.

    Importance sampling from a Gaussian at the posterior's mode (the log posterior is concave) with
    its curvature, a little widened (Laplace importance sampling).

    Args:
        weights: W (I, K) float64.
        bias: b (I,) float64.
        x: (U, I) counts.
        noise: CPU stream of the samples.
        samples: per user.
    """
    dense, totals = x.dense().double(), x.counts.double()
    identity = torch.eye(weights.shape[1], dtype=torch.float64)
    mode = torch.zeros(len(x), weights.shape[1], dtype=torch.float64)
    curvature = identity.expand(len(x), -1, -1)
    for _ in range(30):
        probability = torch.softmax(mode @ weights.T + bias, 1)
        mean = probability @ weights
        gradient = (dense - totals[:, None] * probability) @ weights - mode
        second = torch.einsum("ui,ik,il->ukl", probability, weights, weights)
        covariance = second - mean[:, :, None] * mean[:, None, :]
        curvature = totals[:, None, None] * covariance + identity
        step = torch.linalg.solve(curvature, gradient)
        mode = mode + step * torch.clamp(2 / step.norm(dim=1, keepdim=True), max=1)
    # z = mode + 1.2·L⁻ᵀε with curvature = L Lᵀ
    widening = 1.2
    factor = torch.linalg.cholesky(curvature)
    prior = standard_normal(weights.shape[1], weights.device)
    log_determinant = torch.log(torch.diagonal(factor, dim1=1, dim2=2)).sum(1)
    total = torch.full((len(x),), -torch.inf, dtype=torch.float64)
    for _ in range(samples):
        epsilon = torch.empty_like(mode).normal_(generator=noise)
        shift = torch.linalg.solve_triangular(factor.mT, epsilon[:, :, None], upper=True)[:, :, 0]
        z = mode + widening * shift
        log_joint = prior.log_prob(z).sum(1) + Multinomial(z @ weights.T + bias).log_prob(x)
        standard = DiagonalGaussian(torch.zeros_like(z), torch.zeros_like(z))
        log_proposal = (
            standard.log_prob(epsilon).sum(1)
            + log_determinant
            - weights.shape[1] * np.log(widening)
        )
        total = torch.logaddexp(total, log_joint - log_proposal)
    return total - np.log(samples)
