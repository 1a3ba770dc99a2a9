"""What the diagnostics say of a strategy with a target, from real cells to the printed table."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from tests.trained import run
from vaebench.cells.reading import Cells, read_frames
from vaebench.components import create
from vaebench.statistics.diagnostics import diagnostics
from vaebench.tables import content

STRATEGIES: dict[str, dict[str, Any]] = {
    "out-of-reach": {"class": "pid.PID", "target": 500.0},
    "reached": {"class": "capacity.Capacity", "target": 4.0, "gamma": 30.0, "warmup": 0.2},
    "distortion": {"class": "geco.GECO", "target": 0.001},
    "plain": {"class": "constant.Constant"},
}


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("study")
    create("vaebench.datasets", {"class": "digits.Digits"}).write_split(
        None, folder / "data", {"name": None, "sha256": None}
    )
    model = {"name": "mlp", "class": "bernoulli_mlp.BernoulliMLP", "hidden": [16], "latents": 3}
    folders = []
    for name, strategy in STRATEGIES.items():
        for seed in range(2):
            out = folder / f"cells/digits/mlp/{name}/seed-{seed}"
            spec = {
                "study": "s",
                "dataset": "digits",
                "model": model,
                "strategy": {"name": name, **strategy},
                "seed": seed,
                "training": {"epochs": 8, "batch_size": 50, "learning_rate": 3e-3, "device": "cpu"},
            }
            run(spec, folder / "data", out)
            folders.append(out)
    return Cells(folders).table()


def test_a_target_stands_beside_what_was_reached(table: pd.DataFrame, tmp_path: Path) -> None:
    found = diagnostics(table, list(STRATEGIES)).set_index("strategy")
    assert found["target_of"].tolist()[:3] == ["rate", "rate", "distortion"]
    assert pd.isna(found.loc["plain", "target_of"])
    assert found["target"].tolist()[:3] == [500, 4, 0.001]
    assert found["missed"].tolist() == [2, 0, 2, 0]
    assert found.loc["reached", "reached"] == pytest.approx(4, rel=0.05)
    assert found.loc["plain", "rate"] != 0
    assert pd.isna(found.loc["plain", "reached"])
    path = tmp_path / "diagnostics.csv"
    found.reset_index().to_csv(path, index=False)
    (grid,) = content.diagnostics(read_frames([path])["diagnostics"])
    lines = {line[0]: dict(zip(grid.head, line, strict=True)) for line in grid.lines}
    assert lines["out-of-reach"]["target"] == "rate 500"
    assert lines["out-of-reach"]["reached at the end"].endswith("], not reached")
    assert lines["distortion"]["target"] == "distortion 0.001"
    assert "not reached" not in lines["reached"]["reached at the end"]
    assert lines["plain"]["target"] == lines["plain"]["reached at the end"] == "–"
    assert "more than 5% off in the last epoch" in grid.caption


def test_some_seeds_that_missed_are_counted(table: pd.DataFrame) -> None:
    table = table.copy()
    of = table["strategy"] == "reached"
    table.loc[of & (table["seed"] == 1), "reached"] = 3.0
    (grid,) = content.diagnostics(diagnostics(table, list(STRATEGIES)))
    place = grid.head.index("reached at the end")
    assert grid.lines[1][place].endswith("not reached in 1 of 2 seeds")
