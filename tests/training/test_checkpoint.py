"""A training that was cut anywhere ends with the same bits as one that was not."""

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from tests import trained as cell
from vaebench.components import create
from vaebench.errors import Interrupted
from vaebench.training import checkpoint
from vaebench.training.loop import Progress

PLANTED = {
    "class": "planted.Planted",
    "users": 150,
    "items": 120,
    "latents": 2,
    "importance_samples": 20,
    "split": {"min_items_per_user": 0, "validation_users": 30, "test_users": 40},
}
MULT_VAE = {"name": "m", "class": "mult_vae.MultVAE", "hidden": 8, "latents": 3}
REC_VAE = {"name": "m", "class": "rec_vae.RecVAE", "hidden": 8, "latents": 3, "layers": 2}
VARIANTS: dict[str, dict[str, Any]] = {
    "closed loop": {"strategy": {"class": "geco.GECO", "target": 150.0, "hold": 0.0}},
    "validation-driven": {
        "strategy": {"class": "cap_search.CapSearch", "updates_per_unit": 10, "patience": 1}
    },
    "alternating": {"model": REC_VAE, "strategy": {"class": "user_scaled.UserScaled"}},
    "lagging": {
        "training": {"update_order": {"class": "lagging.Lagging", "inner": 4, "window": 2}}
    },
    "cyclical learning rate": {"training": {"learning_rate_cycles": 2}},
}
SAME = ("config.json", "best.safetensors", "last.safetensors", "test.parquet", "latents.parquet")


def spec(variant: str) -> dict[str, Any]:
    given = VARIANTS[variant]
    return {
        "study": "test",
        "dataset": "planted",
        "model": given.get("model", MULT_VAE),
        "strategy": {"name": "s", "class": "linear.Linear"} | given.get("strategy", {}),
        "seed": 1,
        "training": {"epochs": 3, "batch_size": 20, "device": "cpu", "learning_rate": 0.01}
        | given.get("training", {}),
    }


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    create("vaebench.datasets", PLANTED).write_split(None, folder, {"name": None, "sha256": None})
    return folder


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def assert_same(one: Path, other: Path) -> None:
    for file in SAME:
        assert (one / file).read_bytes() == (other / file).read_bytes(), file
    traces = [pd.read_parquet(p / "trace.parquet").drop(columns="seconds") for p in (one, other)]
    pd.testing.assert_frame_equal(*traces, check_exact=True)
    assert not list(other.glob("checkpoint*")), "a finished cell keeps no checkpoint"


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_training_told_to_stop_goes_on_bit_for_bit(
    variant: str, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Real signals to this very process after random updates, until the cell is done."""
    wanted, choose = spec(variant), random.Random(variant)  # noqa: S311 (where to cut)
    cell.run(wanted, data, tmp_path / "whole")
    monkeypatch.setattr(checkpoint.Keeper, "__call__", cutting(choose, checkpoint.Keeper.__call__))
    runs = 0
    while not (tmp_path / "cut/status.json").exists():
        runs += 1
        with suppress(Interrupted):
            cell.run(wanted, data, tmp_path / "cut")
    assert runs > 1, "it must have been cut, or nothing is tested"
    assert_same(tmp_path / "whole", tmp_path / "cut")


def cutting(choose: random.Random, call: Any) -> Any:
    """Send the real signal before one in six of the checks that follow each update."""

    def keeper(self: checkpoint.Keeper) -> None:
        if choose.random() < 1 / 6:
            os.kill(os.getpid(), choose.choice(checkpoint.Keeper.SIGNALS))
        call(self)

    return keeper


def test_a_killed_process_loses_no_more_than_the_interval(data: Path, tmp_path: Path) -> None:
    """SIGKILL at random moments of a real process that saves after every update."""
    wanted = spec("closed loop")
    cell.run(wanted, data, tmp_path / "whole")
    wanted["training"] = wanted["training"] | {"checkpoint_minutes": 1e-9}
    program = f"""
import torch
torch.set_num_threads(1)
import time
from contextlib import suppress
from pathlib import Path
from tests import trained as cell
from vaebench.training import checkpoint
call = checkpoint.Keeper.__call__
def slowly(self):
    call(self)
    print("update", flush=True)
    time.sleep(0.01)
checkpoint.Keeper.__call__ = slowly
cell.run({wanted!r}, Path({str(data)!r}), Path({str(tmp_path / "cut")!r}))
"""
    choose, kills = random.Random(0), 0  # noqa: S311 (when to kill)
    while not (tmp_path / "cut/status.json").exists():
        process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
        assert process.stdout is not None
        if kills < 3:
            for _ in range(choose.randint(2, 5)):
                process.stdout.readline()
            time.sleep(choose.random() * 0.02)
            process.kill()
            kills += 1
        process.communicate()
        assert process.returncode in {0, -signal.SIGKILL}
    changed = {"config.json"}  # the interval itself
    for file in set(SAME) - changed:
        assert (tmp_path / "whole" / file).read_bytes() == (tmp_path / "cut" / file).read_bytes()


def interrupted(data: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The checkpoint of a cell that was cut after some updates."""
    with monkeypatch.context() as patch:
        choose = random.Random(3)  # noqa: S311 (where to cut)
        patch.setattr(checkpoint.Keeper, "__call__", cutting(choose, checkpoint.Keeper.__call__))
        with pytest.raises(Interrupted):
            cell.run(spec("closed loop"), data, out)
    return out / checkpoint.NAME


def test_a_damaged_checkpoint_is_set_aside(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    cell.run(spec("closed loop"), data, tmp_path / "whole")
    file = interrupted(data, tmp_path / "cut", monkeypatch)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    cell.run(spec("closed loop"), data, tmp_path / "cut")
    assert "damaged" in caplog.text
    (tmp_path / "cut/checkpoint.pt.damaged").unlink()
    assert_same(tmp_path / "whole", tmp_path / "cut")


def test_a_checkpoint_of_other_options_or_code_is_not_used(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = interrupted(data, tmp_path / "cut", monkeypatch)
    kept = file.read_bytes()
    result = cell.run(spec("closed loop"), data, tmp_path / "cut", stamp={"code": "another"})
    assert result["resumed"] is False
    file.write_bytes(kept)
    changed = spec("closed loop")
    changed["strategy"] = changed["strategy"] | {"target": 140.0}
    assert cell.run(changed, data, tmp_path / "cut")["resumed"] is False
    file.write_bytes(kept)
    assert cell.run(spec("closed loop"), data, tmp_path / "cut")["resumed"] is True


def test_everything_of_the_progress_is_in_the_state() -> None:
    """A new attribute of the loop must not be forgotten."""
    progress = Progress(updates=3)
    state = checkpoint.Training({}, {}, progress, {}).state()["progress"]
    assert set(state) == set(vars(progress))
    assert set(state["epoch"]) | {"started"} == set(vars(progress.epoch))
