"""The conditional VAE: probabilistic PCA within classes, the plain VAE, and a cell with labels."""

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.stats
import torch

from tests.linear_gaussian import observations
from tests.trained import run
from vaebench.components import create
from vaebench.errors import ConfigError, DataError
from vaebench.files import read_json
from vaebench.images.measure import load, measure, samples
from vaebench.images.options import ImageStudy
from vaebench.metrics.annealed import annealed
from vaebench.metrics.bound import elbo
from vaebench.metrics.importance import importance
from vaebench.models.conditional_mlp import ConditionalMLP
from vaebench.models.image_mlp import ImageMLP
from vaebench.models.pixels import Pixels
from vaebench.seeds import numpy_stream, torch_stream
from vaebench.sparse import Labelled
from vaebench.study.check import check
from vaebench.study.plan import Plan
from vaebench.training.data import Data
from vaebench.training.dynamic import DynamicPictures
from vaebench.training.estimators import Estimator

UNIT = Pixels(family="gaussian", mean="identity", variance="fixed")
"""N(μ, 1)."""


def classed() -> Labelled:
    """Three classes that differ in their means, (600, 6)."""
    y = torch.arange(600) % 3
    means = torch.empty(3, 6).normal_(generator=torch_stream("means"))
    return Labelled(observations()[:600] + 4 * means[y], y)


def linear() -> ConditionalMLP:
    model = ConditionalMLP(6, classes=3, hidden=[], latents=2, likelihood=UNIT)
    model.initialise(torch_stream("linear"))
    return model


def exact(model: ConditionalMLP, x: Labelled) -> np.ndarray:
    """Log N(x; V_y + b, W Wᵀ + I), where the decoder is (W, V)(z, c) + b."""
    layer = model.decoder[0]
    both, bias = (p.detach().double().numpy() for p in (layer.weight, layer.bias))
    weights, shifts = both[:, :2], both[:, 2:]
    covariance = weights @ weights.T + np.eye(6)
    rest = x.x.double().numpy() - bias - shifts.T[x.y.numpy()]
    return scipy.stats.multivariate_normal(np.zeros(6), covariance).logpdf(rest)


def best(x: Labelled) -> float:
    """The largest mean log likelihood: class means, and PCA of what is left (Tipping & Bishop)."""
    pictures, y = x.x.double().numpy(), x.y.numpy()
    rest = pictures - np.stack([pictures[y == c].mean(0) for c in range(3)])[y]
    spread = np.cov(rest.T, bias=True)
    values, directions = np.linalg.eigh(spread)
    kept = directions[:, -2:] * np.sqrt(np.maximum(values[-2:] - 1, 0))
    covariance = kept @ kept.T + np.eye(6)
    return float(scipy.stats.multivariate_normal(np.zeros(6), covariance).logpdf(rest).mean())


@pytest.fixture(scope="module")
def trained() -> ConditionalMLP:
    """At the optimum, where estimator A has no variance."""
    torch.set_num_threads(1)
    model, x, exactly = linear(), classed(), Estimator("sgvb_a")
    optimizer = torch.optim.Adam(model.parameters(), 0.2)
    for step in range(350):
        terms = exactly.draw(model, x, torch_stream("z", step))
        optimizer.zero_grad()
        exactly.loss(terms, torch.ones(())).mean().backward()
        optimizer.param_groups[0]["lr"] = 0.2 * (1 - step / 350)
        optimizer.step()
    return model


def test_training_finds_the_principal_components_within_classes(trained: ConditionalMLP) -> None:
    x = classed()
    assert exact(trained, x).mean() == pytest.approx(best(x), abs=0.005)
    found = elbo(trained, x, torch_stream("z"), samples=50)["elbo"].mean().item()
    assert found == pytest.approx(best(x), abs=0.03), "the posterior is linear in picture and class"


def test_likelihoods_are_of_the_picture_given_its_class(trained: ConditionalMLP) -> None:
    model, x = copy.deepcopy(trained), classed()[torch.arange(6)]
    with torch.no_grad():
        model.encoder[0].bias += 0.3  # both moved and wider than the true posterior
    expected = torch.from_numpy(exact(model, x))
    many = importance(model, x, torch_stream("k"), samples=4_000, rows=24_000)["log_likelihood"]
    torch.testing.assert_close(many, expected, atol=0.05, rtol=0)
    second = annealed(model, x, torch_stream("a"), temperatures=60, chains=30)
    torch.testing.assert_close(second["log_likelihood_ais"], expected, atol=0.3, rtol=0)
    assert (elbo(model, x, torch_stream("z"), samples=200)["elbo"] < expected).all()


def test_classes_that_say_nothing_leave_the_plain_model() -> None:
    options: dict[str, Any] = {"hidden": [5], "latents": 3}
    plain, other = ImageMLP(6, **options), ConditionalMLP(6, classes=2, **options)
    plain.initialise(torch_stream("weights"))
    other.load_state_dict(
        {
            name: torch.cat([value, torch.zeros(len(value), 2)], 1)
            if name in ("encoder.0.weight", "decoder.0.weight")
            else value
            for name, value in plain.state_dict().items()
        }
    )
    x = (observations()[:40] > 0).float()
    y = torch.arange(40) % 2
    one = elbo(plain, x, torch_stream("z"))["elbo"]
    two = elbo(other, Labelled(x, y), torch_stream("z"))["elbo"]
    torch.testing.assert_close(two, one, rtol=1e-5, atol=0)


def spec(model: str, **options: Any) -> dict[str, Any]:
    return {
        "study": "test",
        "dataset": "digits",
        "model": {"name": model, "class": model, "hidden": [32], "latents": 3, **options},
        "strategy": {"name": "constant", "class": "constant.Constant"},
        "seed": 0,
        "training": {"epochs": 8, "batch_size": 100, "learning_rate": 5e-3, "device": "cpu"},
    }


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("digits")
    create("vaebench.datasets", {"class": "digits.Digits"}).write_split(None, folder, {})
    return folder


def test_a_cell_learns_from_the_labels(digits: Path, tmp_path: Path) -> None:
    """The class tells the decoder what the latents need not: the ELBO rises, the rate falls."""
    torch.set_num_threads(1)
    found = {
        model: run(spec(model), digits, tmp_path / model)["test"]
        for model in ("image_mlp.ImageMLP", "conditional_mlp.ConditionalMLP")
    }
    plain, given = found["image_mlp.ImageMLP"], found["conditional_mlp.ConditionalMLP"]
    assert given["elbo"] > plain["elbo"] + 1
    cell = tmp_path / "conditional_mlp.ConditionalMLP"
    options = ImageStudy(pictures=20, importance_samples=5, annealed_images=2)
    measure(cell, digits, tmp_path / "images", options)
    metrics = read_json(tmp_path / "images/metrics.json")
    assert metrics["elbo"] == pytest.approx(given["elbo"], abs=0.1)
    assert "probe" not in metrics
    trained = load(cell, digits)
    with torch.no_grad():
        drawn = torch.from_numpy(samples(trained, options)[1]["sample_means"])
    pictures, labels = trained.parts["train"], torch.from_numpy(trained.labels["train"])
    centres = torch.stack([pictures[labels == c].mean(0) for c in range(10)])
    nearest = ((drawn[:, None] - centres) ** 2).sum(2).argmin(1)
    assert (nearest == torch.arange(20) % 10).float().mean() > 0.4, "one of each class in turn"


def test_labels_that_the_model_does_not_know_are_refused(digits: Path) -> None:
    data = Data(digits, torch.device("cpu"))
    with pytest.raises(DataError, match=r"train has a label 9; allowed with classes: 9: 0 to 8"):
        data.labelled("train", data.train(), 9)
    with pytest.raises(DataError, match="other has no labels, which the model looks at; allowed"):
        data.labelled("other", data.train(), 9)


def test_a_data_set_without_labels_is_refused_when_a_study_is_planned(tmp_path: Path) -> None:
    np.savez(tmp_path / "own.npz", pictures=numpy_stream("own").random((40, 4, 4)) < 0.5)
    plan = Plan(
        {
            "name": "labels",
            "seeds": 1,
            "control": "constant",
            "datasets": {
                "own": {
                    "class": "image_array.ImageArray",
                    "path": str(tmp_path / "own.npz"),
                    "pictures": "pictures",
                    "validation": 10,
                    "test": 10,
                }
            },
            "models": {"given": {"class": "conditional_mlp.ConditionalMLP"}},
            "strategies": {"constant": {"class": "constant.Constant"}},
            "grid": [{"dataset": "own", "model": "given", "strategies": ["constant"]}],
        }
    )
    with pytest.raises(ConfigError, match=r"grid\.0\.model: 'given' looks at labels, and 'own'"):
        check(plan)


def test_pictures_that_are_drawn_anew_keep_their_labels() -> None:
    grey = DynamicPictures(torch.linspace(0, 1, 20)[:, None].expand(20, 30))
    rows = torch.tensor([19, 0, 7])
    batch = Labelled(grey, torch.arange(20))[rows]  # type: ignore[arg-type]
    assert batch.y.tolist() == [19, 0, 7]
    assert torch.equal(batch.x, grey[rows])
