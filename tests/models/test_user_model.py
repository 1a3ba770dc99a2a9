"""The recommender of docs/models.md: a file of a user's, a line of config, a test."""

import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.cells.test_vae import PLANTED
from tests.trained import run
from vaebench.components import create

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs/models.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


@pytest.fixture
def user_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "deep.py").write_text(blocks("python")[0], encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    yield tmp_path
    sys.modules.pop("deep", None)


def test_it_has_twenty_lines() -> None:
    lines = [line for line in blocks("python")[0].splitlines() if line.strip()]
    assert len(lines) <= 20


def test_it_trains_and_its_weights_are_its_own(user_file: Path) -> None:
    component = yaml.safe_load(blocks("yaml")[0])["models"]["deep"]
    create("vaebench.datasets", PLANTED).write_split(None, user_file / "data", {"name": None})
    spec = {
        "study": "test",
        "dataset": "planted",
        "model": {"name": "deep", **component},
        "strategy": {"name": "constant", "class": "constant.Constant", "beta": 0.2},
        "seed": 1,
        "training": {"epochs": 3, "batch_size": 100, "device": "cpu"},
    }
    result = run(spec, user_file / "data", user_file / "cell")
    assert result["status"] == "done"
    items = len((user_file / "data/items.txt").read_text().split())
    expected = items * 64 + 64 + 64 * 32 + 32 + 32 * 16 + 16 + 8 * items + items
    assert result["parameters"] == expected


def test_its_contract_holds(user_file: Path) -> None:  # noqa: ARG001
    names: dict[str, object] = {}
    exec(compile(blocks("python")[1], "test_deep.py", "exec"), names)  # noqa: S102 (the docs' test)
    names["test_deep_keeps_the_contract"]()  # type: ignore[operator]
