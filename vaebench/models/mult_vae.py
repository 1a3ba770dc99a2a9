"""Mult-VAE: the multinomial VAE for collaborative filtering."""

from torch import nn

from vaebench.models import Recommender
from vaebench.models.layers import Dropout, Initial, ItemsEncoder, Output, Width, perceptron


class MultVAE(Recommender):
    """I-600-200-600-I with tanh, dropout on the L2-normalised input, multinomial likelihood.

    Liang, Krishnan, Hoffman & Jebara, WWW 2018, arXiv:1802.05814, and the authors' notebook for
    ML-20M, where weights start Glorot-uniform.

    References:
        liang2018

    Example:
        >>> import torch
        >>> from vaebench.models.mult_vae import MultVAE
        >>> model = MultVAE(10, hidden=6, latents=2).eval()
        >>> model.decode(torch.zeros(3, 2)).logits.shape
        torch.Size([3, 10])
    """

    encoder: ItemsEncoder

    def __init__(
        self,
        features: int,
        *,
        hidden: Width = 600,
        latents: Width = 200,
        dropout: Dropout = 0.5,
        initial: Initial = "glorot",
    ) -> None:
        super().__init__(latents, initial)
        self.encoder = ItemsEncoder(features, [hidden, 2 * latents], dropout)
        self.decoder = nn.Sequential(
            perceptron([latents, hidden], nn.Tanh), nn.Tanh(), Output(hidden, features)
        )
