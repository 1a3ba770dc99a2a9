"""Values that are no finite numbers are a status with its reason, and never a mean of survivors."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from tests.cells.test_vae import PLANTED, spec
from vaebench.baselines import Recommender
from vaebench.cells import baseline, test, vae
from vaebench.cells.files import seal
from vaebench.cells.folder import FILES
from vaebench.components import create
from vaebench.files import read_json
from vaebench.metrics import Bound, Catalogue, Lists, Values
from vaebench.models.mult_vae import MultVAE
from vaebench.study.keys import SHIPPED


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    create("vaebench.datasets", PLANTED).write_split(None, folder, {"name": None, "sha256": None})
    return folder


class Fragile(MultVAE):
    """Finite in training; in evaluation one example of a batch of many is not."""

    broken = float("nan")

    def rate(self, x: Any, posterior: Any, z: Tensor) -> Tensor:
        rate = super().rate(x, posterior, z)
        if not self.training and len(rate) > 1:
            rate = rate.clone()
            rate[-1] = self.broken
        return rate


class FragileInTest(Fragile):
    """Only among the 40 test users."""

    broken = float("inf")

    def rate(self, x: Any, posterior: Any, z: Tensor) -> Tensor:
        return (
            super().rate(x, posterior, z) if len(z) == 40 else MultVAE.rate(self, x, posterior, z)
        )


class Perplexity(Bound):
    """Overflows."""

    better = "lower"

    def values(self, bound: Values) -> Tensor | None:
        return torch.exp(1000 * bound["distortion"])


class Hollow(Catalogue):
    """A share of nothing."""

    def value(self, lists: Lists, popularity: Tensor) -> float:  # noqa: ARG002
        return float("nan")


class Silent(Recommender):
    """Scores that no item has."""

    def fit(self, x: Any, random: np.random.Generator) -> None:  # noqa: ARG002
        self.items = x.shape[1]

    def parameters(self) -> int:
        return 0

    def scores(self, fold_in: Any) -> np.ndarray:
        return np.full((fold_in.shape[0], self.items), np.nan, np.float32)


def named(component: type, name: str = "m", **options: Any) -> dict[str, Any]:
    return {"name": name, "class": f"{__name__}.{component.__name__}", **options}


def strict(out: Path) -> dict[str, Any]:
    """All files, and JSON without NaN."""
    assert sorted(path.name for path in out.iterdir()) == sorted(FILES)

    def none(word: str) -> None:
        raise AssertionError(word)

    for path in out.glob("*.json"):
        json.loads(path.read_text(), parse_constant=none)
    return dict(read_json(out / "status.json"))


@pytest.mark.parametrize(("model", "where"), [(Fragile, "validation"), (FragileInTest, "test")])
def test_one_example_without_a_finite_value_is_divergence(
    model: type, where: str, data: Path, tmp_path: Path
) -> None:
    """A mean over the other examples would be a number of survivors."""
    vae.run(spec() | {"model": named(model, hidden=12, latents=4)}, data, tmp_path)
    test.run(tmp_path, data, SHIPPED)
    status = strict(tmp_path)
    assert status["status"] == "diverged"
    assert status["reason"].startswith(f"{where} is not finite: ")
    assert " for 1 of " in status["reason"]
    assert read_json(tmp_path / "summary.json")["test"] == {}


@pytest.mark.parametrize(("metric", "says"), [(Perplexity, "inf"), (Hollow, "nan")])
def test_a_metric_that_is_not_finite_is_named(
    metric: type, says: str, data: Path, tmp_path: Path
) -> None:
    vae.run(spec(), data, tmp_path)
    own = {k: v for k, v in named(metric).items() if k != "name"}
    test.run(tmp_path, data, SHIPPED | {"own": own})
    status = strict(tmp_path)
    assert status["status"] == "diverged"
    assert f"own is {says}" in status["reason"]


def test_scores_that_are_no_numbers_are_no_ranking(data: Path, tmp_path: Path) -> None:
    """NaN was the best of all scores, the user's NDCG a finite 0, and the verdict “lower”."""
    model = named(Silent, "silent")
    asked = {"study": "test", "dataset": "planted", "model": model, "seed": 0}
    baseline.run(asked, data, tmp_path, SHIPPED)
    status = strict(tmp_path)
    assert status["status"] == "diverged"
    assert "score" in status["reason"]


def test_weights_that_are_not_finite_are_no_result(data: Path, tmp_path: Path) -> None:
    training = vae.run(spec(), data, tmp_path)
    weights = load_file(tmp_path / "best.safetensors")
    save_file(
        {k: torch.full_like(v, torch.nan) for k, v in weights.items()},
        tmp_path / "best.safetensors",
    )
    seal(tmp_path, "training.json", {k: v for k, v in training.items() if k != "files"})
    test.run(tmp_path, data, SHIPPED)
    assert strict(tmp_path)["status"] == "diverged"
