"""Metrics that break one promise each, and the sentence that says which; all shipped keep all."""

import itertools
import random
from typing import Any

import pytest
import torch
from torch import Tensor

import vaebench.metrics
from tests.variants import variants
from vaebench.contracts import ContractBroken, check_metric
from vaebench.metrics import Bound, Catalogue, Cutoff, Likelihood, Lists, Metric, Ranking, Values
from vaebench.metrics.coverage import Coverage
from vaebench.metrics.elbo import ELBO
from vaebench.metrics.likelihood_bound import LikelihoodBound
from vaebench.metrics.ndcg import NDCG
from vaebench.metrics.recall import Recall
from vaebench.models import VAE
from vaebench.sparse import Batch


@pytest.mark.parametrize("metric", variants(vaebench.metrics, Metric), ids=lambda c: c.__name__)
def test_every_shipped_metric_keeps_its_contract(metric: type[Metric]) -> None:
    check_metric(metric)


@pytest.mark.parametrize("k", [1, 3, 250])
def test_at_any_length(k: int) -> None:
    for metric in variants(vaebench.metrics, Metric):
        if issubclass(metric, Ranking | Catalogue):
            check_metric(metric, k=k)


class Positional(NDCG):
    def __init__(self, k: Cutoff = 5) -> None:
        super().__init__(k=k)


class Unannotated(NDCG):
    def __init__(self, *, k=5) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
        super().__init__(k=k)


class OfNoFamily(Metric):
    pass


class OfTwoFamilies(NDCG, ELBO):  # type: ignore[misc]
    pass


class PerUser(Recall):
    per = "user"  # type: ignore[assignment]


class OfPictures(Recall):
    data_kind = "images"


class Best(Recall):
    better = "more"  # type: ignore[assignment]


class Bits(Recall):
    unit = "bits"  # type: ignore[assignment]


class Endless(Recall):
    def __init__(self) -> None:
        super().__init__()
        self.k = None  # type: ignore[assignment]


class Single(Recall):
    def values(self, lists: Lists) -> Tensor:
        return super().values(lists).float()


class Mean(Recall):
    def values(self, lists: Lists) -> Tensor:
        return super().values(lists).nanmean()


class Listed(Recall):
    def values(self, lists: Lists) -> Tensor:
        return super().values(lists).tolist()  # type: ignore[return-value]


class ZeroWithoutTargets(Recall):
    def values(self, lists: Lists) -> Tensor:
        return super().values(lists).nan_to_num()


class UndefinedWithoutHits(Recall):
    def values(self, lists: Lists) -> Tensor:
        found = super().values(lists)
        return torch.where(found > 0, found, torch.nan)


class Centred(Recall):
    def values(self, lists: Lists) -> Tensor:
        found = super().values(lists)
        return found - found.nanmean()


class Running(Recall):
    def values(self, lists: Lists) -> Tensor:
        found = super().values(lists)
        return found.nan_to_num().cumsum(0) + 0 * found


class Counting(Recall):
    calls = 0

    def values(self, lists: Lists) -> Tensor:
        self.calls += 1
        return super().values(lists) * self.calls


class Made(Recall):
    made = 0

    def __init__(self) -> None:
        super().__init__()
        type(self).made += 1
        self.number = self.made

    def values(self, lists: Lists) -> Tensor:
        return super().values(lists) * self.number


class Writing(Recall):
    def values(self, lists: Lists) -> Tensor:
        found = super().values(lists)
        lists.hits.zero_()
        return found


class Drawing(Recall):
    def values(self, lists: Lists) -> Tensor:
        random.random()  # noqa: S311
        return super().values(lists)


class Deeper(Recall):
    """All of the list, however long it happens to be."""

    def values(self, lists: Lists) -> Tensor:
        return lists.hits.sum(1) / lists.targets


class Misses(Recall):
    """The higher, the fewer hits."""

    def values(self, lists: Lists) -> Tensor:
        return -super().values(lists)


class LongListsOnly(Recall):
    def values(self, lists: Lists) -> Tensor:
        return super().values(lists) + 0 * lists.hits[:, self.k - 1]


class TensorValue(Coverage):
    def value(self, lists: Lists, popularity: Tensor) -> float:
        return torch.tensor(super().value(lists, popularity))  # type: ignore[return-value]


class InfiniteValue(Coverage):
    def value(self, lists: Lists, popularity: Tensor) -> float:  # noqa: ARG002
        return float("inf")


class FirstUser(Coverage):
    def value(self, lists: Lists, popularity: Tensor) -> float:
        return int(lists.items[0, 0]) / len(popularity)


class AllShown(Coverage):
    def value(self, lists: Lists, popularity: Tensor) -> float:
        return len(torch.unique(lists.items)) / len(popularity)


class Spending(Coverage):
    def value(self, lists: Lists, popularity: Tensor) -> float:
        popularity.sub_(1)
        return super().value(lists, popularity)


class Increasing(Coverage):
    calls = 0

    def value(self, lists: Lists, popularity: Tensor) -> float:
        self.calls += 1
        return self.calls * super().value(lists, popularity)


class CatalogueOfUsers(Coverage):
    per = "example"


class WithoutELBO(Bound):
    def values(self, bound: Values) -> Tensor | None:
        return -bound["elbo"]


class Never(Bound):
    def values(self, bound: Values) -> Tensor | None:  # noqa: ARG002
        return None


class Batchwise(Bound):
    def values(self, bound: Values) -> Tensor | None:
        return bound["distortion"] / bound["distortion"].mean()


class Overwriting(Bound):
    def values(self, bound: Values) -> Tensor | None:
        return bound["distortion"].neg_().abs()


class OwnNoise(LikelihoodBound):
    calls = itertools.count()

    def values(self, model: VAE, examples: Batch, noise: torch.Generator) -> Tensor:  # noqa: ARG002
        return super().values(model, examples, torch.Generator().manual_seed(next(self.calls)))


class GlobalNoise(LikelihoodBound):
    def values(self, model: VAE, examples: Batch, noise: torch.Generator) -> Tensor:
        torch.rand(1)
        return super().values(model, examples, noise)


class Tuning(LikelihoodBound):
    """Looks for better weights on the test examples."""

    def values(self, model: VAE, examples: Batch, noise: torch.Generator) -> Tensor:
        found = super().values(model, examples, noise)
        with torch.no_grad():
            next(model.parameters()).mul_(1.01)
        return found


class Attached(Likelihood):
    def values(self, model: VAE, examples: Batch, noise: torch.Generator) -> Tensor:  # noqa: ARG002
        return model.encode(examples).mean.sum(1).double()


class FloatNoise(LikelihoodBound):
    def values(self, model: VAE, examples: Batch, noise: torch.Generator) -> Tensor:
        return super().values(model, examples, noise).float()


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (Positional, "keyword-only"),
        (Unannotated, "'k' has no annotation"),
        (OfNoFamily, "it is of 0 families"),
        (OfTwoFamilies, "it is of 2 families"),
        (PerUser, "per is 'user'"),
        (OfPictures, "data_kind is 'images'"),
        (CatalogueOfUsers, "per is 'example'"),
        (Best, "better is 'more'"),
        (Bits, "unit is 'bits'"),
        (Endless, "k is None"),
        (Single, r"torch.float32 \(9,\)"),
        (Mean, r"torch.float64 \(\)"),
        (Listed, "its values are a list"),
        (ZeroWithoutTargets, "a user without targets has a value"),
        (UndefinedWithoutHits, "a user with targets has no finite value"),
        (Centred, "an example's value depends on the others"),
        (Running, "another order of the examples changes values"),
        (Counting, "it gives two values for the same lists"),
        (Made, "it gives two values for the same lists"),
        (Writing, "it writes to the lists"),
        (Drawing, "the metric draws from a global random stream"),
        (Deeper, "items below rank k = 20 change a value"),
        (Misses, "a list with every hit at its top is worse"),
        (LongListsOnly, "IndexError"),
        (TensorValue, "its value is tensor"),
        (InfiniteValue, "its value is inf"),
        (FirstUser, "depends on the order of users"),
        (AllShown, "items below rank k = 100 change it"),
        (Spending, "it writes to what it is given"),
        (Increasing, "it gives two values"),
        (WithoutELBO, "a model without elbo raises KeyError"),
        (Never, "a model with distortion, rate and ELBO has no value"),
        (Batchwise, "depends on the others"),
        (Overwriting, "it writes to the bound"),
        (OwnNoise, "one noise gives two values"),
        (GlobalNoise, "a global random stream"),
        (Tuning, "it writes the model's 'encoder"),
        (Attached, "carry a gradient"),
        (FloatNoise, "torch.float32"),
    ],
)
def test_a_broken_metric_is_named(broken: type[Metric], sentence: str) -> None:
    with pytest.raises(ContractBroken, match=rf"^{broken.__name__}: .*({sentence}).*allowed"):
        check_metric(broken)


def test_an_impossible_option_is_the_callers() -> None:
    with pytest.raises(ContractBroken, match=r"^Recall: k: 0 is not allowed"):
        check_metric(Recall, k=0)


def test_a_metric_that_nobody_ranks_by_may_take_any_value() -> None:
    class Undecided(Misses):
        better: Any = None

    check_metric(Undecided)
