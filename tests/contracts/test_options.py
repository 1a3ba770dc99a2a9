"""Options are checked whoever calls a constructor, and nothing else changes."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from vaebench.baselines.ease import EASE
from vaebench.baselines.item_knn import ItemKNN
from vaebench.datasets.digits import Digits
from vaebench.datasets.planted import Planted
from vaebench.errors import ArgumentError, ConfigError
from vaebench.metrics.likelihood_bound import LikelihoodBound
from vaebench.metrics.ndcg import NDCG
from vaebench.models.image_mlp import ImageMLP
from vaebench.models.mult_vae import MultVAE
from vaebench.models.rec_vae import RecVAE
from vaebench.seeds import torch_stream
from vaebench.training.orders.alternating import Alternating
from vaebench.training.orders.lagging import Lagging


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: MultVAE(10, dropout=-1), r"MultVAE: dropout: -1 is not allowed; it should be"),
        (lambda: MultVAE(10, hiden=5), r"MultVAE: hiden: unknown key; allowed: .*hidden"),
        (lambda: RecVAE(10, latents=0), r"RecVAE: latents: 0 is not allowed"),
        (lambda: ImageMLP(64, hidden=[0]), r"ImageMLP: hidden.0: 0 is not allowed"),
        (lambda: EASE(l2=-1), r"EASE: l2: -1 is not allowed; it should be greater than 0"),
        (lambda: ItemKNN(neighbours=0.5), r"ItemKNN: neighbours: 0.5 is not allowed"),
        (lambda: NDCG(k=0), r"NDCG: k: 0 is not allowed; it should be greater than or equal to 1"),
        (lambda: LikelihoodBound(samples=0), r"LikelihoodBound: samples: 0 is not allowed"),
        (lambda: Planted(users=0), r"Planted: users: 0 is not allowed"),
        (lambda: Digits(held_out_class=10), r"Digits: held_out_class: 10 is not allowed"),
        (lambda: Alternating(encoder_passes=0), r"Alternating: encoder_passes: 0 is not allowed"),
        (lambda: Lagging(innner=3), r"Lagging: innner: unknown key; allowed: .*inner"),
    ],
)
def test_an_impossible_option_is_one_sentence(make: Callable[[], Any], sentence: str) -> None:
    with pytest.raises(ArgumentError, match=rf"^{sentence}") as found:
        make()
    assert "\n" not in str(found.value)
    assert isinstance(found.value, ConfigError)
    assert isinstance(found.value, ValueError)


def test_what_comes_from_the_data_stays_positional() -> None:
    assert MultVAE(10, hidden=3, latents=2).encoder["input"].weight.shape == (10, 3)
    assert MultVAE(features=10, hidden=3, latents=2).latents == 2
    with pytest.raises(TypeError, match="positional"):
        NDCG(5)  # type: ignore[misc]


def test_a_model_takes_the_same_weights_by_default_and_by_its_defaults_written_out() -> None:
    one, two = MultVAE(10), MultVAE(10, hidden=600, latents=200, dropout=0.5)
    for model in (one, two):
        model.initialise(torch_stream("weights"))
    pairs = zip(one.parameters(), two.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
