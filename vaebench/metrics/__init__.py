"""The contract of a metric: what it looks at, and one value per test example or one per cell.

Means, intervals and tests are made from the stored values, so that a later question needs no new
training. Metrics live one per file and import torch and the standard library only (those of
representations import scikit-learn where they need it); a new one is a new file and one line of
config. Options are keyword-only, annotated constructor arguments, and checked.

A metric belongs to one of five families, by what it looks at:

- :class:`Ranking`: the ranked list of every test user, one value a user;
- :class:`Catalogue`: the lists of all test users together, one value a cell;
- :class:`Bound`: distortion, rate and ELBO of every test example, one value an example;
- :class:`Likelihood`: the model itself and the test examples, one value an example;
- :class:`Representation`: what the latents say of known factors, one value a cell.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from vaebench.components import Checked
from vaebench.sparse import SparseRows

if TYPE_CHECKING:
    from vaebench.models import VAE
    from vaebench.sparse import Batch

Values = dict[str, Tensor]
"""Name → one value per example, float64, (U,)."""

Cutoff = Annotated[int, Field(ge=1)]
"""K, the length of the lists that are judged."""


@dataclass(frozen=True)
class Lists:
    """The best K items of each of U users, best first; fold-in items are in no list.

    Attributes:
        items: (U, K) item numbers.
        hits: (U, K) float64: 1 where the item is held out, else 0. Where a user has fewer than K
            items left to rank, the rest of the row is no item and no hit.
        ranked: (U, K) bool: whether there is an item at this rank.
        targets: (U,) the number of held-out items.
    """

    items: Tensor
    hits: Tensor
    ranked: Tensor
    targets: Tensor


class Metric(Checked, ABC):
    """What all families share."""

    data_kind: ClassVar[Literal["interactions", "images"] | None] = None
    """Which test examples it is defined for; None: any."""

    per: ClassVar[Literal["example", "cell"]] = "example"
    """One value per test example, or one per cell: then tests compare seeds alone."""

    better: ClassVar[Literal["higher", "lower"] | None] = "higher"
    """Which values are better; None: neither is, so nobody is called better."""

    unit: ClassVar[Literal["", "nats"]] = ""
    """In what the values are."""


class Ranking(Metric):
    """One value a user from the best ``k`` items of the user's list."""

    data_kind = "interactions"

    def __init__(self, *, k: Cutoff = 100) -> None:
        self.k = k

    @abstractmethod
    def values(self, lists: Lists) -> Tensor:
        """(U,) float64 from lists of at least min(k, I) items; NaN for a user without targets."""


class Catalogue(Metric):
    """One value a cell from the best ``k`` items of all users' lists."""

    data_kind = "interactions"
    per = "cell"

    def __init__(self, *, k: Cutoff = 100) -> None:
        self.k = k

    @abstractmethod
    def value(self, lists: Lists, popularity: Tensor) -> float:
        """From all test users' lists and the number of training interactions of each item, (I,)."""


class Bound(Metric):
    """One value an example from the parts of the evidence lower bound."""

    unit = "nats"

    @abstractmethod
    def values(self, bound: Values) -> Tensor | None:
        """(U,) float64 from :func:`vaebench.metrics.bound.bound`; None if the model has none."""


class Likelihood(Metric):
    """One value an example from the model itself."""

    unit: ClassVar[Literal["", "nats"]] = "nats"

    @abstractmethod
    def values(self, model: "VAE", examples: "Batch", noise: torch.Generator) -> Tensor | None:
        """(U,) float64 of a model in evaluation mode; None if it is not defined for the model."""


class Representation(Metric):
    """One value a cell from the codes of all test pictures and the factors that made these."""

    data_kind = "images"
    per = "cell"

    @abstractmethod
    def value(self, codes: Tensor, factors: Tensor, noise: torch.Generator) -> float:
        """How the codes tell the factors apart.

        Args:
            codes: (U, Z) float64, the posterior means.
            factors: (U, F) int64, the value of each factor, counted from 0.
            noise: the stream of whatever is drawn.
        """


def lists(scores: Tensor, fold_in: SparseRows, held_out: SparseRows, depth: int) -> Lists:
    """The best ``depth`` items by ``scores`` (U, I), whose fold-in entries are overwritten by −∞.

    Where there are fewer items, all are ranked.
    """
    scores[fold_in.rows, fold_in.indices] = -torch.inf
    top_scores, items = torch.topk(scores, min(depth, scores.shape[1]))
    ranked = top_scores > -torch.inf
    return Lists(items, (held_out.contains(items) & ranked).double(), ranked, held_out.lengths)


def joined(parts: list[Lists]) -> Lists:
    """The lists of all users of the ``parts``."""
    columns = ([part.items, part.hits, part.ranked, part.targets] for part in parts)
    return Lists(*(torch.cat(column) for column in zip(*columns, strict=True)))
