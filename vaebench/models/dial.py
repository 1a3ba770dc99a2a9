"""What lets one training serve all β: gates that a dial moves, and where the dial stands."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from vaebench.distributions import DiagonalGaussian, gaussian, standard_normal
from vaebench.sparse import Batch, counts

if TYPE_CHECKING:
    from vaebench.models import VAE

    Base = VAE
else:
    Base = object

LOWEST, HIGHEST = -10, 5
"""The first and the last knot of a gate, as powers of 2: β from about .001 to 32."""

Dial = Annotated[float, Field(ge=2.0**LOWEST, le=2.0**HIGHEST)]
"""A β that a model can be told: 2⁻¹⁰ … 2⁵."""

Typical = Annotated[float, Field(gt=0)]
"""A number of interactions."""

KNOTS = HIGHEST - LOWEST + 1


def hats(beta: Tensor) -> Tensor:
    """How near each β (B,) is to each knot 2^k, (B, K): max(0, 1 − |log₂ β − k|).

    The numbers of a row are ≥ 0 and sum to 1; at most two are not 0. So Σ_k φ_k(β) a_k is a
    function of β through the points (2^k, a_k), linear in log β between them. Beyond the first and
    the last knot it is that of the knot.
    """
    place = torch.log2(beta).clamp(LOWEST, HIGHEST)
    knots = torch.arange(LOWEST, HIGHEST + 1, dtype=place.dtype, device=place.device)
    return (1 - (place[:, None] - knots).abs()).clamp_min(0)


class Shift(nn.Module):
    """h + a(β): one function of log β a unit, linear between the knots, 0 at the start."""

    drawn = False

    def __init__(self, width: int) -> None:
        super().__init__()
        self.values = nn.Parameter(torch.empty(KNOTS, width))

    def settle(self) -> None:
        """At 0: the model starts as the plain one."""
        nn.init.zeros_(self.values)

    def forward(self, h: Tensor, given: Tensor) -> Tensor:
        """(B, H) → (B, H); ``given`` (B, K) is what :func:`hats` says of β."""
        return h + given @ self.values


class Gate(Shift):
    """h · g(β), g between 0 and 2 through 2σ(a_k) at the knots, 1 at the start.

    Gates of log β are those of Bae et al. 2023, arXiv:2212.03905, who take them from a perceptron;
    here each knot has a value, so that a unit can switch off at a β of its own (docs/tried.md has
    the numbers of both).
    """

    def forward(self, h: Tensor, given: Tensor) -> Tensor:
        """(B, H) → (B, H)."""
        return h * (given @ (2 * torch.sigmoid(self.values)))


class Chain(nn.Module):
    """Layers one after another, with a gate after each but the last."""

    def __init__(self, layers: Sequence[nn.Module], widths: Sequence[int]) -> None:
        """``widths``: of the outputs of all layers but the last."""
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self.gates = nn.ModuleList(Gate(width) for width in widths)

    def forward(self, h: Tensor, given: Tensor) -> Tensor:
        """(B, ·) → (B, ·)."""
        *inner, last = self.layers
        for layer, gate in zip(inner, self.gates, strict=True):
            h = gate(layer(h), given)
        found: Tensor = last(h)
        return found


class Heads(nn.Module):
    """From μ and log σ² (B, 2Z) to the posterior: a gate on both, and a shift on log σ²."""

    def __init__(self, latents: int) -> None:
        super().__init__()
        self.gate = Gate(2 * latents)
        self.shift = Shift(latents)

    def forward(self, heads: Tensor, given: Tensor) -> DiagonalGaussian:
        """q(z|x, β)."""
        gated = gaussian(self.gate(heads, given))
        return DiagonalGaussian(gated.mean, self.shift(gated.log_variance, given))


class Dialled(Base):
    """A model that is told β: what :meth:`VAE.given` returns is where its dial stands.

    While training, :meth:`turned` tells it the β of every example. Otherwise the dial stands at

        β_i = at · (n_i / typical)^exponent

    for an example with n_i interactions, in what the model is shown. No dial leaves the range of
    the β that it was trained with, which is kept with the weights.

    Attributes:
        at: β of validation, test and use.
        exponent: p; 0 is one β for all.
        typical: n̄, the interactions of a user whose β is ``at``.
        low: () the smallest β of training; ∞ before.
        high: () the largest; −∞ before.
    """

    at: float
    exponent: float = 0.0
    typical: float = 1.0
    low: Tensor
    high: Tensor
    _told: Tensor | None = None

    def keep_range(self) -> None:
        """Make the buffers of the trained range; a constructor calls it."""
        self.register_buffer("low", torch.tensor(torch.inf))
        self.register_buffer("high", torch.tensor(-torch.inf))

    def settle(self) -> None:
        """Nothing is trained."""
        self.low.fill_(torch.inf)
        self.high.fill_(-torch.inf)

    def dial(self, x: Batch) -> Tensor:
        """β of each example where nothing is told, (B,)."""
        sizes = counts(x) if self.exponent else None
        if sizes is None:
            beta = torch.full((len(x),), self.at, device=self.low.device)
        else:
            beta = self.at * (sizes / self.typical) ** self.exponent
        trained = self.low <= self.high
        return torch.where(trained, torch.clamp(beta, self.low, self.high), beta)

    def given(self, x: Batch) -> Tensor:
        """Where the dial stands for each example: :func:`hats` of its β, (B, K)."""
        return hats(self.dial(x)) if self._told is None else self._told.expand(len(x), -1)

    def standing(self, given: Tensor | None, z: Tensor) -> Tensor:
        """``given``; where there is none, the dial at ``at`` for each of z (B, Z)."""
        return hats(torch.full_like(z[:, 0], self.at)) if given is None else given

    def prior(self, given: Tensor | None = None) -> DiagonalGaussian:  # noqa: ARG002
        """p(z) = N(0, I), at every β."""
        return standard_normal(self.latents, self.low.device)

    @contextmanager
    def turned(self, beta: Tensor) -> Iterator[None]:
        """Within it the dial stands at ``beta``: () for all, or (B,) for a batch of B.

        In training mode the range of β that was trained grows to hold it.
        """
        beta = beta.to(self.low).reshape(-1)
        before, self._told = self._told, hats(beta)
        if self.training:
            self.low.copy_(torch.minimum(self.low, beta.min()))
            self.high.copy_(torch.maximum(self.high, beta.max()))
        try:
            yield
        finally:
            self._told = before
