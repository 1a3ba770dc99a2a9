"""The workflow opens the test part of a registered study once, between training and testing."""

import json
import time
from pathlib import Path
from typing import Any

from tests.test_workflow import STUDY, Project
from vaebench.cells.folder import NONE
from vaebench.cells.opening import OPENED, opening, seconds
from vaebench.files import read_json
from vaebench.sharing.opened import CLOCKS, differences
from vaebench.study.saved import Saved
from vaebench.study.trials import Trials

FIRST = "results/small/cells/planted/mult-vae/constant/seed-0/status.json"
EASE = f"results/small/cells/planted/ease/{NONE}/seed-0/status.json"
REGISTERED: dict[str, Any] = STUDY | {
    "seeds": 1,
    "tracking": {"live": False},
    "primary": "ndcg@100",
    "baselines": {"ease": {"class": "ease.EASE"}},
    "grid": [STUDY["grid"][0] | {"baselines": ["ease"]}],
    "registration": {"field": ["user-scaled", "ease"]},
}


def found(folder: Path) -> list[str]:
    saved = Saved(folder)
    return list(differences(saved, Trials(saved.plan)))


def changed(path: Path, **more: Any) -> bytes:
    """Change keys of a JSON file; returns what stood there."""
    before = path.read_bytes()
    path.write_text(json.dumps(json.loads(before) | more))
    return before


def test_every_test_waits_for_the_opening_and_the_opening_for_all_training(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.write(REGISTERED)
    done = project.snakemake(FIRST, EASE)
    assert done.returncode == 0, done.stdout + done.stderr
    study = project.path("")
    when = opening(study / OPENED)
    # a target that is one test: the other strategy was trained for the opening, and not tested
    other = study / "cells/planted/mult-vae/user-scaled/seed-0"
    assert (other / "training.json").exists()
    assert not (other / "status.json").exists()
    assert read_json(study / OPENED)["trained"] == 2
    for name in (FIRST, EASE):
        assert read_json(tmp_path / name)["stamp"]["opened"] == when
    assert found(study) == []

    first = (study / OPENED).read_bytes()
    project.write(
        REGISTERED | {"strategies": STUDY["strategies"] | {"late": {"class": "linear.Linear"}}}
    )
    assert "opened" not in project.snakemake(FIRST, "-n").stderr
    assert (study / OPENED).read_bytes() == first
    project.write(REGISTERED | {"confidence": 0.9})
    refused = project.snakemake(FIRST, "-n")
    assert refused.returncode != 0
    assert "registration: the test part was opened at" in refused.stdout + refused.stderr

    cell = (tmp_path / FIRST).parent
    before = changed(cell / "training.json", started_at=time.time() + 2 * CLOCKS)
    assert [each for each in found(study) if "after the test part was opened" in each]
    (cell / "training.json").write_bytes(before)
    before = changed(cell / "summary.json", test_started_at=seconds(when["opened_at"]) - 90)
    assert found(study) == [
        "planted/mult-vae/constant/seed-0: was tested 90 s before the test part was opened"
    ]
    (cell / "summary.json").write_bytes(before)
    before = changed(cell / "status.json", stamp={})
    assert found(study) == ["planted/mult-vae/constant/seed-0: its test is not of this opening"]
    (cell / "status.json").write_bytes(before)
    changed(study / OPENED, registration="0" * 64)
    assert f"{OPENED}: is not of this registration" in found(study)
    (study / OPENED).unlink()
    assert found(study) == [f"{OPENED}: is missing, but there are tests"]
