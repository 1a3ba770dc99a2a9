"""Trainings in parts: a chain of jobs ends with the bits of one that was never cut."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from vaebench.cells import vae
from vaebench.components import create
from vaebench.errors import ConfigError, DataError
from vaebench.files import read_json
from vaebench.training import checkpoint

PLANTED = {
    "class": "planted.Planted",
    "users": 100,
    "items": 104,
    "latents": 2,
    "importance_samples": 10,
    "split": {"min_items_per_user": 0, "validation_users": 30, "test_users": 10},
}
MULT_VAE = {"name": "m", "class": "mult_vae.MultVAE", "hidden": 8, "latents": 3}
REC_VAE = {"name": "m", "class": "rec_vae.RecVAE", "hidden": 8, "latents": 3, "layers": 2}
VARIANTS: dict[str, dict[str, Any]] = {
    "schedule": {},
    "closed loop": {"strategy": {"class": "geco.GECO", "target": 100.0, "hold": 0.0}},
    "validation-driven": {
        "strategy": {"class": "cap_search.CapSearch", "updates_per_unit": 10, "patience": 1}
    },
    "alternating": {"model": REC_VAE, "strategy": {"class": "user_scaled.UserScaled"}},
    "lagging": {
        "training": {"update_order": {"class": "lagging.Lagging", "inner": 4, "window": 2}}
    },
    "cyclical learning rate": {"training": {"learning_rate_cycles": 2}},
}
SAME = ("config.json", "best.safetensors", "last.safetensors")


def spec(variant: str = "schedule", **training: Any) -> dict[str, Any]:
    given = VARIANTS[variant]
    usual = {"epochs": 6, "batch_size": 20, "device": "cpu", "learning_rate": 0.01}
    return {
        "study": "test",
        "dataset": "planted",
        "model": given.get("model", MULT_VAE),
        "strategy": {"name": "s", "class": "linear.Linear"} | given.get("strategy", {}),
        "seed": 1,
        "training": usual | given.get("training", {}) | training,
    }


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    create("vaebench.datasets", PLANTED).write_split(None, folder, {"name": None, "sha256": None})
    return folder


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def trace(folder: Path) -> pd.DataFrame:
    """Without its times; without columns where no epoch was finished."""
    return pd.read_parquet(folder / "trace.parquet").drop(columns="seconds", errors="ignore")


def assert_same(one: Path, other: Path) -> None:
    for file in SAME:
        assert (one / file).read_bytes() == (other / file).read_bytes(), file
    pd.testing.assert_frame_equal(trace(one), trace(other), check_exact=True)
    first, second = (read_json(folder / "training.json") for folder in (one, other))
    for key in ("status", "reason", "until", "ended", "first_batch", "beta"):
        assert first[key] == second[key], key
    assert not list(other.glob("checkpoint*")), "a finished job keeps no checkpoint"


def chain(wanted: dict[str, Any], data: Path, folder: Path, ends: list[int | None]) -> Path:
    """Jobs in folders of their own, each going on from the one before; the last one's folder."""
    state = None
    for number, until in enumerate(ends):
        out, left = folder / f"rung-{number}", folder / f"state-{number}.pt"
        vae.run(wanted, data, out, until=until, state_in=state, state_out=left)
        state = left
    return out


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_chain_of_rungs_is_one_training(variant: str, data: Path, tmp_path: Path) -> None:
    wanted = spec(variant)
    vae.run(wanted, data, tmp_path / "whole")
    last = chain(wanted, data, tmp_path, [1, 3, None])
    assert_same(tmp_path / "whole", last)
    for number, until in ((0, 1), (1, 3)):
        rung = read_json(tmp_path / f"rung-{number}/training.json")
        assert (rung["until"], rung["ended"]) == (until, "rung")
        pd.testing.assert_frame_equal(
            trace(tmp_path / f"rung-{number}"), trace(last).head(until), check_exact=True
        )
    assert read_json(last / "training.json")["resumed"] is True


@pytest.mark.parametrize("variant", ["schedule", "closed loop", "alternating"])
def test_a_training_that_stopped_stays_stopped(variant: str, data: Path, tmp_path: Path) -> None:
    """Patience ends the whole training and the rung in which it is spent at the same epoch."""
    wanted = spec(variant, epochs=12, patience=1, learning_rate=0.1) | {"seed": 3}
    if variant == "schedule":
        wanted["strategy"] |= {"warmup": 0.25}
    vae.run(wanted, data, tmp_path / "whole")
    whole = read_json(tmp_path / "whole/training.json")
    assert whole["ended"] == "patience"
    assert 3 <= whole["until"] < 12, "there must be something to stop"
    last = chain(wanted, data, tmp_path, [2, whole["until"] + 1, None])
    assert_same(tmp_path / "whole", last)
    ends = [read_json(tmp_path / f"rung-{n}/training.json")["ended"] for n in range(3)]
    assert ends == ["rung", "patience", "patience"]
    wanted["training"].pop("patience")
    vae.run(wanted, data, tmp_path / "long")
    pd.testing.assert_frame_equal(
        trace(tmp_path / "whole"), trace(tmp_path / "long").head(whole["until"]), check_exact=True
    )


def test_patience_waits_for_a_cyclical_learning_rate(data: Path, tmp_path: Path) -> None:
    result = vae.run(
        spec("cyclical learning rate", patience=1, learning_rate=0.3), data, tmp_path / "cell"
    )
    assert (result["until"], result["ended"]) == (6, "all epochs")


def test_a_rung_trains_only_its_own_epochs(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    validated = []
    validate = vae.Prepared.validate
    monkeypatch.setattr(
        vae.Prepared, "validate", lambda self: validated.append(1) or validate(self)
    )
    chain(spec(), data, tmp_path, [2, 5])
    assert len(validated) == 5


@pytest.mark.parametrize("left", ["of another β", "of other code", "damaged", "of epoch 4", "none"])
def test_a_state_that_does_not_fit_is_not_used(left: str, data: Path, tmp_path: Path) -> None:
    """The bits do not depend on the state, and the file of the other job stays as it is."""
    other, state = spec(), tmp_path / "state.pt"
    stamp = {"code": "this"}
    if left == "of another β":
        other["strategy"] = other["strategy"] | {"cap": 0.5}
    if left == "of other code":
        stamp = {"code": "that"}
    until = 4 if left == "of epoch 4" else 2
    vae.run(other, data, tmp_path / "other", until=until, state_out=state, stamp=stamp)
    if left == "damaged":
        state.write_bytes(state.read_bytes()[:-1])
    if left == "none":
        state.write_bytes(b"")
    before = state.read_bytes()
    mark = {"code": "this"}
    result = vae.run(spec(), data, tmp_path / "a", until=3, state_in=state, stamp=mark)
    assert result["resumed"] is False
    assert state.read_bytes() == before
    vae.run(spec(), data, tmp_path / "b", until=3, stamp=mark)
    assert_same(tmp_path / "b", tmp_path / "a")


def test_the_end_of_a_rung_is_no_part_of_what_its_state_belongs_to(
    data: Path, tmp_path: Path
) -> None:
    state = tmp_path / "state.pt"
    vae.run(spec(), data, tmp_path / "a", until=2, state_out=state, stamp={"code": "c", "until": 2})
    result = vae.run(spec(), data, tmp_path / "b", state_in=state, stamp={"code": "c"})
    assert result["resumed"] is True


def test_an_interrupted_rung_goes_on_from_its_own_checkpoint(data: Path, tmp_path: Path) -> None:
    """The checkpoint at its end, as a job has it that was killed before it wrote its files."""
    chain(spec(), data, tmp_path, [2, 4])
    own = tmp_path / "cut" / checkpoint.NAME
    own.parent.mkdir()
    own.write_bytes((tmp_path / "state-1.pt").read_bytes())
    (tmp_path / "state-0.pt").write_bytes(b"")
    result = vae.run(spec(), data, own.parent, state_in=tmp_path / "state-0.pt")
    assert result["resumed"] is True
    vae.run(spec(), data, tmp_path / "whole")
    assert_same(tmp_path / "whole", own.parent)


def test_a_training_that_diverged_stays_so(data: Path, tmp_path: Path) -> None:
    wanted = spec(learning_rate=1e30)
    vae.run(wanted, data, tmp_path / "whole")
    last = chain(wanted, data, tmp_path, [2, None])
    assert read_json(last / "training.json")["status"] == "diverged"
    assert_same(tmp_path / "whole", last)


@pytest.mark.parametrize("until", [0, 7])
def test_an_end_outside_of_the_training_is_refused(until: int, data: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=rf"until: {until} is not allowed; .* 1 … 6"):
        vae.run(spec(), data, tmp_path / "cell", until=until)
    assert not (tmp_path / "cell").exists()


def test_a_state_that_is_not_there_is_refused(data: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"state\.pt: no such state; allowed: .* --state-out"):
        vae.run(spec(), data, tmp_path / "cell", state_in=tmp_path / "state.pt")
