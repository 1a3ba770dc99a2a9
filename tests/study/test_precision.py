"""``precision: auto`` is settled when a study is planned first, and then stays."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from vaebench.cells import vae
from vaebench.components import create
from vaebench.errors import ConfigError
from vaebench.files import write_json
from vaebench.machine import precision
from vaebench.study.check import check
from vaebench.study.plan import Plan
from vaebench.study.saved import Saved
from vaebench.study.trials import Trials

ROOT = Path(__file__).parents[2]


class Machine:
    """A CPU as its system describes it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def has(self, flags: str) -> None:
        self.path.write_text(f"model name: forged\nflags: {flags}\n")


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setattr(precision, "CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    found = Machine(tmp_path / "cpuinfo")
    found.has("avx512_bf16")
    return found


def study(folder: Path, **changes: Any) -> dict[str, Any]:
    """The default study with ``precision: auto``."""
    given = copy.deepcopy(yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8")))
    given["training"] |= {"precision": "auto", "epochs": 1}
    return given | {"results": str(folder)} | changes


def precisions(plan: Plan) -> set[str]:
    return {cell.spec["training"]["precision"] for cell in plan.cells.values()}


def save(plan: Plan) -> None:
    """As the workflow does when it starts."""
    write_json(plan.folder / "study.json", plan.study.model_dump())


def test_what_was_settled_first_stays_on_every_machine(tmp_path: Path, machine: Machine) -> None:
    first = Plan(study(tmp_path))
    assert precisions(first) == {"bfloat16"}
    check(first)
    save(first)
    machine.has("avx2")
    assert precisions(Plan(study(tmp_path))) == {"bfloat16"}, "study.json is what counts"
    assert precisions(Saved(first.folder).plan) == {"bfloat16"}
    assert precisions(Plan(study(tmp_path / "elsewhere"))) == {"float32"}
    assert "auto" not in json.dumps(first.study.model_dump()["training"]["precision"])


def test_what_was_planned_without_a_precision_stays_in_float32(
    tmp_path: Path, machine: Machine
) -> None:
    plain = study(tmp_path)
    del plain["training"]["precision"]
    save(Plan(plain))
    machine.has("amx_bf16")
    assert precisions(Plan(study(tmp_path))) == {"float32"}


def test_a_block_and_the_trials_settle_their_own(tmp_path: Path, machine: Machine) -> None:
    given = study(tmp_path, tuning={"trials": 1, "training": {"precision": "auto"}})
    given["training"]["precision"] = "float32"
    del given["strategies"]["constant"]["beta"]
    given["grid"][1]["training"] = {"precision": "auto"}

    def found(plan: Plan) -> tuple[set[str], ...]:
        of_blocks = [
            {c.spec["training"]["precision"] for c in plan.cells.values() if c.dataset == name}
            for name in ("planted", "digits")
        ]
        tried = {c.spec["training"]["precision"] for c in Trials(plan).all_cells()}
        return *of_blocks, tried

    first = Plan(given)
    assert found(first) == ({"float32"}, {"bfloat16"}, {"bfloat16"})
    save(first)
    machine.has("avx2")
    given["grid"].reverse()
    assert found(Plan(given)) == ({"float32"}, {"bfloat16"}, {"bfloat16"})


def test_a_cell_on_a_processor_without_it_refuses(tmp_path: Path, machine: Machine) -> None:
    plan = Plan(study(tmp_path))
    cell = next(cell for cell in plan.cells.values() if cell.dataset == "digits")
    split = tmp_path / "split"
    source = {"name": None, "sha256": None}
    create("vaebench.datasets", plan.study.datasets["digits"]).write_split(None, split, source)
    machine.has("avx2")
    with pytest.raises(ConfigError, match=r"training\.precision: 'bfloat16' is not a precision"):
        vae.run(cell.spec, split, tmp_path / "cell")
    assert not (tmp_path / "cell/training.json").exists()
    machine.has("avx512_bf16")
    assert vae.run(cell.spec, split, tmp_path / "cell")["status"] == "done"
    assert '"precision": "bfloat16"' in (tmp_path / "cell/config.json").read_text()
