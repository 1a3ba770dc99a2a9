"""The vector-quantised VAE: β weighs the commitment of the encoder to its codewords."""

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from vaebench.distributions import Distribution
from vaebench.likelihoods import Likelihood
from vaebench.models import VAE
from vaebench.models.layers import ACTIVATIONS, Activation, Initial, Width, perceptron
from vaebench.models.pixels import PixelHead, Pixels
from vaebench.sparse import Batch


def nearest(z: Tensor, book: Tensor) -> Tensor:
    """The number of the nearest codeword at each position: z (…, M·d), book (K, d) → (…, M)."""
    parts = z.unflatten(-1, (-1, book.shape[1]))
    return ((book**2).sum(1) - 2 * parts @ book.T).argmin(-1)


@dataclass(frozen=True)
class Quantised:
    """q(z|x): one codeword at each of M positions, for certain.

    Attributes:
        encoded: (B, M·d) what the encoder gave.
        book: (K, d) the codewords.
    """

    encoded: Tensor
    book: Tensor

    @property
    def mean(self) -> Tensor:
        """The codewords, (B, M·d)."""
        return self.book[nearest(self.encoded, self.book)].flatten(-2)

    def sample(self, noise: torch.Generator, *shape: int) -> Tensor:  # noqa: ARG002
        """The codewords, (shape…, B, M·d); nothing is drawn."""
        return self.mean.detach().expand(*shape, *self.encoded.shape)

    def rsample(self, noise: torch.Generator) -> Tensor:  # noqa: ARG002
        """The codewords with the gradient of ``encoded``: straight through, none to the book."""
        return self.encoded + (self.mean - self.encoded).detach()

    def log_prob(self, z: Tensor) -> Tensor:
        """Log probability, (…, B, M·d): 0 at the chosen codewords, −∞ elsewhere."""
        own = nearest(z, self.book) == nearest(self.encoded, self.book)
        each = torch.where(own, 0.0, -torch.inf).to(z.dtype)
        return each.repeat_interleave(self.book.shape[1], -1)


@dataclass(frozen=True)
class Uniform:
    """p(z): any codeword at each of M positions, all equally likely.

    Attributes:
        book: (K, d) the codewords.
        positions: M.
    """

    book: Tensor
    positions: int

    @property
    def mean(self) -> Tensor:
        """The mean codeword at every position, (M·d,)."""
        return self.book.mean(0).repeat(self.positions)

    def sample(self, noise: torch.Generator, *shape: int) -> Tensor:
        """Codewords, (shape…, M·d), without a gradient."""
        size, device = (*shape, self.positions), self.book.device
        drawn = torch.randint(len(self.book), size, generator=noise, device=device)
        return self.book.detach()[drawn].flatten(-2)

    def rsample(self, noise: torch.Generator) -> Tensor:
        """One draw, (M·d,)."""
        return self.sample(noise)

    def log_prob(self, z: Tensor) -> Tensor:
        """−log K for each position, in equal parts for its d numbers; z must be codewords."""
        return torch.full_like(z, -math.log(len(self.book)) / self.book.shape[1])


class Quantiser(nn.Module):
    """The codewords, and the network that decodes them."""

    def __init__(self, codes: int, width: int, network: nn.Module) -> None:
        super().__init__()
        self.book = nn.Parameter(torch.empty(codes, width))
        self.network = network

    def forward(self, z: Tensor) -> Likelihood:
        """p(x|z)."""
        return self.network(z)


class VQVAE(VAE):
    """F-hidden-(M·d)-hidden-F; each of M positions has one of K codewords of d numbers.

    van den Oord, Vinyals & Kavukcuoglu 2017, arXiv:1711.00937, eq. 3: with z_e of the encoder, e
    the nearest codewords and sg for no gradient, the loss is

        D(e) + ‖sg z_e − e‖² + β ‖z_e − sg e‖²,

    and D's gradient at e is given to z_e. β weighs the last term, the commitment, whose size has no
    unit: .25 in the paper. The code is certain, so with the uniform prior of training
    log p(x) ≥ −(D + M log K), which is the ELBO here: the rate is a constant that nothing can move.
    The paper fits a prior to the codes afterwards; here none is, and pictures drawn of the uniform
    prior look like it. Importance weights add nothing, since all samples are one.

    ``positions`` is M, ``codes`` is K, ``width`` is d.

    Example:
        >>> import torch
        >>> from vaebench.models.vq_vae import VQVAE
        >>> model = VQVAE(16, positions=3, codes=8, width=2)
        >>> x = torch.ones(5, 16)
        >>> q = model.encode(x)
        >>> model.penalty(x, q, q.mean).shape, round(model.rate(x, q, q.mean).sum(1)[0].item(), 4)
        (torch.Size([5, 3]), 6.2383)
    """

    data_kind: ClassVar[Literal["interactions", "images"]] = "images"
    weighs: ClassVar[str] = "commitment"
    continuous: ClassVar[bool] = False
    decoder: Quantiser

    def __init__(
        self,
        features: int,
        *,
        hidden: list[Width] = [400],  # noqa: B006 (never written; the config's default)
        positions: Width = 10,
        codes: Width = 32,
        width: Width = 4,
        activation: Activation = "relu",
        likelihood: Pixels = Pixels(),  # noqa: B008 (frozen)
        initial: Initial = "glorot",
    ) -> None:
        super().__init__()
        self.positions, self.latents, self.initial = positions, positions * width, initial
        nonlinear, head = ACTIVATIONS[activation], PixelHead(likelihood)
        self.encoder = perceptron([features, *hidden, self.latents], nonlinear)
        outputs = head.outputs * features
        network = perceptron([self.latents, *reversed(hidden), outputs], nonlinear).append(head)
        self.decoder = Quantiser(codes, width, network)

    def encode(self, x: Tensor, noise: torch.Generator | None = None) -> Distribution:  # type: ignore[override]  # noqa: ARG002
        """The codewords nearest to what the encoder makes of pictures x (B, F), (B, M·d)."""
        return Quantised(self.encoder(x), self.book)

    def prior(self) -> Distribution:
        """All codewords alike."""
        return Uniform(self.book, self.positions)

    def decode(self, z: Tensor) -> Likelihood:
        """p(x|z), independent pixels."""
        return self.decoder(z)

    @property
    def book(self) -> Tensor:
        """The codewords, (K, d)."""
        return self.decoder.book

    def penalty(self, x: Batch, posterior: Distribution, z: Tensor) -> Tensor:  # noqa: ARG002
        """‖z_e − sg e‖² of each position, (B, M)."""
        encoded, chosen = self._pair(posterior)
        return self._squares(encoded - chosen.detach())

    def extra(self, x: Batch, posterior: Distribution, z: Tensor) -> Tensor:  # noqa: ARG002
        """‖sg z_e − e‖², which moves the codewords, (B,)."""
        encoded, chosen = self._pair(posterior)
        return self._squares(encoded.detach() - chosen).sum(1)

    def _pair(self, posterior: Distribution) -> tuple[Tensor, Tensor]:
        assert isinstance(posterior, Quantised)  # noqa: S101 (what encode returns)
        return posterior.encoded, posterior.mean

    def _squares(self, gap: Tensor) -> Tensor:
        return (gap**2).unflatten(1, (self.positions, -1)).sum(2)
