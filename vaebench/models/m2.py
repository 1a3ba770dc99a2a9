"""The semi-supervised VAE of pictures, M2: classes that are known of a few pictures alone."""

from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from vaebench.distributions import DiagonalGaussian, gaussian
from vaebench.likelihoods import Likelihood
from vaebench.models import VAE, Cases
from vaebench.models.layers import ACTIVATIONS, Activation, Initial, Width, one_hot, perceptron
from vaebench.models.pixels import Pixels, networks
from vaebench.sparse import Labelled


class M2(VAE):
    """p(y) p(z) p(x|y, z) with q(y|x) q(z|x, y); y is known of ``labels`` pictures of each class.

    Kingma, Mohamed, Rezende & Welling 2014, arXiv:1406.5298, eq. 6–9. With p(y) uniform and D_y,
    R_y the distortion and the rate of z under class y, the loss of a picture is

        Σ_y w_y (D_y + Σ_j β R_yj) + β KL(w ‖ p(y)) − α log q(y*|x) if its class y* is known,

    w = q(y|x), or 1 at y* alone. The label's KL is one more column of the rate, so that β weighs
    both. The other classes are summed out exactly: an update costs C times that of a conditional
    VAE. ``alpha`` is the paper's .1·N times the examples over the known ones: .1·N/(C·``labels``).
    The first ``labels`` training pictures of each class, in the order of the split, are known.

    Training bounds log p(x), or log p(x, y) of the known ones. The ELBO of validation and test,
    whose classes are all known, is that of log p(x|y), as of ``conditional_mlp.ConditionalMLP``.
    The metric ``label_error.LabelError`` is the share of wrong classes.

    Example:
        >>> import torch
        >>> from vaebench.models.m2 import M2
        >>> from vaebench.sparse import Labelled
        >>> model = M2(16, latents=2, classes=3, labels=1)
        >>> y = model.known(torch.tensor([0, 2, 2, 0, 1]))
        >>> y.tolist(), model.cases(Labelled(torch.ones(5, 16), y)).weights[0].tolist()
        ([0, 2, -1, -1, 1], [1.0, 0.0, 0.0])
    """

    data_kind: ClassVar[Literal["interactions", "images"]] = "images"
    classes: int
    encoder: nn.ModuleDict

    def __init__(
        self,
        features: int,
        *,
        classes: Width = 10,
        labels: Width = 10,
        alpha: Annotated[float, Field(ge=0)] = 1.0,
        hidden: list[Width] = [400],  # noqa: B006 (never written; the config's default)
        latents: Width = 20,
        activation: Activation = "relu",
        likelihood: Pixels = Pixels(),  # noqa: B008 (frozen)
        initial: Initial = "glorot",
    ) -> None:
        super().__init__()
        self.classes, self.latents, self.initial = classes, latents, initial
        self.labels, self.alpha = labels, alpha
        widths = [features, *hidden, latents]
        encoder, self.decoder = networks(widths, 2 * latents, activation, likelihood, classes)
        classifier = perceptron([features, *hidden, classes], ACTIVATIONS[activation])
        self.encoder = nn.ModuleDict({"latents": encoder, "classes": classifier})

    def known(self, y: Tensor) -> Tensor:
        """The first ``labels`` of each class; −1 for the others."""
        place = one_hot(y, self.classes).cumsum(0)[torch.arange(len(y), device=y.device), y]
        return torch.where(place <= self.labels, y, -1)

    def classify(self, x: Labelled) -> Tensor:  # type: ignore[override]
        """q(y|x), (B, C)."""
        return torch.softmax(self.encoder["classes"](x.x), 1)

    def cases(self, x: Labelled) -> Cases:  # type: ignore[override]
        """Each picture with each class: by what share, the label's KL, and −α log q(y*|x)."""
        logs = torch.log_softmax(self.encoder["classes"](x.x), 1)
        truth = one_hot(x.y, self.classes)
        told = truth.sum(1, keepdim=True)
        weights = truth + (1 - told) * logs.exp()
        # of a known class log C, as log p(y) asks; 0·log 0 is 0
        entropy = (1 - told[:, 0]) * -(logs.exp() * logs).sum(1)
        divergence = torch.full_like(entropy, self.classes).log() - entropy
        every = torch.arange(self.classes, device=x.y.device).repeat(len(x))
        pictures = x.x.repeat_interleave(self.classes, 0)
        wrong = -self.alpha * (truth * logs).sum(1)
        return Cases(Labelled(pictures, every), weights, divergence[:, None], wrong)

    def given(self, x: Labelled) -> Tensor:  # type: ignore[override]
        """The classes, one-hot, (B, C)."""
        return one_hot(x.y, self.classes)

    def encode(self, x: Labelled, noise: torch.Generator | None = None) -> DiagonalGaussian:  # type: ignore[override]  # noqa: ARG002
        """q(z|x, y) for pictures (B, F) and their classes."""
        return gaussian(self.encoder["latents"](torch.cat([x.x, self.given(x)], 1)))

    def prior(self, given: Tensor | None = None) -> DiagonalGaussian:
        """N(0, I) for each row of ``given``, whatever the class, (B, Z)."""
        assert given is not None  # noqa: S101 (the classes of a batch)
        zero = given.new_zeros(len(given), self.latents)
        return DiagonalGaussian(zero, zero)

    def decode(self, z: Tensor, given: Tensor | None = None) -> Likelihood:
        """p(x|y, z), independent pixels; ``given`` are the classes, one-hot."""
        assert given is not None  # noqa: S101 (the classes of a batch)
        return self.decoder(torch.cat([z, given], 1))
