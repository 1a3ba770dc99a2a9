"""One fit for all β: its curve, the best β by activity, its dial, and the file of its model."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

import vaebench
from vaebench.datasets.planted import Planted
from vaebench.datasets.protocol import Protocol
from vaebench.errors import VaebenchError
from vaebench.library import Fitted

MODEL = {"class": "gated_mult_vae.GatedMultVAE", "hidden": 24, "latents": 6, "dropout": 0.2}
STRATEGY = {"class": "log_uniform.LogUniform", "low": 0.05, "high": 5.0}
TRAINING = {"epochs": 25, "batch_size": 50, "learning_rate": 5e-3, "device": "cpu"}


@pytest.fixture(scope="module")
def ratings() -> pd.DataFrame:
    sizes = Protocol(min_items_per_user=0, validation_users=60, test_users=60)
    found = Planted(users=600, items=120, split=sizes).read(Path())
    return pd.DataFrame({"user": found.users, "item": found.items + 1_000})


@pytest.fixture(scope="module")
def fitted(ratings: pd.DataFrame) -> Fitted:
    return vaebench.fit(ratings, model=MODEL, strategy=STRATEGY, training=TRAINING)


def test_the_curve_is_a_frontier(fitted: Fitted) -> None:
    """Along the dial the rate falls and the distortion rises, one row a β."""
    curve = fitted.beta_curve(np.geomspace(0.05, 5, 7).tolist())
    assert curve.columns.tolist()[:2] == ["beta", "ndcg@100"]
    assert (np.diff(curve["rate"]) < 0).all()
    assert (np.diff(curve["distortion"]) > -0.1).all()
    assert curve["elbo"].to_numpy() == pytest.approx(-(curve["distortion"] + curve["rate"]))
    each = fitted.beta_curve([0.2, 1.0], each=True)
    assert len(each) == 2 * len(fitted.elbo())
    means = fitted.beta_curve([0.2, 1.0])
    assert each.groupby("beta")["rate"].mean().tolist() == pytest.approx(means["rate"].tolist())


def test_a_model_at_a_mark_is_the_mark_of_the_curve(fitted: Fitted) -> None:
    row = fitted.beta_curve([0.3]).iloc[0]
    assert fitted.at(0.3).score() == pytest.approx(row.drop("beta").to_dict())
    assert fitted.score() == pytest.approx(fitted.beta_curve([1.0]).iloc[0].drop("beta").to_dict())


def test_by_elbo_the_best_beta_is_one_for_everybody(fitted: Fitted) -> None:
    table = fitted.best_beta("elbo", groups=3)
    assert table["beta"].between(0.6, 1.6).all(), table
    assert table["users"].sum() == len(fitted.elbo())


def test_a_dial_by_activity_is_chosen_on_validation_users(fitted: Fitted) -> None:
    turned = fitted.turned_by_activity(exponents=(1.0,))
    about = turned.config["model"]
    assert about["exponent"] == 1.0
    assert fitted.validation is not None
    part = fitted.validation[0]
    assert part.fold_in is not None
    assert part.held_out is not None
    judged = part.fold_in.counts[part.held_out.lengths > 0]
    assert about["typical"] == pytest.approx(judged.mean().item())
    constant = fitted.turned_by_activity(exponents=(0.0,)).config["model"]
    assert (constant["exponent"], constant["typical"]) == (0.0, 1.0)
    assert fitted.config["model"]["at"] == 1.0, "the model itself is not turned"


def test_the_file_keeps_the_dial_and_its_range(
    fitted: Fitted, ratings: pd.DataFrame, tmp_path: Path
) -> None:
    turned = fitted.at(0.2, exponent=0.5, typical=20)
    turned.save(tmp_path / "m.safetensors")
    again = vaebench.load(tmp_path / "m.safetensors")
    pd.testing.assert_frame_equal(again.recommend(ratings), turned.recommend(ratings))
    with pytest.raises(VaebenchError, match=r"beta: 9 is not allowed; .* from 0\.05\d* to \d"):
        again.at(9)


def test_recommendations_come_in_parts_of_bounded_size(
    fitted: Fitted, ratings: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All at once, seven users at a time, and table by table: the same lists."""
    whole = fitted.recommend(ratings, k=5)
    monkeypatch.setattr("vaebench.library.SCORES", 7 * len(fitted.items))
    pd.testing.assert_frame_equal(fitted.recommend(ratings, k=5), whole, check_exact=False)
    tables = [ratings[ratings["user"] < 200], ratings[ratings["user"] >= 200]]
    parts = pd.concat(fitted.stream(tables, k=5), ignore_index=True)
    pd.testing.assert_frame_equal(parts, whole, check_exact=False)


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda fit: fit.beta_curve([0.001]), r"beta: 0\.001 is not allowed; this model was"),
        (lambda fit: fit.best_beta("distortion"), "metric: 'distortion' is not allowed; allowed: "),
        (lambda fit: fit.at(float("nan")), "beta: nan is not allowed"),
        (lambda fit: fit.at(1.0, exponent=1.0, typical=0.0), "typical: 0.0 is not allowed"),
    ],
)
def test_a_bad_dial_is_one_sentence(ask: Any, said: str, fitted: Fitted) -> None:
    with pytest.raises(VaebenchError, match=said) as found:
        ask(fitted)
    assert "\n" not in str(found.value)


def test_a_model_without_a_dial_says_so(ratings: pd.DataFrame) -> None:
    training = TRAINING | {"epochs": 1}
    for model in ("mult_vae.MultVAE", MODEL):
        plain = vaebench.fit(ratings, model=model, training=training)
        with pytest.raises(VaebenchError, match=r"told .*; allowed: a model that is told β"):
            plain.beta_curve()


def test_a_plain_model_is_not_trained_by_a_beta_that_it_is_not_told(ratings: pd.DataFrame) -> None:
    said = r"grid\.0\.strategies: 'log_uniform' draws β anew .* 'mult_vae' is not told which"
    with pytest.raises(VaebenchError, match=said):
        vaebench.fit(ratings, strategy=STRATEGY)


def hostile(fitted: Fitted, folder: Path, **changes: Any) -> Path:
    """A saved file with another header or other weights."""
    good, bad = folder / "good.safetensors", folder / "bad.safetensors"
    fitted.save(good)
    weights = load_file(good)
    with safe_open(str(good), "pt") as file:
        about = json.loads(file.metadata()["vaebench"])
    about["config"]["model"] |= changes.pop("model", {})
    weights |= changes.pop("weights", {})
    for name in changes.pop("without", ()):
        del weights[name]
    save_file(weights, bad, {"vaebench": json.dumps(about | changes)})
    return bad


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model": {"hidden": 10**9}}, r"'.*' has shape \(.*24.*\), and of .* it has \(.*10{9}"),
        ({"model": {"hidden": 10**30}}, "cannot load .*; allowed: a file that save"),
        ({"model": {"class": "mult_vae.Nobody"}}, r"'mult_vae\.Nobody' is not a class of vaebench"),
        ({"model": {"class": "os.system"}}, r"'os\.system' is not a class of vaebench"),
        ({"model": {"class": "layers.Gate"}}, "'layers.Gate' is not a class of vaebench"),
        ({"model": {"class": "dial.Gate"}}, "'dial.Gate' is no model"),
        ({"model": {"class": "mult_vae.MultVAE"}}, "at: unknown key; allowed: "),
        ({"model": {"at": "high"}}, "at: 'high' is not allowed"),
        ({"without": ["low"]}, r"'low' has shape none, and of .* it has \(\)"),
        ({"weights": {"more": torch.zeros(2)}}, r"'more' has shape \(2,\), .* it has none"),
        ({"weights": {"low": torch.zeros(3)}}, r"'low' has shape \(3,\)"),
        ({"items": ["a"]}, "'.*' has shape .* with 1 items it has"),
        ({"items": [1, 1]}, "items should be a list without repeats"),
        ({"items": "abc"}, "items should be a list without repeats"),
        ({"config": {}}, "cannot load .*: it has no 'model'; allowed: a file that save"),
        ({"config": []}, "cannot load .*; allowed: a file that save"),
        ({"trace": {"a": [1], "b": []}}, "items or trace are damaged"),
    ],
    ids=str,
)
def test_a_hostile_file_is_one_sentence(
    changes: dict[str, Any], said: str, fitted: Fitted, tmp_path: Path
) -> None:
    """And costs nothing: no network is made before its shapes are those of the file."""
    with pytest.raises(VaebenchError, match=said) as found:
        vaebench.load(hostile(fitted, tmp_path, **dict(changes)))
    assert "\n" not in str(found.value)


def test_weights_that_are_no_numbers_are_refused(fitted: Fitted, tmp_path: Path) -> None:
    name = "decoder.gates.0.values"
    broken = torch.full_like(fitted.model.state_dict()[name], torch.nan)
    with pytest.raises(VaebenchError, match=f"'{name}' is not made of finite numbers"):
        vaebench.load(hostile(fitted, tmp_path, weights={name: broken}))


class Trap:
    """Runs code where it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (exec, ("raise SystemExit('it ran')",))


def test_a_pickle_is_refused_unread(tmp_path: Path) -> None:
    torch.save({"vaebench": Trap()}, tmp_path / "m.safetensors")
    with pytest.raises(VaebenchError, match=r"cannot load .*; allowed: a file that save") as found:
        vaebench.load(tmp_path / "m.safetensors")
    assert "\n" not in str(found.value)
