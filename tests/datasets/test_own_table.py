"""A user's four lines: the table beside the config, and what is said where it is not right."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from vaebench.errors import ConfigError
from vaebench.files import write_json
from vaebench.study.check import check
from vaebench.study.plan import Plan

ROOT = Path(__file__).parents[2]
MINE: dict[str, Any] = {
    "class": "ratings_table.RatingsTable",
    "path": "ratings.csv",
    "user": "who",
    "item": "what",
    "split": {"validation_users": 5, "test_users": 5},
}


def study(folder: Path, **changes: Any) -> None:
    """A config and a table beside it, in a folder that is not the working one."""
    config = {
        "name": "mine",
        "seeds": 1,
        "control": "constant",
        "datasets": {"mine": MINE | changes},
        "models": {"m": {"class": "mult_vae.MultVAE", "hidden": 4, "latents": 2}},
        "strategies": {"constant": {"class": "constant.Constant"}},
        "grid": [{"dataset": "mine", "model": "m", "strategies": ["constant"]}],
    }
    (folder / "my studies").mkdir(exist_ok=True)
    (folder / "my studies" / "study.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    rows = [(user, item) for user in range(40) for item in range(105)]
    table = pd.DataFrame(rows, columns=["who", "what"])
    table.to_csv(folder / "my studies" / "ratings.csv", index=False)


def snakemake(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "snakemake", *arguments, "--cores", "1"]
    command += ["--snakefile", str(ROOT / "Snakefile"), "--configfile", "my studies/study.yaml"]
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW", "VAEBENCH"))}
    environment["PYTHONPATH"] = str(ROOT)
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_a_table_beside_the_config_is_split_as_it_was_fetched(tmp_path: Path) -> None:
    """Edited later, its time kept, it is seen by nobody but the digest."""
    study(tmp_path)
    card = tmp_path / "results/mine/data/mine/card.json"
    done = snakemake(tmp_path, str(card.relative_to(tmp_path)))
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(card.read_text(encoding="utf-8"))["counts"]["train_users"] == 30
    card.unlink()
    table = tmp_path / "my studies/ratings.csv"
    times = (table.stat().st_atime_ns, table.stat().st_mtime_ns)
    table.write_text(table.read_text(encoding="utf-8") + "40,7\n", encoding="utf-8")
    os.utime(table, ns=times)
    done = snakemake(tmp_path, str(card.relative_to(tmp_path)))
    assert done.returncode != 0
    assert "my studies/ratings.csv: sha256 checksum is" in done.stderr
    assert "which it had when it was fetched" in done.stderr
    assert "Traceback" not in done.stderr
    assert not card.exists()


def test_a_dry_run_says_that_a_file_is_not_there(tmp_path: Path) -> None:
    study(tmp_path, path="ratigns.csv")
    done = snakemake(tmp_path, "--dry-run")
    assert done.returncode != 0
    assert "datasets.mine: ratigns.csv cannot be downloaded" in done.stdout + done.stderr
    assert f"{tmp_path}/my studies/ratigns.csv or {tmp_path}/ratigns" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"item": "waht"}, r"datasets.mine: ratings.csv: there is no column 'waht'; it has who"),
        ({"split": {"test_users": 5}}, r"datasets.mine: split: 10000 validation and 5 test users"),
    ],
)
def test_a_plan_says_what_is_wrong(tmp_path: Path, changes: dict[str, Any], says: str) -> None:
    """Unless the split is there: a study with its split needs no table."""
    study(tmp_path, **changes)
    folder = tmp_path / "my studies"
    config = yaml.safe_load((folder / "study.yaml").read_text(encoding="utf-8"))
    plan = Plan(config | {"results": str(tmp_path)}, [folder])
    with pytest.raises(ConfigError, match=says):
        check(plan)
    write_json(tmp_path / "mine/data/mine/card.json", {})
    check(plan)
