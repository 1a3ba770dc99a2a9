"""Baselines that break one promise each, and the sentence that says which."""

from typing import Any, ClassVar

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from vaebench.baselines import Baseline, Count, Density, Recommender
from vaebench.contracts import ContractBroken, check_baseline
from vaebench.search import Range


class Means(Recommender):
    """Keeps every promise: how often an item is there, times γ."""

    search_space: ClassVar = {"gamma": Range(1, 3, whole=True)}

    def __init__(self, *, gamma: Count = 1) -> None:
        self.gamma = gamma

    def fit(self, x: csr_matrix, random: np.random.Generator) -> None:  # noqa: ARG002
        self.counts = np.asarray(x.sum(0), np.float32)[0]

    def scores(self, fold_in: csr_matrix) -> np.ndarray:
        return np.tile(self.gamma * self.counts, (fold_in.shape[0], 1))

    def parameters(self) -> int:
        return int(self.counts.size)


class Half(Density):
    """Keeps every promise: each pixel ½."""

    pictures = "binary"

    def fit(self, x: np.ndarray, random: np.random.Generator) -> None: ...

    def bounds(self, x: np.ndarray) -> dict[str, np.ndarray]:
        value = np.full(len(x), x.shape[1] * np.log(2))
        return {"elbo": -value, "distortion": value, "rate": np.zeros(len(x))}

    def parameters(self) -> int:
        return 1


def test_good_baselines_pass() -> None:
    check_baseline(Means, gamma=2)
    check_baseline(Half)


class PositionalBaseline(Means):
    def __init__(self, gamma: Count = 1) -> None:
        super().__init__(gamma=gamma)


class Unannotated(Means):
    def __init__(self, *, gamma=1) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
        super().__init__(gamma=gamma)


class OutOfRange(Means):
    search_space: ClassVar = {"gamma": Range(0, 3, whole=True)}


class Orphan(Baseline):
    def parameters(self) -> int:
        return 1


class WritingToData(Means):
    def fit(self, x: csr_matrix, random: np.random.Generator) -> None:
        x.data *= 2
        super().fit(x, random)


class WideScores(Means):
    def scores(self, fold_in: csr_matrix) -> np.ndarray:
        return super().scores(fold_in).astype(np.float64)


class NotANumber(Means):
    def scores(self, fold_in: csr_matrix) -> np.ndarray:
        return super().scores(fold_in) * np.float32("nan")


class Leaking(Means):
    def scores(self, fold_in: csr_matrix) -> np.ndarray:
        return super().scores(fold_in) + np.float32(fold_in.sum())


class GlobalNoise(Means):
    def fit(self, x: csr_matrix, random: np.random.Generator) -> None:
        super().fit(x, random)
        np.random.rand()  # noqa: NPY002 (the fault)


class Accumulating(Means):
    counts: Any = 0

    def fit(self, x: csr_matrix, random: np.random.Generator) -> None:  # noqa: ARG002
        self.counts = self.counts + np.asarray(x.sum(0), np.float32)[0]


class SecretlyRandom(Means):
    def fit(self, x: csr_matrix, random: np.random.Generator) -> None:
        super().fit(x, random)
        self.counts = self.counts + random.random(self.counts.shape, np.float32)


class SaidToBeRandom(Means):
    deterministic = False


class FreshlySeeded(Means):
    deterministic = False

    def fit(self, x: csr_matrix, random: np.random.Generator) -> None:
        super().fit(x, random)
        self.counts = self.counts + np.random.default_rng().random(self.counts.shape, np.float32)


class CountingNone(Means):
    def parameters(self) -> int:
        return 0


class Loose(Half):
    def bounds(self, x: np.ndarray) -> dict[str, np.ndarray]:
        found = super().bounds(x)
        return found | {"elbo": found["elbo"] + 1}


class NegativeDensityRate(Half):
    def bounds(self, x: np.ndarray) -> dict[str, np.ndarray]:
        found = super().bounds(x)
        return found | {"distortion": found["distortion"] + 1, "rate": found["rate"] - 1}


class Nameless(Half):
    def bounds(self, x: np.ndarray) -> dict[str, np.ndarray]:
        return {"log_p": super().bounds(x)["elbo"]}


class Summed(Half):
    def bounds(self, x: np.ndarray) -> dict[str, np.ndarray]:
        return {name: values.sum() for name, values in super().bounds(x).items()}


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (PositionalBaseline, "keyword-only"),
        (Unannotated, "'gamma' has no annotation"),
        (OutOfRange, "search_space: gamma: 0 is not allowed"),
        (Orphan, "neither a Recommender nor a Density"),
        (WritingToData, "writes to what it is fitted to"),
        (WideScores, "scores are float64"),
        (NotANumber, "not finite"),
        (Leaking, "depends on the others of its batch"),
        (GlobalNoise, "a global random stream"),
        (Accumulating, "depends on the fit before"),
        (SecretlyRandom, "two seeds differ"),
        (SaidToBeRandom, "two seeds agree"),
        (FreshlySeeded, "one generator gives two fits"),
        (CountingNone, "parameters.. is 0"),
        (Loose, "elbo is not"),
        (NegativeDensityRate, "a rate is -1"),
        (Nameless, "bounds are log_p"),
        (Summed, "elbo is float64 ..; allowed"),
    ],
)
def test_a_broken_baseline_is_named(broken: type[Baseline], sentence: str) -> None:
    with pytest.raises(ContractBroken, match=rf"^{broken.__name__}: .*{sentence}"):
        check_baseline(broken)
