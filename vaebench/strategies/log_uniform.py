"""A weight drawn anew for every example: what trains a model for all β at once."""

import math
from typing import ClassVar, Literal

import torch
from torch import Tensor

from vaebench.search import WEIGHT
from vaebench.strategies import Stats, Strategy, Weight


class LogUniform(Strategy):
    """log β_i uniform in [log low, log high], told to the model with each example.

    Bae et al. 2023, arXiv:2212.03905: the expected loss over β of a model that is told β
    (``gated_mult_vae.GatedMultVAE``, ``gated_image_mlp.GatedImageMLP``; others are refused).

    ``per`` ``example`` draws one β in each of B equal parts of the range, B the batch: a stratified
    sample, so that each update sees all β. ``per`` ``batch`` draws one for all. The examples have
    weights w(β) ∝ β^−``tilt`` of mean 1, so that the large losses of large β do not drown the
    others. For Gaussian pixels tilt 1 is good; a multinomial's loss hardly changes with β, and 0
    is.

    Example:
        >>> import torch
        >>> from vaebench.strategies.log_uniform import LogUniform
        >>> noise = torch.Generator().manual_seed(0)
        >>> LogUniform(low=0.1, high=10.0).dial(4, noise) > torch.tensor([0.1, 0.3, 1.0, 3.0])
        tensor([True, True, True, True])
    """

    search_space: ClassVar = {"low": WEIGHT}

    def __init__(
        self,
        *,
        low: Weight = 0.01,
        high: Weight = 10.0,
        per: Literal["example", "batch"] = "example",
        tilt: Weight = 0.0,
    ) -> None:
        super().__init__()
        if not 0 < low <= high:
            raise ValueError(
                f"low: {low} is not allowed; it should be > 0 and at most high, {high}"
            )
        self.low, self.high, self.per, self.tilt = low, high, per, tilt

    def dial(self, size: int, noise: torch.Generator) -> Tensor:
        """β of each example, (B,), ascending: the examples of a batch are in random order."""
        parts = size if self.per == "example" else 1
        shares = torch.rand(parts, generator=noise, device=noise.device)
        shares = (shares + torch.arange(parts, device=noise.device)) / parts
        return (self.low * (self.high / self.low) ** shares).expand(size)

    def forward(self, stats: Stats) -> Tensor:
        """β, (B, 1); without a dial the middle of the range, √(low · high), ()."""
        if stats.dial is None:
            middle = math.sqrt(self.low) * math.sqrt(self.high)
            return torch.full_like(stats.step, middle, dtype=torch.float64)
        return stats.dial.unsqueeze(1)

    def example_weights(self, stats: Stats) -> Tensor:
        """β^−tilt over its mean for log-uniform β, (B,)."""
        if stats.dial is None or not self.tilt:
            return super().example_weights(stats)
        return (stats.dial / self.low) ** -self.tilt / self._mean()

    def _mean(self) -> float:
        """E (β/low)^−tilt = (1 − (high/low)^−tilt) / (tilt · log(high/low))."""
        width = self.tilt * math.log(self.high / self.low)
        return -math.expm1(-width) / width if width else 1.0
