"""From the outputs of a decoder to the likelihood of pictures, by options that models share."""

from typing import Annotated, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor, nn

from vaebench.likelihoods import Bernoulli, Gaussian, Likelihood, OptimalGaussian
from vaebench.models.layers import ACTIVATIONS, Activation, perceptron

Variance = Annotated[float, Field(gt=0)]


class Pixels(BaseModel):
    """The likelihood of a pixel.

    Attributes:
        family: ``bernoulli`` (pixels 0 and 1) or ``gaussian``.
        mean: of the Gaussian: ``sigmoid`` keeps it in (0, 1), as AEVB for Frey faces; ``identity``.
        variance: ``fixed`` at ``value``; ``shared``, one learned number; ``per_pixel``, a head of
            the decoder; ``optimal``, the σ-VAE.
        value: the fixed σ², and where the shared one starts.
        floor: the least σ², with which all results of a learned variance have to be quoted.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    family: Literal["bernoulli", "gaussian"] = "bernoulli"
    mean: Literal["sigmoid", "identity"] = "sigmoid"
    variance: Literal["fixed", "shared", "per_pixel", "optimal"] = "optimal"
    value: Variance = 1.0
    floor: Variance = 1e-3

    @model_validator(mode="after")
    def _value_above_floor(self) -> "Pixels":
        if self.family == "gaussian" and self.value <= self.floor and self.variance == "shared":
            raise ValueError(f"value {self.value} should be above the floor {self.floor}")
        return self


class PixelHead(nn.Module):
    """Decoder outputs (B, :attr:`outputs` · F) → p(x|z).

    A learned variance is floor + exp(s): smooth, and never below the floor.
    """

    running: Tensor

    def __init__(self, options: Pixels) -> None:
        super().__init__()
        self.options = options
        gaussian = options.family == "gaussian"
        self.outputs = 2 if gaussian and options.variance == "per_pixel" else 1
        """Numbers per pixel that the decoder has to give."""
        if gaussian and options.variance == "shared":
            self.log_excess = nn.Parameter(torch.empty(()))
        if gaussian and options.variance == "optimal":
            self.register_buffer("running", torch.empty(()))

    def settle(self) -> None:
        """The shared variance at ``value``; the optimal one unknown."""
        if hasattr(self, "log_excess"):
            excess = torch.tensor(self.options.value - self.options.floor)
            nn.init.constant_(self.log_excess, torch.log(excess).item())
        if hasattr(self, "running"):
            self.running.fill_(torch.nan)

    def forward(self, outputs: Tensor) -> Likelihood:
        """p(x|z); the means come first, then the variances."""
        options = self.options
        if options.family == "bernoulli":
            return Bernoulli(outputs)
        means, excess = outputs, outputs.new_zeros(())
        if options.variance == "per_pixel":
            means, excess = outputs.chunk(2, 1)
        elif options.variance == "shared":
            excess = self.log_excess
        if options.mean == "sigmoid":
            means = torch.sigmoid(means)
        if options.variance == "optimal":
            return OptimalGaussian(means, self.running, options.floor, self.training)
        if options.variance == "fixed":
            return Gaussian(means, torch.log(excess + options.value))
        return Gaussian(means, torch.log(options.floor + torch.exp(excess)))


def networks(
    widths: list[int], codes: int, activation: Activation, likelihood: Pixels, conditions: int = 0
) -> tuple[nn.Sequential, nn.Sequential]:
    """Encoder and decoder of fully connected layers, F-hidden-``codes`` and Z-hidden-F.

    Args:
        widths: F, the hidden widths, Z.
        codes: numbers that the encoder gives, Z or 2Z.
        activation: between layers.
        likelihood: what the decoder ends in.
        conditions: numbers that both see beside x and z.
    """
    head, nonlinear = PixelHead(likelihood), ACTIVATIONS[activation]
    features, *hidden, latents = widths
    encoder = perceptron([features + conditions, *hidden, codes], nonlinear)
    outputs = head.outputs * features
    decoder = perceptron([latents + conditions, *reversed(hidden), outputs], nonlinear)
    return encoder, decoder.append(head)
