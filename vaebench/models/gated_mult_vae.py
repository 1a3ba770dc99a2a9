"""Mult-VAE told β: one training for all β."""

import torch
from torch import Tensor, nn

from vaebench.distributions import DiagonalGaussian
from vaebench.likelihoods import Multinomial
from vaebench.models import Recommender
from vaebench.models.dial import Chain, Dial, Dialled, Heads, Typical
from vaebench.models.layers import Dropout, Initial, Items, Linear, Output, Width, bare, perceptron
from vaebench.sparse import SparseRows


class GatedMultVAE(Dialled, Recommender):
    """Mult-VAE (I-600-200-600-I) with gates of log β on its hidden layers, on z, μ and log σ².

    After Bae et al. 2023, arXiv:2212.03905; see :class:`vaebench.models.dial.Gate`. Train it by
    ``log_uniform.LogUniform``, which draws β; all gates are 1 at the start, where it is Mult-VAE.
    Validation, test and recommendations are at the dial

        β_i = at · (n_i / typical)^exponent,

    n_i the interactions that the model is shown: by default one β for all. The dial's marks are not
    the β of separate trainings: the curve of rate and distortion agrees, its labels do not
    (docs/dial.md).

    Example:
        >>> import torch
        >>> from vaebench.models.gated_mult_vae import GatedMultVAE
        >>> model = GatedMultVAE(10, hidden=6, latents=2, at=0.2).eval()
        >>> model.decode(torch.zeros(3, 2)).logits.shape
        torch.Size([3, 10])
    """

    encoder: nn.ModuleDict

    def __init__(
        self,
        features: int,
        *,
        hidden: Width = 600,
        latents: Width = 200,
        dropout: Dropout = 0.5,
        at: Dial = 1.0,
        exponent: float = 0.0,
        typical: Typical = 1.0,
        initial: Initial = "glorot",
    ) -> None:
        super().__init__(latents, initial)
        self.at, self.exponent, self.typical = at, exponent, typical
        self.keep_range()
        self.encoder = nn.ModuleDict(
            {
                "input": Items(features, hidden, dropout),
                "hidden": Chain([nn.Tanh(), bare(Linear, hidden, 2 * latents)], [hidden]),
                "heads": Heads(latents),
            }
        )
        first = perceptron([latents, hidden], nn.Tanh).append(nn.Tanh())
        self.decoder = Chain([nn.Identity(), first, Output(hidden, features)], [latents, hidden])

    def encode(self, x: SparseRows, noise: torch.Generator | None = None) -> DiagonalGaussian:  # type: ignore[override]
        """q(z|x, β) of x normalised to length 1, (B, Z)."""
        given, parts = self.given(x), self.encoder
        heads = parts["hidden"](parts["input"](x, noise), given)
        posterior: DiagonalGaussian = parts["heads"](heads, given)
        return posterior

    def decode(self, z: Tensor, given: Tensor | None = None) -> Multinomial:
        """p(x|z, β) = multinomial with logits f(z, β), (B, I)."""
        return Multinomial(self.decoder(z, self.standing(given, z)))
