"""What models are built from: layers whose weights wait for a seed, and how weights start."""

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Annotated, Any, Literal, Protocol, runtime_checkable

import torch
from pydantic import Field
from torch import Tensor, nn

from vaebench.models.products import LARGE, affine
from vaebench.sparse import SparseRows, weighted_rows

Width = Annotated[int, Field(ge=1)]
"""A number of units."""

Dropout = Annotated[float, Field(ge=0, lt=1)]
"""The share of inputs that is dropped while training, in [0, 1)."""

Initial = Literal["glorot", "torch", "he"]
"""How weights start, for a layer with n inputs and m outputs (of a convolution: times its area).

``glorot``: uniform in ±√(6/(n + m)), biases from N(0, .001²) within two deviations, as Mult-VAE's
published code (Glorot & Bengio 2010). ``torch``: weights and biases uniform in ±1/√n, as torch's
own layers. ``he``: weights from N(0, 2/n), biases 0 (He et al. 2015, arXiv:1502.01852, for ReLU).
"""

Activation = Literal["tanh", "relu"]

ACTIVATIONS: dict[str, type[nn.Module]] = {"tanh": nn.Tanh, "relu": nn.ReLU}


class Items(nn.Module):
    """x/‖x‖₂ with inverted dropout, times W, plus b: (B, I) sparse → (B, H).

    A weighted sum of the rows of W that belong to a user's items: on sparse input that is the dense
    product without its zeros, and dropping stored entries is the published inverted dropout, since
    a zero stays zero (Liang et al. 2018, arXiv:1802.05814, and the authors' notebook).
    """

    def __init__(self, features: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.inputs = features
        self.weight = nn.Parameter(torch.empty(features, hidden))
        self.bias = nn.Parameter(torch.empty(hidden))
        self.dropout = dropout

    def forward(self, x: SparseRows, noise: torch.Generator | None = None) -> Tensor:
        """(B, H); entries are dropped in training mode alone, drawn from ``noise``."""
        norms = torch.sqrt(x.row_sums(x.values**2)).clamp_min(1e-12)
        weights = x.values / norms.index_select(0, x.rows)
        if self.training and self.dropout > 0:
            uniform = torch.empty_like(weights).uniform_(generator=noise)
            weights = weights * (uniform >= self.dropout) / (1 - self.dropout)
        return self.bias + weighted_rows(x, self.weight, weights)


class ItemsEncoder(nn.ModuleDict):
    """:class:`Items`, then linear layers, an activation between each two: (B, I) → (B, widths[-1]).

    ``widths`` has the first hidden layer's width first and, for a VAE, 2Z last: μ and log σ².
    """

    def __init__(
        self,
        features: int,
        widths: list[int],
        dropout: float,
        activation: type[nn.Module] = nn.Tanh,
    ) -> None:
        super().__init__(
            {
                "input": Items(features, widths[0], dropout),
                "activation": activation(),
                "hidden": perceptron(widths, activation),
            }
        )

    def forward(self, x: SparseRows, noise: torch.Generator | None = None) -> Tensor:
        """(B, widths[-1]); dropout is drawn from ``noise`` in training mode."""
        return self["hidden"](self["activation"](self["input"](x, noise)))


class Output(nn.Module):
    """Logits h W + b of all items, (B, H) → (B, I): the largest product of training.

    W is (H, I), so that its gradient comes out of the product in the parameter's own layout and
    need not be copied. ``narrow`` takes the product in bfloat16 where gradients are taken: half the
    memory traffic; sums over items stay float32 (see the likelihood).
    """

    def __init__(self, hidden: int, features: int) -> None:
        super().__init__()
        self.inputs = hidden
        self.weight = nn.Parameter(torch.empty(hidden, features))
        self.bias = nn.Parameter(torch.empty(features))
        self.narrow = False

    def forward(self, h: Tensor) -> Tensor:
        """H W + b."""
        narrow = self.narrow and torch.is_grad_enabled()
        return affine(h, self.weight, self.bias, narrow=narrow)


class Linear(nn.Linear):
    """torch's linear layer, W (outputs, inputs); products of large ones by :func:`affine`."""

    def forward(self, h: Tensor) -> Tensor:
        """H Wᵀ + b."""
        if h.dim() == 2 and self.weight.numel() >= LARGE:  # noqa: PLR2004 (a batch of vectors)
            return affine(h, self.weight.t(), self.bias)
        return super().forward(h)


def one_hot(y: Tensor, classes: int) -> Tensor:
    """Classes y (B,) as rows of one 1 and zeros, (B, C) float32; zeros alone for −1."""
    return (y[:, None] == torch.arange(classes, device=y.device)).float()


def bare(layer: type[nn.Module], *sizes: int, **options: Any) -> Any:  # noqa: ANN401
    """A layer of torch whose weights wait for ``initialise``; no random number is drawn for them.

    As ``torch.nn.utils.skip_init``, which loads a computer algebra system to do so. Its
    ``reset_parameters`` does nothing: weights start in :func:`initialise` alone.
    """
    silent = type(layer.__name__, (layer,), {"reset_parameters": lambda _: None})
    return silent(*sizes, **options)


def perceptron(widths: list[int], activation: type[nn.Module]) -> nn.Sequential:
    """Linear layers of the given widths with ``activation`` between them, none after the last."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        layers += [bare(Linear, inputs, outputs), activation()]
    return nn.Sequential(*layers[:-1])


@runtime_checkable
class Settled(Protocol):
    """A layer whose numbers start at values of its own, not at a draw."""

    def settle(self) -> None:
        """Set them."""


NORMALISATIONS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.GroupNorm, nn.LayerNorm)


def initialise(model: nn.Module, how: Initial, noise: torch.Generator) -> None:
    """Draw all parameters of ``model`` from ``noise``, layer by layer; see :data:`Initial`.

    Normalisations start as none, and layers that settle by themselves do so; nothing is drawn for
    one of these that says ``drawn = False``.
    """
    for module in model.modules():
        for parameter in module.parameters(recurse=False) if drawn(module) else ():
            STARTS[how](parameter, _inputs(module), noise)
    for module in model.modules():
        if isinstance(module, NORMALISATIONS):
            module.reset_parameters()
        elif isinstance(module, Settled):
            module.settle()


def drawn(module: nn.Module) -> bool:
    """Whether a layer's numbers are drawn at the start."""
    return bool(getattr(module, "drawn", True))


def _inputs(module: nn.Module) -> int | None:
    """The numbers that one output of a layer sums over; None where it sums over none.

    Layers with W of shape (inputs, outputs) say so in ``inputs``; of a transposed convolution torch
    counts the outputs, and so do we.
    """
    told = getattr(module, "inputs", None)
    if isinstance(told, int):
        return told
    weights = [p for p in module.parameters(recurse=False) if p.dim() > 1]
    return math.prod(weights[0].shape[1:]) if weights else None


def _glorot(parameter: Tensor, inputs: int | None, noise: torch.Generator) -> None:  # noqa: ARG001
    if parameter.dim() > 1:
        nn.init.xavier_uniform_(parameter, generator=noise)
    else:
        nn.init.trunc_normal_(parameter, std=0.001, a=-0.002, b=0.002, generator=noise)


def _torch(parameter: Tensor, inputs: int | None, noise: torch.Generator) -> None:
    if inputs:
        bound = 1 / math.sqrt(inputs)
        nn.init.uniform_(parameter, -bound, bound, generator=noise)
    else:
        nn.init.zeros_(parameter)


def _he(parameter: Tensor, inputs: int | None, noise: torch.Generator) -> None:
    if parameter.dim() > 1 and inputs:
        nn.init.normal_(parameter, std=math.sqrt(2 / inputs), generator=noise)
    else:
        nn.init.zeros_(parameter)


STARTS: dict[Initial, Callable[[Tensor, int | None, torch.Generator], None]] = {
    "glorot": _glorot,
    "torch": _torch,
    "he": _he,
}
"""How one parameter starts, given its layer's inputs."""
