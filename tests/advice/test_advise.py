"""``vaebench advise`` from a file to a study, as a user calls it, on small drawn data."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from vaebench.advice import advised
from vaebench.advice import bench as benches
from vaebench.advice.advised import advise
from vaebench.advice.columns import layout
from vaebench.advice.prior import expected
from vaebench.advice.reading import read
from vaebench.advice.trials import Clock, OutOfTimeError, Training, Trials
from vaebench.advice.written import STUDY
from vaebench.command import main
from vaebench.study.check import check
from vaebench.study.plan import Plan
from vaebench.study.written import merged


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Short trainings on one thread."""
    monkeypatch.setattr(benches, "UPDATES", 30)
    monkeypatch.setattr(benches, "EPOCHS", (9, 9))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def planned(study: Path) -> Plan:
    return Plan(merged([study]), [study.parent])


def drawn(users: int = 150, items: int = 130, groups: int = 4) -> pd.DataFrame:
    """Users who like the items of their group."""
    rng = np.random.default_rng(7)
    rows = []
    for user in range(users):
        liked = np.arange(items) % groups == user % groups
        weights = np.where(liked, 8.0, 1.0)
        chosen = rng.choice(items, rng.integers(6, 20), replace=False, p=weights / weights.sum())
        rows += [(f"użytkownik {user}", 7_000_000_000_000 + item) for item in chosen]
    return pd.DataFrame(rows, columns=["user_id", "item_id"])


def test_a_file_becomes_advice_and_a_study_that_can_be_planned(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    drawn().to_csv("likes.csv", index=False)
    main(["advise", "likes.csv", "--minutes", "2"])
    shown = capsys.readouterr().out
    assert "150 users, 130 items" in shown
    assert "too few to expect anything of yours" in shown
    assert "NDCG@10" in shown
    assert "EASE^R" in shown
    out = tmp_path / "advice-likes"
    assert {p.name for p in out.iterdir()} == {
        *("trials.csv", "advice.json", "advice.png", "advice.svg", STUDY)
    }
    said = json.loads((out / "advice.json").read_text(encoding="utf-8"))
    assert said["ended"] == "all"
    assert said["against"]["published"]["trainings"] == 3
    main(["plan", f"advice-likes/{STUDY}"])
    assert "advised" in capsys.readouterr().out
    plan = planned(out / STUDY)
    check(plan)
    assert {cell.strategy for cell in plan.cells.values()} >= {"published", "one", "tuned"}


def test_a_file_that_no_study_can_read_comes_with_a_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(advised, "MORE", 0)
    monkeypatch.setattr(advised, "MOST_SEEDS", 1)
    path = tmp_path / "likes.dat"
    rows = drawn().itertuples(index=False)
    path.write_text("".join(f"{u}::{i}\n" for u, i in rows), encoding="utf-8")
    main(["advise", str(path), "--minutes", "2", "--out", str(tmp_path / "out")])
    assert "interactions.parquet" in capsys.readouterr().out
    spec = yaml.safe_load((tmp_path / "out" / STUDY).read_text(encoding="utf-8"))
    assert spec["datasets"]["mine"]["path"] == "interactions.parquet"
    check(planned(tmp_path / "out" / STUDY))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.assign(user_id="me"), "1 users with at least 5"),
        (lambda t: t.assign(item_id=1), "all interactions are with one item"),
        (lambda t: t.head(0), "a header and no rows"),
        (lambda t: t.head(60), "are too few to try anything on"),
    ],
)
def test_what_cannot_be_advised_on_is_one_sentence_and_a_status(
    change: object, said: str, tmp_path: Path
) -> None:
    assert callable(change)
    change(drawn()).to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(SystemExit) as ended:
        main(["advise", str(tmp_path / "a.csv"), "--out", str(tmp_path / "out")])
    assert said in str(ended.value.code)
    assert "\n" not in str(ended.value.code)
    assert not (tmp_path / "out").exists()


def test_the_budget_is_kept_and_ctrl_c_leaves_what_is_known(tmp_path: Path) -> None:

    path = tmp_path / "a.csv"
    drawn().to_csv(path, index=False)

    tried_on = benches.bench(read(layout(path)))
    shape = tried_on.write(tmp_path / "split")
    prior = expected([], shape)
    short = Trials(tmp_path / "split", tried_on.training, tried_on.k, Clock(0.0))
    with pytest.raises(OutOfTimeError):
        short.fit()
    assert advise(short, prior, "ndcg@10").tried.ended == "time"

    long = Trials(tmp_path / "split", tried_on.training, tried_on.k, Clock(60.0))
    long.closed_form(most_items=100)
    assert long.tried.closed is None
    assert long.tried.why_not_closed == f"{int(shape['items'])} items are more than 100"

    def stop(_: str, done: float, __: float) -> None:
        if done > 40:
            raise KeyboardInterrupt

    stopped = Trials(tmp_path / "split", tried_on.training, tried_on.k, Clock(120.0), stop)
    advice = advise(stopped, prior, "ndcg@10")
    assert advice.tried.ended == "interrupted"
    assert advice.chosen is not None
    assert len(advice.tried.rungs) == 3


def test_a_plan_that_does_not_fit_gets_fewer_points_and_epochs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    monkeypatch.setattr(Training, "__init__", lambda *_: None)
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])

    def epoch(*_: object) -> None:
        now[0] += 1.0

    monkeypatch.setattr(Training, "go_on", epoch)
    plans = {}
    for seconds in (10_000.0, 300.0, 60.0):
        now[0] = 0.0
        trials = Trials(tmp_path, {"epochs": 40}, 100, Clock(seconds, 0.0))
        trials.fit()
        plans[seconds] = len(trials.points), trials.epochs
        assert trials.needed() <= 0.9 * (seconds - max(0.03 * seconds, 5) - 1) or trials.epochs == 9
    assert plans[10_000.0] == (9, 40)
    assert plans[300.0] == (9, 40)
    assert plans[60.0][0] == 5
    assert plans[60.0][1] < 20
