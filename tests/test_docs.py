"""The worked example of docs/strategies.md: one file, one line of config, one test."""

import importlib
import re
import sys
from pathlib import Path

import pytest
import torch
import yaml

from vaebench.components import create
from vaebench.strategies import Stats

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs/strategies.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


def test_the_worked_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    strategy, check = blocks("python")
    (tmp_path / "thirds.py").write_text(strategy, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    spec = yaml.safe_load(blocks("yaml")[-1])["strategies"]["thirds"]
    thirds = create("vaebench.strategies", spec)
    betas = [
        thirds(Stats(torch.tensor(t), 9, torch.ones(2), torch.ones(2, 3))).item() for t in range(9)
    ]
    assert betas == pytest.approx([0] * 3 + [0.2] * 3 + [0.4] * 3)
    names: dict[str, object] = {}
    exec(compile(check, "test_thirds.py", "exec"), names)  # noqa: S102 (the docs' own test)
    names["test_thirds_keeps_the_contract"]()  # type: ignore[operator]
    sys.modules.pop("thirds")


def test_every_strategy_is_explained() -> None:
    for path in (ROOT / "vaebench/strategies").glob("[a-z]*.py"):
        assert f"`{path.stem}." in TEXT, path.name


def test_every_link_is_there() -> None:
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", TEXT):
        assert (ROOT / "docs" / target).exists(), target
