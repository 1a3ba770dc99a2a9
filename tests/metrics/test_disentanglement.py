"""The scores of disentanglement: representations whose score is known, and their invariances."""

import numpy as np
import pytest
import torch
from torch import Tensor

from vaebench.datasets.shapes import combinations
from vaebench.metrics import Representation
from vaebench.metrics.beta_vae_score import BetaVAEScore
from vaebench.metrics.dci import DCI, concentrated
from vaebench.metrics.factor_vae_score import FactorVAEScore
from vaebench.metrics.factors import Alike
from vaebench.metrics.mig import MIG
from vaebench.metrics.sap import SAP
from vaebench.seeds import torch_stream

FACTORS = torch.from_numpy(combinations())
PARTS = ("disentanglement", "completeness", "informativeness")
QUICK: dict[str, Representation] = {
    "mig": MIG(),
    "sap": SAP(),
    "beta-vae": BetaVAEScore(points=400),
    "factor-vae": FactorVAEScore(votes=400),
} | {part: DCI(part=part) for part in PARTS}


def scored(metric: Representation, codes: Tensor, factors: Tensor = FACTORS) -> float:
    some = torch.randperm(len(factors), generator=torch_stream("rows"))[:1_000]
    return metric.value(codes[some].double(), factors[some], torch_stream("score"))


def rotated() -> Tensor:
    scaled = (FACTORS - FACTORS.double().mean(0)) / FACTORS.double().std(0)
    square = torch.randn(5, 5, generator=torch_stream("rotation"), dtype=torch.float64)
    return scaled @ torch.linalg.qr(square).Q


def noise() -> Tensor:
    return torch.randn(len(FACTORS), 5, generator=torch_stream("codes"), dtype=torch.float64)


KNOWN = {
    "mig": (0.97, 0.02),
    "sap": (0.25, 0.05),
    "beta-vae": (1.0, 0.35),
    "factor-vae": (1.0, 0.35),
    "disentanglement": (0.97, 0.1),
    "completeness": (0.97, 0.1),
    "informativeness": (0.99, 0.25),
}
"""Name → at least so much for the factors themselves, at most so much for noise."""


@pytest.mark.parametrize("name", KNOWN)
def test_factors_score_high_noise_scores_low_and_a_rotation_lies_between(name: str) -> None:
    """As in a prototype on these pictures: MIG 1.000/.288/.000, β-VAE 1/.909/.193."""
    high, low = KNOWN[name]
    own, turned, drawn = (scored(QUICK[name], z) for z in (FACTORS, rotated(), noise()))
    assert own >= high
    assert drawn <= low
    assert drawn < turned < own or name == "beta-vae"


def test_the_whole_grid_has_the_gap_of_its_entropies() -> None:
    """f0 has a latent of its own; of f1, 4 values, a second latent says one bit of two."""
    factors = torch.cartesian_prod(torch.arange(3), torch.arange(4))
    codes = torch.stack([factors[:, 0], factors[:, 1], factors[:, 1] // 2], 1).double()
    assert MIG().value(codes, factors, torch.Generator()) == pytest.approx((1 + 0.5) / 2, abs=1e-9)
    twice = codes[:, [0, 0]]
    assert MIG().value(twice, factors, torch.Generator()) == pytest.approx(0, abs=1e-9)


def test_one_latent_alone_is_compared_with_nothing() -> None:
    factors = torch.cartesian_prod(torch.arange(3), torch.arange(4))
    assert MIG().value(factors[:, :1].double(), factors, torch.Generator()) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("importance", "rows", "columns"),
    [
        (np.eye(4), 1.0, 1.0),
        (np.ones((3, 4)), 0.0, 0.0),
        ([[1.0, 1.0], [0.0, 0.0]], 0.0, 1.0),
        ([[3.0, 0.0], [0.5, 0.5]], 0.75, (3.5 * (1 - 0.591673) + 0.5) / 4),
    ],
)
def test_importances_are_judged_by_their_entropy(
    importance: list[list[float]], rows: float, columns: float
) -> None:
    matrix = np.array(importance)
    assert concentrated(matrix) == pytest.approx(rows, abs=1e-6)
    shares = matrix.T / np.maximum(matrix.T.sum(1, keepdims=True), 1e-300)
    with np.errstate(divide="ignore", invalid="ignore"):
        entropy = -np.nansum(shares * np.log(shares), 1) / np.log(len(matrix))
    weighed = ((1 - entropy) * matrix.sum(0)).sum() / matrix.sum()
    assert concentrated(matrix.T) == pytest.approx(weighed, abs=1e-9)
    assert weighed == pytest.approx(columns, abs=1e-6)


@pytest.mark.parametrize("name", [name for name in QUICK if name not in PARTS[1:]])
def test_order_sign_and_scale_of_latents_do_not_count(name: str) -> None:
    codes = rotated()
    if name == "beta-vae":  # its classifier is regularised: only the order and the sign
        other = -codes[:, [3, 1, 4, 0, 2]]
    else:
        other = codes[:, [3, 1, 4, 0, 2]] * torch.tensor([-4.0, 0.5, 2.0, -1.0, 8.0])
    tolerance = {"sap": 0.05, "beta-vae": 0.02}.get(name, 0.02)
    assert scored(QUICK[name], other) == pytest.approx(scored(QUICK[name], codes), abs=tolerance)


@pytest.mark.parametrize("name", QUICK)
def test_a_collapsed_representation_has_a_score_of_chance(name: str) -> None:
    found = scored(QUICK[name], torch.zeros(len(FACTORS), 3))
    assert 0 <= found <= {"beta-vae": 0.35, "informativeness": 0.3}.get(name, 0.0)


def test_pictures_alike_share_the_factor_and_are_drawn_evenly() -> None:
    some, factors = np.random.default_rng(0), combinations()
    alike, first = Alike(factors), np.full(20_000, 7_777)
    drawn = alike.drawn(2, first, some)
    assert (factors[drawn, 2] == factors[7_777, 2]).all()
    counts = np.bincount(drawn, minlength=len(factors))[factors[:, 2] == factors[7_777, 2]]
    assert len(counts) == 1_200
    assert abs(counts.mean() - 20_000 / 1_200) < 1e-9
    assert counts.var() == pytest.approx(counts.mean(), rel=0.15), "Poisson, so drawn evenly"
