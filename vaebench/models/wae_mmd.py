"""The Wasserstein autoencoder: β weighs how far the codes of a batch are from the prior."""

from typing import ClassVar, Literal

import torch
from torch import Tensor

from vaebench.distributions import Distribution, Point
from vaebench.likelihoods import Likelihood
from vaebench.models import VAE
from vaebench.models.layers import Activation, Initial, Width
from vaebench.models.pixels import Pixels, networks
from vaebench.sparse import Batch

SCALES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Kernel s has the width 2·Z·s: Z is half the mean squared distance of two draws of N(0, I)."""


def discrepancy(z: Tensor) -> Tensor:
    """MMD² between codes z (B, Z) and N(0, I), one value a code, (B,); their mean estimates it.

    With the kernels k(a, b) = Σ_s exp(−‖a − b‖²/C_s), C_s = 2·Z·s, the value of code i is

        1/(B − 1) Σ_{l≠i} k(z_i, z_l) − 2·E k(z_i, b) + E k(b, b'),   b, b' ~ N(0, I),

    and the mean is unbiased for MMD² (Gretton et al. 2012, JMLR 13, lemma 6), so it may be negative
    where the codes have the prior's distribution. The expectations are in closed form:
    (C/(C + 2))^{Z/2} exp(−‖z_i‖²/(C + 2)) and (C/(C + 4))^{Z/2}. Of one code the first term is 0.
    """
    count, latents = z.shape
    norms = (z**2).sum(1)
    squares = (norms[:, None] + norms - 2 * z @ z.T).clamp_min(0)
    others = 1 - torch.eye(count, dtype=z.dtype, device=z.device)
    total = torch.zeros_like(norms)
    for scale in SCALES:
        width = 2 * latents * scale
        among = (torch.exp(-squares / width) * others).sum(1) / max(1, count - 1)
        across = (width / (width + 2)) ** (latents / 2) * torch.exp(-norms / (width + 2))
        total = total + among - 2 * across + (width / (width + 4)) ** (latents / 2)
    return total


class WAEMMD(VAE):
    """F-hidden-Z-hidden-F without noise; β weighs the discrepancy of the codes from N(0, I).

    Tolstikhin, Bousquet, Gelly & Schölkopf 2018, arXiv:1711.01558, algorithm 2, whose λ is β. The
    encoder is deterministic; what is compared with the prior is the distribution of all codes, not
    each posterior, so there is no rate and no bound. The paper draws codes of the prior and uses
    other kernels; here the prior's expectations are exact, see :func:`discrepancy`. The penalty has
    no unit and is of the order of 1, while a distortion in nats is of the order of the pixels:
    β of 10 or 100 is usual. A study selects its epoch by ``elbo.Reconstruction``.

    References:
        tolstikhin2018

    Example:
        >>> import torch
        >>> from vaebench.models.wae_mmd import WAEMMD
        >>> model = WAEMMD(16, latents=2)
        >>> x = torch.ones(3, 16)
        >>> q = model.encode(x)
        >>> model.penalty(x, q, q.mean).shape
        torch.Size([3, 1])
    """

    data_kind: ClassVar[Literal["interactions", "images"]] = "images"
    has_rate: ClassVar[bool] = False
    has_bound: ClassVar[bool] = False
    weighs: ClassVar[str] = "maximum mean discrepancy"

    def __init__(
        self,
        features: int,
        *,
        hidden: list[Width] = [400],  # noqa: B006 (never written; the config's default)
        latents: Width = 8,
        activation: Activation = "relu",
        likelihood: Pixels = Pixels(),  # noqa: B008 (frozen)
        initial: Initial = "glorot",
    ) -> None:
        super().__init__()
        self.latents, self.initial = latents, initial
        widths = [features, *hidden, latents]
        self.encoder, self.decoder = networks(widths, latents, activation, likelihood)

    def encode(self, x: Tensor, noise: torch.Generator | None = None) -> Distribution:  # type: ignore[override]  # noqa: ARG002
        """The code z of pictures x (B, F), as a distribution without spread, (B, Z)."""
        return Point(self.encoder(x))

    def decode(self, z: Tensor) -> Likelihood:
        """p(x|z), independent pixels."""
        return self.decoder(z)

    def rate(self, x: Batch, posterior: Distribution, z: Tensor) -> Tensor:  # noqa: ARG002
        """None: zeros, (B, Z)."""
        return torch.zeros_like(z)

    def penalty(self, x: Batch, posterior: Distribution, z: Tensor) -> Tensor:  # noqa: ARG002
        """The discrepancy of the batch's codes, (B, 1), whose mean is MMD²."""
        return discrepancy(z)[:, None]
