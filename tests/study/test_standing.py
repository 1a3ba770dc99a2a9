"""How far a study is, from files that are written here as jobs write them."""

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest
import yaml

from vaebench.cells.live import LiveTrace
from vaebench.command.run import has_some
from vaebench.command.status import duration, lines, watch
from vaebench.machine.leases import alone
from vaebench.study.plan import Plan
from vaebench.study.standing import BARS, Standings, counted, spark

STUDY: dict[str, Any] = {
    "name": "standing",
    "seeds": 4,
    "control": "linear",
    "training": {"epochs": 10, "device": "cpu"},
    "datasets": {"digits": {"class": "digits.Digits"}},
    "models": {"mlp": {"class": "bernoulli_mlp.BernoulliMLP"}},
    "strategies": {
        "linear": {"class": "linear.Linear"},
        "constant": {"class": "constant.Constant"},
    },
    "grid": [{"dataset": "digits", "model": "mlp", "strategies": ["linear", "constant"]}],
}
SECONDS = 2.0


class Study:
    """A study whose cells are what a test says that they are."""

    def __init__(self, folder: Path) -> None:
        self.plan = Plan(STUDY | {"results": str(folder)})
        self.held = ExitStack()

    def folder(self, strategy: str, seed: int) -> Path:
        return self.plan.folder / f"cells/digits/mlp/{strategy}/seed-{seed}"

    def live(self, strategy: str, seed: int, values: Sequence[float], *, held: bool) -> None:
        """A cell that has so many epochs; its process lives where the cell is ``held``."""
        cell = self.folder(strategy, seed)
        head = {"config": {}, "started_at": 0.0, "selecting": "elbo", "until": 10}
        rows = [{"validation_elbo": value, "seconds": SECONDS} for value in values]
        LiveTrace(cell).watch(head)(rows)
        if held:
            self.held.enter_context(alone(cell))

    def finish(self, strategy: str, seed: int, values: Sequence[float], status: str) -> None:
        """A cell with a result."""
        cell = self.folder(strategy, seed)
        cell.mkdir(parents=True, exist_ok=True)
        pa.parquet.write_table(pa.table({"validation_elbo": values}), cell / "trace.parquet")
        training = {"until": len(values), "seconds": SECONDS * len(values), "selecting": "elbo"}
        (cell / "training.json").write_text(json.dumps(training))
        reason = None if status == "done" else "epoch 3"
        (cell / "status.json").write_text(json.dumps({"status": status, "reason": reason}))

    def log(self, strategy: str, seed: int, *remarks: str) -> None:
        log = self.plan.folder / f"logs/cells/digits/mlp/{strategy}/seed-{seed}/train.log"
        log.parent.mkdir(parents=True)
        log.write_text("".join(f"2026-01-01 00:00:00,000 {remark}\n" for remark in remarks))

    def seen(self) -> Standings:
        found = Standings(self.plan)
        found.look()
        return found


@pytest.fixture
def study(tmp_path: Path) -> Iterator[Study]:
    study = Study(tmp_path)
    with study.held:
        yield study


def test_every_word(study: Study) -> None:
    study.finish("linear", 0, [-3.0, -2.0], "done")
    study.finish("linear", 1, [-3.0], "diverged")
    study.live("linear", 2, [-4.0], held=True)
    study.live("linear", 3, [-4.0], held=False)
    study.log("constant", 0, "INFO epoch 1/10", "ERROR the disk is full; allowed: room")
    study.log("constant", 1, "ERROR told to stop", "INFO epoch 7/10")
    found = study.seen()
    assert counted(found.cells) == "1 done, 1 diverged, 1 failed, 1 running, 1 begun, 3 to do"
    words = list(lines(found))
    assert words[0].startswith(f"{study.plan.folder}: 8 cells: 1 done, ")
    assert "digits/mlp/linear/seed-1: diverged: epoch 3" in words
    assert "digits/mlp/constant/seed-0: failed: the disk is full; allowed: room" in words
    assert "epoch 1/10" in words[1]
    assert not any("constant/seed-1" in line for line in words), "it went on after its error"


def test_the_curve_is_the_mean_of_the_seeds_that_are_so_far(study: Study) -> None:
    study.finish("linear", 0, [-8.0, -4.0, -2.0], "done")
    study.live("linear", 1, [-6.0, -3.0], held=True)
    found = study.seen()
    linear = [one for one in found.cells if one.folder.strategy == "linear"]
    assert found.curve(linear) == [-7.0, -3.5, -2.0]
    assert "-2.00 elbo" in list(lines(found))[1]
    study.live("linear", 1, [-6.0, -3.0, -4.0], held=False)
    found.look()
    assert found.curve(linear) == [-7.0, -3.5, -3.0], "a look reads what is new"


def test_the_time_that_is_left(study: Study) -> None:
    """Two run side by side; 2 s an epoch; those that ended had 6 epochs of at most 10."""
    assert study.seen().left() is None, "nothing is known"
    study.finish("linear", 0, [-1.0] * 6, "done")
    assert study.seen().left() is None, "nothing runs"
    study.live("linear", 1, [-1.0] * 4, held=True)
    study.live("linear", 2, [-1.0] * 5, held=True)
    assert study.seen().left() == pytest.approx(SECONDS * (2 + 1 + 5 * 6) / 2)
    assert next(lines(study.seen())).endswith("; about 33 s left")


def test_nothing_is_left_of_a_study_that_is_done(
    study: Study, capsys: pytest.CaptureFixture[str]
) -> None:
    for strategy in ("linear", "constant"):
        for seed in range(4):
            study.finish(strategy, seed, [-1.0], "done")
    assert study.seen().left() == 0.0
    watch([study.seen()])  # it ends
    out = capsys.readouterr().out
    assert "8 done" in out
    assert "about" not in out


def test_a_curve_as_bars() -> None:
    assert spark([]) == ""
    assert spark([1.0]) == BARS[0]
    assert spark([float(n) for n in range(8)]) == BARS
    assert spark([1.0, 1.0, 1.0]) == BARS[0] * 3
    assert spark([float(n) for n in range(800)], 8)[-1] == BARS[-1]
    assert len(spark([float(n) for n in range(801)], 8)) == 8
    outlier = spark([-1e6, *(float(n) for n in range(10))], 11)
    assert outlier[0] == outlier[1] == BARS[0]
    assert outlier[-1] == BARS[-1]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "1 s"), (59, "59 s"), (61, "1 min"), (3600, "1 h"), (5400, "1 h 30 min"), (7199, "2 h")],
)
def test_a_duration(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_who_looks_leaves_no_trace(study: Study) -> None:
    study.live("linear", 0, [-1.0], held=False)
    before = sorted(study.plan.folder.parent.rglob("*"))
    list(lines(study.seen()))
    assert sorted(study.plan.folder.parent.rglob("*")) == before


def test_a_failed_run_makes_a_report_if_some_cells_have_a_result_and_some_have_none(
    study: Study, tmp_path: Path
) -> None:
    config = tmp_path / "study.yaml"
    config.write_text(yaml.safe_dump(STUDY | {"results": str(tmp_path)}))
    assert not has_some([config])
    for strategy in ("linear", "constant"):
        for seed in range(4):
            study.finish(strategy, seed, [-1.0], "done")
            assert has_some([config]) == ((strategy, seed) != ("constant", 3))
