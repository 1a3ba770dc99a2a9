"""The time of a study from the times of its cells: by hand, and that it is measured at all."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from vaebench.report.calibration import JOB, ONCE, Timed, calibrate, wall
from vaebench.study.plan import Plan

ROOT = Path(__file__).parents[2]


def study(folder: Path, **changes: Any) -> Plan:
    given = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    return Plan(copy.deepcopy(given) | {"results": str(folder)} | changes, [folder])


def test_the_wall_time_by_hand(tmp_path: Path) -> None:
    """30 cells of 20 epochs on planted data and 20 on digits; then on two cores."""
    timed = {("planted", "mult-vae"): Timed(1.0, 0.5), ("digits", "mlp-vae"): Timed(2.0, 0.25)}
    work = 30 * (JOB + 1 + 20 * 0.5) + 20 * (JOB + 2 + 20 * 0.25)
    assert wall(study(tmp_path), timed, 1) == (pytest.approx(ONCE + work), 0)
    assert wall(study(tmp_path), timed, 2) == (pytest.approx(ONCE + work / 2), 0)
    two = study(tmp_path, resources={"threads": 2})
    assert wall(two, timed, 2) == (pytest.approx(ONCE + work), 0), "a cell has both"
    del timed["digits", "mlp-vae"]
    assert wall(study(tmp_path), timed, 1)[1] == 20, "those that nobody measured are said"


def test_trials_count_rung_by_rung(tmp_path: Path) -> None:
    """9 trials of 3 epochs, 6 of 3 more, 2 of 21 more: the last rung is a whole training of 27."""
    given = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    strategies = given["strategies"] | {"constant": {"class": "constant.Constant"}}
    tuning = {"trials": 9, "training": {"epochs": 27}, "rungs": {}}
    grid = [given["grid"][0] | {"strategies": ["constant"]}]
    changes = {"strategies": strategies, "grid": grid, "seeds": 1}
    timed = {("planted", "mult-vae"): Timed(1.0, 0.5)}
    without, _ = wall(study(tmp_path, **changes), timed, 1)
    tuned, _ = wall(study(tmp_path, **changes, tuning=tuning), timed, 1)
    epochs = 9 * 3 + 6 * 3 + 2 * 21
    assert tuned - without == pytest.approx(17 * (JOB + 1) + epochs * 0.5)


def test_a_users_table_is_measured_before_it_is_split(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vaebench.report.calibration.SECONDS", 0.1)
    rows = [f"{u},{(7 * u + k) % 120}" for u in range(60) for k in range(10)]
    (tmp_path / "ratings.csv").write_text("\n".join(["u,i", *rows, ""]))
    own = {"class": "ratings_table.RatingsTable", "path": "ratings.csv", "user": "u", "item": "i"}
    own["split"] = {"min_items_per_user": 0, "validation_users": 10, "test_users": 10}  # type: ignore[assignment]
    block = {"dataset": "planted", "model": "mult-vae", "strategies": ["constant"]}
    plan = study(tmp_path, datasets={"planted": own}, grid=[block])
    found = calibrate(plan, 1)
    assert found.keys() == {("planted", "mult-vae")}
    assert found["planted", "mult-vae"].seconds(1_000) > 0
    assert [path.name for path in tmp_path.iterdir()] == ["ratings.csv"], "nothing is left"
