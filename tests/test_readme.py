"""What the README shows is what happens."""

import importlib
import re
import sys
from pathlib import Path

import pytest
import torch
import yaml

from vaebench.components import create
from vaebench.errors import ConfigError
from vaebench.records import compared, said
from vaebench.records.page import Results
from vaebench.records.schema import read
from vaebench.strategies import Stats
from vaebench.study.check import check
from vaebench.study.plan import Plan

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DEFAULT = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def test_the_strategy_of_the_readme_is_one_file_and_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "halves.py").write_text(blocks("python")[0], encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    line = yaml.safe_load(next(b for b in blocks("yaml") if "halves" in b))["strategies"]
    strategy = create("vaebench.strategies", line["halves"])
    betas = [
        strategy(Stats(torch.tensor(t), 10, torch.ones(2), torch.ones(2, 3))).item()
        for t in range(10)
    ]
    assert betas == pytest.approx([0.0] * 5 + [0.2] * 5)
    study = DEFAULT | {"strategies": DEFAULT["strategies"] | line, "control": "halves"}
    study["grid"] = [{"dataset": "planted", "model": "mult-vae", "strategies": ["halves"]}]
    plan = Plan(study)
    check(plan)
    sources = plan.training_sources(next(iter(plan.cells.values())))
    assert str(tmp_path / "halves.py") in sources, "an edit of it must rerun its cells"
    sys.modules.pop("halves")


def test_the_error_of_the_readme_is_the_one_that_comes() -> None:
    strategies = DEFAULT["strategies"] | {"cyclical": {"class": "cyclical.Cyclical", "cycels": 4}}
    with pytest.raises(ConfigError) as found:
        check(Plan(DEFAULT | {"strategies": strategies}))
    assert str(found.value) in README


def test_the_answer_is_the_one_of_the_published_records() -> None:
    """`vaebench results docs/results/records/* --readme README.md` has been run, in ten lines."""
    folders = sorted(path for path in (ROOT / "docs/results/records").iterdir() if path.is_dir())
    lines = said.lines(Results(compared.together([read(folder) for folder in folders])))
    assert said.put(README, lines) == README
    assert len(lines) <= 10


def test_every_link_and_named_file_is_there() -> None:
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target
    for config in re.findall(r"configs/[\w.-]+\.yaml", README):
        assert (ROOT / config).exists(), config


def test_every_verb_is_a_target_of_make() -> None:
    targets = re.findall(
        r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE
    )
    for verb in re.findall(r"(?:^|`)make (\w+)", README, re.MULTILINE):
        assert verb in targets
