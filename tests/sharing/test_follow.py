"""MLflow while a study runs: what appears when, and that no end of anything changes the result."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from mlflow import MlflowClient

from tests.sharing.state import differences, state_of
from vaebench.cells import test, vae
from vaebench.cells.folder import CellFolder
from vaebench.cells.live import LiveTrace
from vaebench.components import create
from vaebench.errors import Interrupted
from vaebench.machine.leases import alone
from vaebench.sharing.follow import Beside, Follower
from vaebench.sharing.store import store
from vaebench.sharing.sync import mirror
from vaebench.sharing.tracking import Mirror
from vaebench.study.plan import Plan
from vaebench.study.saved import Saved

STUDY: dict[str, Any] = {
    "name": "followed",
    "seeds": 2,
    "control": "linear",
    "training": {"epochs": 3, "batch_size": 500, "device": "cpu"},
    "datasets": {"digits": {"class": "digits.Digits"}},
    "models": {"mlp": {"class": "bernoulli_mlp.BernoulliMLP", "hidden": [4], "latents": 2}},
    "strategies": {"linear": {"class": "linear.Linear"}},
    "grid": [{"dataset": "digits", "model": "mlp", "strategies": ["linear"]}],
}


@pytest.fixture
def plan(empty_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    """A study that has begun: its data are split, its store is empty."""
    shutil.copy(empty_store, tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    plan = Plan(STUDY | {"results": str(tmp_path)})
    source = {"name": None, "sha256": None}
    create("vaebench.datasets", STUDY["datasets"]["digits"]).write_split(
        None, plan.folder / "data/digits", source
    )
    (plan.folder / "study.json").write_text(json.dumps(plan.study.model_dump()))
    return plan


def client_of(plan: Plan) -> MlflowClient:
    return MlflowClient(store(plan.study.model_dump())[0])


def train(plan: Plan, number: int, after: Callable[[int], None] = lambda _: None) -> None:
    """As a job does: alone, with a live trace; ``after`` is called after each epoch."""
    cell = list(plan.cells.values())[number]
    live, data = LiveTrace(cell.folder.path), plan.folder / "data/digits"

    def watch(head: dict[str, Any]) -> Any:
        write = live.watch(head)

        def look(trace: Any) -> None:
            write(trace)
            after(len(trace))

        return look

    with alone(cell.folder.path):
        vae.run(cell.spec, data, cell.folder.path, watch=watch)
        live.end()
        test.run(cell.folder.path, data, plan.study.all_metrics, samples=1)


def key_of(plan: Plan, number: int) -> str:
    return list(plan.cells.values())[number].folder.label


def only(plan: Plan, key: str) -> dict[str, Any]:
    """What MLflow has of a cell."""
    return state_of(client_of(plan))["vaebench followed: digits", key]


@pytest.fixture
def again(
    plan: Plan, empty_store: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], dict[tuple[str, str], dict[str, Any]]]:
    """What another store holds that is filled once, at the end."""

    def filled() -> dict[tuple[str, str], dict[str, Any]]:
        other = shutil.copy(empty_store, plan.folder / "other.db")
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{other}")
        mirror(plan.folder)
        state = state_of(MlflowClient(f"sqlite:///{other}"))
        monkeypatch.delenv("MLFLOW_TRACKING_URI")
        return state

    return filled


Again = Callable[[], dict[tuple[str, str], dict[str, Any]]]


def test_epochs_appear_as_they_are_and_the_end_is_that_of_one_sync(
    plan: Plan, again: Again
) -> None:
    follower, key, seen = Follower(plan.folder, pytest.fail), key_of(plan, 0), []
    assert follower.look() == {}

    def after(epoch: int) -> None:
        found = follower.look()
        state = only(plan, key)
        seen.append((epoch, len(state["history"].get("train/elbo", ())), state["info"][1]))
        seen.append(found[key])
        assert state["params"]["training.epochs"] == "3"
        assert [data["name"] for data in state["data"]] == ["digits"]

    train(plan, 0, after)
    assert [each for each in seen if isinstance(each, tuple)] == [
        (epoch, epoch, "RUNNING") for epoch in range(4)
    ]
    assert len({each for each in seen if isinstance(each, str)}) == 1, "it is one run"
    found = follower.look()
    assert found[key] == seen[1]
    assert only(plan, key)["info"][1] == "FINISHED"
    train(plan, 1)
    follower.look()
    followed = state_of(client_of(plan))
    assert mirror(plan.folder)[key] == found[key], "and a sync has nothing to add"
    assert differences(state_of(client_of(plan)), followed) == []
    assert differences(again(), followed) == []


def test_a_look_that_finds_nothing_new_asks_mlflow_nothing(plan: Plan) -> None:
    follower = Follower(plan.folder, pytest.fail)
    train(plan, 0)
    first = follower.look()
    assert first
    (plan.folder.parent / "mlflow.db").unlink()
    assert follower.look() == first
    assert not (plan.folder.parent / "mlflow.db").exists()


class Stop(Exception):
    """As a kill does."""


def test_a_killed_study_shows_what_it_has_and_goes_on_as_a_new_run(
    plan: Plan, again: Again
) -> None:
    key = key_of(plan, 0)

    def kill(epoch: int) -> None:
        if epoch == 2:
            mirror(plan.folder)  # as it trains
            assert only(plan, key)["info"][1] == "RUNNING"
            raise Stop

    with pytest.raises(Stop):
        train(plan, 0, kill)
    first = mirror(plan.folder)
    state = only(plan, key)
    assert (state["info"][1], state["tags"]["status"]) == ("KILLED", "stopped")
    assert len(state["history"]["train/elbo"]) == 2
    assert mirror(plan.folder) == first
    assert only(plan, key) == state
    train(plan, 0)
    mirror(plan.folder)
    followed = state_of(client_of(plan))
    assert followed["vaebench followed: digits", key]["info"][1] == "FINISHED"
    assert differences(again(), followed) == []


def wait_for(what: Callable[[], bool], seconds: float = 100) -> None:
    """A follower imports MLflow first, and leaves the processor to everybody else."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it does not come"
        time.sleep(0.1)


def test_a_follower_may_be_killed_at_any_time(plan: Plan, again: Again) -> None:
    """Kill −9 in the middle of a cell; another one finds what the first has left."""
    place = "vaebench followed: digits", key_of(plan, 0)

    def after(epoch: int) -> None:
        if epoch == 1:
            beside = Beside(plan.folder, plan.folder / "logs/follow.log")
            wait_for(lambda: place in state_of(client_of(plan)))
            os.kill(beside.process.pid, signal.SIGKILL)
            beside.end()
            assert beside.process.returncode == -signal.SIGKILL

    train(plan, 0, after)
    assert (plan.folder / "logs/follow.log").read_text() == ""
    follower = Follower(plan.folder, pytest.fail)
    follower.look(last=True)
    followed = state_of(client_of(plan))
    assert followed[place]["info"][1] == "FINISHED"
    assert differences(again(), followed) == []


class Busy(BaseHTTPRequestHandler):
    """An MLflow that hangs, or wants to be asked later."""

    hangs: ClassVar[bool]
    asked: ClassVar[threading.Event] = threading.Event()

    def _answer(self) -> None:
        self.asked.set()
        if self.hangs:
            time.sleep(1)
        self.send_response(429)
        self.send_header("Retry-After", "3600")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST = _answer  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def busy() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Busy) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("how", ["down", "hanging", "429"])
def test_no_training_knows_of_a_tracker_that_does_not_answer(
    plan: Plan, busy: str, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The follower says so once, asks more rarely, and has all of it when there is an answer."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{one.getsockname()[1]}"
    Busy.hangs = how == "hanging"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", nobody if how == "down" else busy)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1" if how == "429" else "0.2")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    said: list[str] = []
    follower, waits = Follower(plan.folder, said.append), []

    def after(_: int) -> None:
        assert follower.look() == {}
        waits.append(follower.wait)

    train(plan, 0, after)
    assert waits == sorted(set(waits)), "longer every time"
    assert len(said) == 1
    assert said[0].startswith(f"MLflow at {nobody if how == 'down' else busy}: ")
    cell = CellFolder.parse(plan.folder / "cells" / next(iter(plan.cells)))
    assert json.loads(cell.file("status.json").read_text())["status"] == "done"
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert set(follower.look()) == {key_of(plan, 0), "digits/mlp/linear"}
    assert follower.wait < waits[0]
    assert said[1:] == ["MLflow is up to date again"]


def test_a_job_that_is_told_to_stop_leaves_its_live_trace(plan: Plan) -> None:
    def stop(epoch: int) -> None:
        if epoch == 1:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Interrupted):
        train(plan, 0, stop)
    follower = Follower(plan.folder, pytest.fail)
    follower.look()
    assert only(plan, key_of(plan, 0))["tags"]["status"] == "stopped"


def test_the_follower_is_asked_for_one_study(plan: Plan) -> None:
    command = [sys.executable, "-m", "vaebench", "sync", "--follow"]
    for folders, words in (
        ([plan.folder, plan.folder], "--follow: several studies; allowed: one"),
        ([plan.folder.parent], "allowed: a study, results/NAME"),
    ):
        done = subprocess.run([*command, *folders], capture_output=True, text=True, check=False)
        assert done.returncode
        assert words in done.stderr
    assert isinstance(Mirror(Saved(plan.folder).config, []).update([], []), dict)
