"""One source of randomness at a time, from the configuration to the weights."""

from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors.torch import load_file

from tests.trained import run
from vaebench.components import create
from vaebench.study.check import check
from vaebench.study.plan import Plan

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("digits")
    source = {"name": None, "sha256": None}
    create("vaebench.datasets", {"class": "digits.Digits"}).write_split(None, folder, source)
    return folder


def outcome(data: Path, out: Path, seed: int, rate: float, vary: list[str]) -> dict[str, Any]:
    """Final weights and summary of one epoch under ``seed``."""
    torch.set_num_threads(1)
    training = {"epochs": 1, "batch_size": 500, "device": "cpu", "learning_rate": rate}
    model = {"name": "m", "class": "bernoulli_mlp.BernoulliMLP", "hidden": [4], "latents": 2}
    spec = {
        "study": "test",
        "dataset": "digits",
        "model": model,
        "strategy": {"name": "s", "class": "constant.Constant"},
        "seed": seed,
        "training": training | {"vary": vary},
    }
    summary = run(spec, data, out)
    return {"summary": summary, "weights": load_file(out / "last.safetensors")}


@pytest.mark.parametrize("vary", [["weights"], ["batches"], ["noise"], []])
def test_the_seed_moves_the_named_stream_alone(data: Path, tmp_path: Path, vary: list[str]) -> None:
    """Without learning the weights stay as drawn: what is left are the batches and the noise."""
    still = [outcome(data, tmp_path / f"still-{s}", s, 1e-30, vary) for s in (0, 1)]
    drawn_alike = all(
        torch.allclose(still[0]["weights"][name], still[1]["weights"][name], atol=1e-12)
        for name in still[0]["weights"]
    )
    assert drawn_alike == ("weights" not in vary)
    first, second = (cell["summary"]["first_batch"] for cell in still)
    # the rate depends on weights and pictures, the distortion on the noise of z too
    assert (first["rate"] == second["rate"]) == (not {"weights", "batches"} & set(vary))
    assert (first["distortion"] == second["distortion"]) == (not vary)


def test_the_example_study_varies_one_source_at_a_time() -> None:
    plan = Plan(yaml.safe_load((ROOT / "configs/variance-ml-100k.yaml").read_text("utf-8")))
    check(plan)
    assert len(plan.cells) == 50
    varied = {cell.strategy: cell.spec["training"].get("vary") for cell in plan.cells.values()}
    assert varied == {
        "all": None,
        "weights": ["weights"],
        "batches": ["batches"],
        "noise": ["noise"],
        "split": [],
    }
    seeds = {split.spec["seed"] for split in plan.cells.values() if split.strategy == "split"}
    assert seeds == {0}
