"""The deterministic autoencoder: PCA where it is linear; no rate, no bound, and who says so."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.linalg
import torch
import yaml
from sklearn.decomposition import PCA

from tests.linear_gaussian import observations
from tests.trained import run
from vaebench.components import create
from vaebench.errors import ConfigError
from vaebench.images.measure import measure
from vaebench.images.options import ImageStudy
from vaebench.metrics.bound import elbo
from vaebench.models.autoencoder import Autoencoder
from vaebench.models.pixels import Pixels
from vaebench.seeds import torch_stream
from vaebench.study.check import check
from vaebench.study.plan import Plan
from vaebench.training.estimators import Estimator

SQUARES = Pixels(family="gaussian", mean="identity", variance="fixed")


@pytest.mark.parametrize("beta", [0.0, 7.0])
def test_a_linear_one_finds_the_subspace_of_pca_whatever_beta(beta: float) -> None:
    """Principal angles to scikit-learn's components, and the same squared error."""
    x, weight = observations(), torch.tensor(beta)
    model = Autoencoder(6, hidden=[], latents=2, likelihood=SQUARES)
    model.initialise(torch_stream("weights"))
    optimizer = torch.optim.LBFGS(
        model.parameters(), max_iter=300, line_search_fn="strong_wolfe", tolerance_change=1e-12
    )

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        estimator = Estimator()
        found = estimator.loss(estimator.draw(model, x, torch_stream("z")), weight).mean()
        found.backward()
        return found

    optimizer.step(loss)
    theirs = PCA(2).fit(x.double().numpy())
    ours = model.decoder[0].weight.detach().double().numpy()
    angles = scipy.linalg.subspace_angles(ours, theirs.components_.T)
    assert np.degrees(angles).max() < 0.2
    decoded = model.decode(model.encode(x).mean).logits.detach().double().numpy()
    expected = theirs.inverse_transform(theirs.transform(x.double().numpy()))
    error, least = (np.mean((x.numpy() - found) ** 2) for found in (decoded, expected))
    assert least <= error < least * (1 + 1e-5)


def test_there_is_a_distortion_and_neither_rate_nor_bound() -> None:
    model, x = Autoencoder(6, hidden=[5], latents=2, likelihood=SQUARES), observations()[:9]
    model.initialise(torch_stream("weights"))
    values = elbo(model, x, torch_stream("noise"), samples=3)
    assert set(values) == {"distortion"}
    expected = -model.decode(model.encode(x).mean).log_prob(x)
    torch.testing.assert_close(values["distortion"], expected.double())


STUDY: dict[str, Any] = {
    "name": "ae",
    "seeds": 1,
    "control": "constant",
    "datasets": {"digits": {"class": "digits.Digits"}},
    "models": {"ae": {"class": "autoencoder.Autoencoder", "hidden": [16], "latents": 3}},
    "strategies": {
        "constant": {"class": "constant.Constant"},
        "linear": {"class": "linear.Linear"},
    },
    "metrics": {"reconstruction": {"class": "elbo.Reconstruction"}},
    "training": {"epochs": 2, "batch_size": 100, "device": "cpu", "select": "reconstruction"},
    "grid": [{"dataset": "digits", "model": "ae", "strategies": ["constant"]}],
}


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("training", "select"), None, "training.select: the ELBO selects.*'ae' has none.*Recons"),
        (("training", "select"), "elbo", "training.select: the ELBO selects .*'ae' has none"),
        (
            ("grid", 0, "strategies"),
            ["constant", "linear"],
            "'linear' weighs the rate, and 'ae' has none",
        ),
    ],
)
def test_a_study_that_cannot_be_is_refused(path: Any, value: Any, words: str) -> None:
    study = yaml.safe_load(yaml.safe_dump(STUDY))
    *parents, last = path
    place = study
    for key in parents:
        place = place[key]
    place[last] = value
    if value is None:
        del place[last]
    with pytest.raises(ConfigError, match=words):
        check(Plan(study))


def test_a_cell_and_its_figures_have_what_there_is(tmp_path: Path) -> None:
    """Trained, tested and measured; what needs a bound or a prior is absent, not zero."""
    check(Plan(STUDY))
    data, out = tmp_path / "data", tmp_path / "out"
    digits = create("vaebench.datasets", {"class": "digits.Digits"})
    digits.write_split(None, data, {"name": None, "sha256": None})
    spec = {
        "study": "ae",
        "dataset": "digits",
        "model": {"name": "ae", **STUDY["models"]["ae"]},
        "strategy": {"name": "constant", "class": "constant.Constant"},
        "seed": 0,
        "training": {"epochs": 2, "batch_size": 100, "device": "cpu"},
        "select": {"name": "reconstruction", "class": "elbo.Reconstruction"},
    }
    out.mkdir()
    assert run(spec, data, out)["status"] == "done"
    test = pd.read_parquet(out / "test.parquet")
    trace = pd.read_parquet(out / "trace.parquet")
    assert not {"elbo", "rate"} & set(test)
    assert not {"elbo", "validation_elbo", "validation_rate"} & set(trace)
    assert (trace["rate"] == 0).all()
    measured = tmp_path / "measured"
    measured.mkdir()
    figures = ["likelihood", "reconstructions", "samples", "manifold", "pca", "probe"]
    measure(out, data, measured, ImageStudy(figures=figures, labels=[5]))
    with np.load(measured / "values.npz") as arrays:
        assert {"originals", "reconstructions"} <= set(arrays)
        assert not {"samples", "manifold", "elbo"} & set(arrays)
