"""RecVAE: a dense residual encoder, a composite prior that remembers, and turns of training."""

import copy
import math
from typing import Annotated, Any, ClassVar, Self

import torch
from pydantic import Field
from torch import Tensor, nn

from vaebench.distributions import DiagonalGaussian, Distribution, gaussian, standard_normal
from vaebench.models import Recommender
from vaebench.models.layers import Dropout, Initial, Items, Linear, Output, Width, bare
from vaebench.sparse import Batch, SparseRows

LOG_WIDE = 10.0
"""log σ² of the prior's wide component: N(0, e¹⁰ I)."""

NORM_EPSILON = 0.1
"""The ε of the layer normalisations, as in the authors' code (torch's own default is 1e-5)."""

Proportion = Annotated[float, Field(gt=0)]


class ResidualEncoder(nn.Module):
    """h_k = LayerNorm(swish(W_k h_{k−1} + b_k + Σ_{l<k} h_l)), five layers, then μ and log σ².

    (B, I) sparse → (B, 2Z); the first layer has no earlier ones to add.
    """

    def __init__(
        self, features: int, hidden: int, latents: int, layers: int, dropout: float
    ) -> None:
        super().__init__()
        self.items = Items(features, hidden, dropout)
        self.dense = nn.ModuleList(bare(Linear, hidden, hidden) for _ in range(layers - 1))
        self.norms = nn.ModuleList(nn.LayerNorm(hidden, eps=NORM_EPSILON) for _ in range(layers))
        self.heads = bare(Linear, hidden, 2 * latents)

    def forward(self, x: SparseRows, noise: torch.Generator | None = None) -> Tensor:
        """(μ, log σ²), (B, 2Z)."""
        h = self.norms[0](nn.functional.silu(self.items(x, noise)))
        earlier = h
        for linear, norm in zip(self.dense, list(self.norms)[1:], strict=True):
            h = norm(nn.functional.silu(linear(h) + earlier))
            earlier = earlier + h
        return self.heads(h)


class RecVAE(Recommender):
    """I-600×5-200-I, composite prior, Monte Carlo rate, encoder and decoder in turn.

    Shenbin, Alekseev, Tutubalina, Malykh & Nikolenko, WSDM 2020, arXiv:1912.11160, and the authors'
    code. The prior of a user's latent j is the mixture, per latent,

        p(z_j|x) = w₁ N(0, 1) + w₂ q_old(z_j|x) + w₃ N(0, e¹⁰)

    with ``mixture`` w = (3/20, 3/4, 1/10) and q_old the encoder as it was before the last decoder
    pass, on undisturbed input. Mixtures have no closed-form KL: the rate is log q(z_j|x) − log
    p(z_j|x) at the one sample z. Since this prior looks at x, −(D + R) is no bound on log p(x).

    RecVAE as published is this model with β_i = γ·n_i (strategy ``user_scaled.UserScaled``) and its
    own update order, which is this class's default; weights start as torch's linear layers do.

    References:
        shenbin2020

    Example:
        >>> import torch
        >>> from vaebench.models.rec_vae import RecVAE
        >>> model = RecVAE(10, hidden=6, latents=2).eval()
        >>> model.decode(torch.zeros(3, 2)).logits.shape
        torch.Size([3, 10])
    """

    has_bound: ClassVar[bool] = False
    update_order: ClassVar[dict[str, Any]] = {"class": "alternating.Alternating"}
    decoder: Output

    def __init__(
        self,
        features: int,
        *,
        hidden: Width = 600,
        latents: Width = 200,
        layers: Annotated[int, Field(ge=1, le=100)] = 5,
        dropout: Dropout = 0.5,
        mixture: tuple[Proportion, Proportion, Proportion] = (3 / 20, 3 / 4, 1 / 10),
        initial: Initial = "torch",
    ) -> None:
        super().__init__(latents, initial)
        if not math.isclose(sum(mixture), 1):
            raise ValueError(f"mixture: {list(mixture)} is not allowed; it should sum to 1")
        self.mixture = mixture
        self.encoder = ResidualEncoder(features, hidden, latents, layers, dropout)
        self.decoder = Output(latents, features)
        self.old_encoder = copy.deepcopy(self.encoder).requires_grad_(requires_grad=False).eval()

    def train(self, mode: bool = True) -> Self:  # noqa: FBT001, FBT002 (torch's signature)
        """Training mode, or evaluation; the old encoder always sees undisturbed input."""
        super().train(mode)
        self.old_encoder.eval()
        return self

    def rate(self, x: Batch, posterior: Distribution, z: Tensor) -> Tensor:
        """Log q(z_j|x) − log p(z_j|x) at the sample z: (B, Z), one-sample Monte Carlo."""
        with torch.no_grad():
            old = gaussian(self.old_encoder(x))
        standard = standard_normal(self.latents, z.device)
        wide = DiagonalGaussian(standard.mean, standard.log_variance + LOG_WIDE)
        components = [
            math.log(weight) + density.log_prob(z)
            for weight, density in zip(self.mixture, (standard, old, wide), strict=True)
        ]
        return posterior.log_prob(z) - torch.logsumexp(torch.stack(components), 0)

    def remember(self) -> None:
        """The encoder becomes the prior's old one."""
        self.old_encoder.load_state_dict(self.encoder.state_dict())
