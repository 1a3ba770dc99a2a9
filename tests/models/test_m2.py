"""Semi-supervised: the likelihood of a mixture, exactly; and with all labels, two known models."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.special
import scipy.stats
import torch
from torch import Tensor

from vaebench.cells import test as testing
from vaebench.cells import vae
from vaebench.components import create
from vaebench.contracts import ContractBroken, check_model
from vaebench.errors import ConfigError
from vaebench.metrics.label_error import LabelError
from vaebench.models import Cases
from vaebench.models.conditional_mlp import ConditionalMLP
from vaebench.models.image_mlp import ImageMLP
from vaebench.models.m2 import M2
from vaebench.models.pixels import Pixels
from vaebench.seeds import torch_stream
from vaebench.sparse import Labelled
from vaebench.training.estimators import Estimator

UNIT = Pixels(family="gaussian", mean="identity", variance="fixed")
W = torch.tensor([1.5, 0.8])


def linear() -> M2:
    """Three hills of equal spread: the posteriors of z and of the class are linear, and exact."""
    model = M2(6, classes=3, hidden=[], latents=2, alpha=2.0, likelihood=UNIT)
    model.initialise(torch_stream("m2"))
    decoder, encoder, classifier = (
        model.decoder[0],
        *(model.encoder[k][0] for k in ("latents", "classes")),
    )  # type: ignore[index]
    with torch.no_grad():
        directions = torch.linalg.qr(decoder.weight[:, :2]).Q * W
        shifts = torch.empty(6, 3).normal_(generator=torch_stream("shifts"))
        decoder.weight.copy_(torch.cat([directions, shifts], 1))
        decoder.bias.zero_()
        precision = 1 + W**2
        encoder.weight.zero_()
        encoder.weight[:2] = (
            torch.cat([directions.T, -directions.T @ shifts], 1) / precision[:, None]
        )
        encoder.bias.copy_(torch.cat([torch.zeros(2), -precision.log()]))
        inverse = torch.linalg.inv(directions @ directions.T + torch.eye(6))
        classifier.weight.copy_(shifts.T @ inverse)
        classifier.bias.copy_(-0.5 * (shifts * (inverse @ shifts)).sum(0))
    return model


def joint(model: M2, x: Tensor) -> np.ndarray:
    """Log p(x, y), (B, C): y uniform, x given y is N(V_y, W Wᵀ + I)."""
    both = model.decoder[0].weight.detach().double().numpy()  # type: ignore[index]
    covariance = both[:, :2] @ both[:, :2].T + np.eye(6)
    hills = [scipy.stats.multivariate_normal(both[:, 2 + c], covariance) for c in range(3)]
    return np.stack([hill.logpdf(x.numpy()) for hill in hills], 1) - math.log(3)


def pictures() -> Labelled:
    noise = torch_stream("pictures")
    x = 1.5 * torch.empty(12, 6).normal_(generator=noise)
    return Labelled(x, torch.tensor([-1, 0, 1, 2] * 3))


@torch.no_grad()
def test_with_the_true_posteriors_the_loss_is_the_likelihood() -> None:
    """Unknown: −log p(x) of the mixture; known: −log p(x, y) − α log q(y|x). Nothing varies."""
    model, x = linear(), pictures()
    terms = Estimator("sgvb_a").draw(model, x, torch_stream("z"))
    assert terms.rate.shape == (12, 3)
    both = joint(model, x.x)
    whole = scipy.special.logsumexp(both, 1)
    known = x.y.numpy() >= 0
    told = both[np.arange(12), x.y.numpy()]
    loss = Estimator().loss(terms, torch.ones(()))
    expected = np.where(known, -told - 2.0 * (told - whole), -whole)
    np.testing.assert_allclose(loss.numpy(), expected, atol=1e-3)
    np.testing.assert_allclose(model.classify(x).numpy(), np.exp(both - whole[:, None]), atol=1e-5)


def test_all_labels_are_a_conditional_vae_and_a_classifier() -> None:
    """The loss of both, on the same numbers for z, and log C."""
    options: dict[str, Any] = {"classes": 3, "hidden": [5], "latents": 2}
    model, other = M2(6, alpha=0.7, **options), ConditionalMLP(6, **options)
    model.initialise(torch_stream("m2"))
    other.encoder.load_state_dict(model.encoder["latents"].state_dict())
    other.decoder.load_state_dict(model.decoder.state_dict())
    x = Labelled((pictures().x > 0).float(), torch.arange(12) % 3)
    beta = torch.tensor(0.4)
    found = Estimator().loss(Estimator().draw(model, x, torch_stream("z")), beta)
    epsilon = torch.empty(36, 2).normal_(generator=torch_stream("z"))[3 * torch.arange(12) + x.y]
    q = other.encode(x)
    z = q.mean + torch.exp(0.5 * q.log_variance) * epsilon
    distortion = -other.decode(z, other.given(x)).log_prob(x.x)
    rate = q.rate(other.prior(other.given(x))).sum(1)
    wrong = torch.nn.functional.cross_entropy(model.encoder["classes"](x.x), x.y, reduction="none")
    expected = distortion + 0.4 * (rate + math.log(3)) + 0.7 * wrong
    torch.testing.assert_close(found, expected)


def test_one_class_is_the_plain_vae() -> None:
    model = M2(6, classes=1, hidden=[5], latents=2)
    model.initialise(torch_stream("m2"))
    plain = ImageMLP(6, hidden=[5], latents=2)
    encoder, decoder = model.encoder["latents"].state_dict(), model.decoder.state_dict()
    for part, state in ((plain.encoder, encoder), (plain.decoder, decoder)):
        state["0.bias"] = state["0.bias"] + state["0.weight"][:, -1]
        state["0.weight"] = state["0.weight"][:, :-1]
        part.load_state_dict(state)
    x = (pictures().x > 0).float()
    unknown = Labelled(x, torch.full((12,), -1))
    ours, theirs = (
        Estimator().loss(Estimator().draw(m, given, torch_stream("z")), torch.ones(()))  # type: ignore[arg-type]
        for m, given in ((model, unknown), (plain, x))
    )
    torch.testing.assert_close(ours, theirs)


def test_the_known_labels_and_what_is_refused() -> None:
    model = M2(6, classes=3, labels=2, hidden=[4], latents=2)
    y = torch.tensor([0, 0, 2, 0, 1, 2, 2, 0])
    assert model.known(y).tolist() == [0, 0, 2, -1, 1, 2, -1, -1]
    check_model(M2, classes=3, hidden=[4], latents=2)
    with pytest.raises(ConfigError, match=r"'importance' weighs.*M2"):
        Estimator("importance", 2).check_model(model)
    plain = ImageMLP(6, hidden=[4], latents=2)
    assert LabelError().values(plain, torch.ones(2, 6), torch_stream("n")) is None


class Twice(M2):
    """Counts every picture twice."""

    def __init__(self, features: int) -> None:
        super().__init__(features, classes=3, hidden=[4], latents=2)

    def cases(self, x: Labelled) -> Cases:  # type: ignore[override]
        found = super().cases(x)
        return replace(found, weights=2 * found.weights)


def test_weights_that_are_no_mean_are_named() -> None:
    with pytest.raises(ContractBroken, match="Twice: the weights of an example's cases are not 1"):
        check_model(Twice)


def test_a_cell_learns_from_few_labels(tmp_path: Path) -> None:
    """Digits with ten known ones of each class; the error is a metric beside the others."""
    torch.set_num_threads(1)
    create("vaebench.datasets", {"class": "digits.Digits"}).write_split(None, tmp_path / "data", {})
    model = {"class": "m2.M2", "hidden": [32], "latents": 4, "labels": 10, "alpha": 10.0}
    spec: dict[str, Any] = {
        "study": "test",
        "dataset": "digits",
        "model": {"name": "m2", **model},
        "strategy": {"name": "constant", "class": "constant.Constant"},
        "seed": 0,
        "training": {"epochs": 12, "batch_size": 100, "learning_rate": 5e-3, "device": "cpu"},
    }
    vae.run(spec, tmp_path / "data", tmp_path / "cell")
    metrics = {"error": {"class": "label_error.LabelError"}, "elbo": {"class": "elbo.ELBO"}}
    found = testing.run(tmp_path / "cell", tmp_path / "data", metrics)["test"]
    assert found["error"] < 0.4
    assert -25 < found["elbo"] < -10
