"""Every code block of docs/extending.md, run as a user would."""

import importlib
import json
import re
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import yaml

from vaebench.cells import baseline, test, vae
from vaebench.contracts import ContractBroken, check_strategy
from vaebench.files import read_json
from vaebench.statistics.measures import MEASURES
from vaebench.strategies import Stats, Strategy
from vaebench.study.check import check
from vaebench.study.plan import Plan
from vaebench.tables import content, heads, number

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs/extending.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"^```python\n# (\S+)\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL))
STUDY = yaml.safe_load(re.findall(r"^```yaml\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)[0])
COLUMN = "vaebench/tables/content.py"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of a user, with all files of the page in it."""
    for name, code in BLOCKS.items():
        if name != COLUMN:
            (tmp_path / name).write_text(code, encoding="utf-8")
    random = np.random.default_rng(0)
    baskets = [random.permutation(130)[: random.integers(8, 40)].tolist() for _ in range(300)]
    (tmp_path / "baskets.json").write_text(json.dumps(baskets))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    yield tmp_path
    for name in BLOCKS:
        sys.modules.pop(name.removesuffix(".py"), None)


def test_every_python_block_is_a_file_that_is_named() -> None:
    assert TEXT.count("```python") == len(BLOCKS)


def test_the_study_of_all_own_classes_is_trained_and_tested(folder: Path) -> None:
    plan = Plan(STUDY | {"seeds": 1}, [folder])
    check(plan)
    data = folder / "data"
    data.mkdir()
    plan.dataset("baskets").write_split(folder / "baskets.json", data, {"name": "baskets.json"})
    assert {cell.strategy for cell in plan.cells.values()} == {"constant", "saturating", "none"}
    for cell in plan.cells.values():
        out = folder / cell.path
        if cell.is_baseline:
            status = baseline.run(cell.spec, data, out, plan.study.all_metrics)
        else:
            vae.run(cell.spec, data, out)
            status = test.run(out, data, plan.study.all_metrics, samples=1)
        assert status["status"] == "done"
        assert 0 < status["test"]["precision@10"] < 1
    order = read_json(folder / "baskets/shallow/saturating/seed-0/config.json")["training"]
    assert order["update_order"] == {"class": "decoder_last.DecoderLast"}


def test_the_contracts_hold(folder: Path) -> None:  # noqa: ARG001
    importlib.import_module("test_mine").test_contracts()


def test_an_edit_of_a_file_is_seen_by_the_cells_that_use_it(folder: Path) -> None:
    plan = Plan(STUDY, [folder])
    users = {
        name: {cell.strategy for cell in plan.cells.values() if _stands_on(plan, cell, name)}
        for name in ("saturating", "shallow", "lucky", "decoder_last", "baskets")
    }
    vaes = {"constant", "saturating"}
    assert users == {
        "saturating": {"saturating"},
        "shallow": vaes,
        "lucky": {"none"},
        "decoder_last": vaes,
        "baskets": set(),  # the split, and by it all
    }
    assert any("baskets.py" in file for file in plan.dataset_sources("baskets"))


def _stands_on(plan: Plan, cell: object, name: str) -> bool:
    return any(Path(file).stem == name for file in plan.training_sources(cell))  # type: ignore[arg-type]


def test_the_column_is_one_line() -> None:
    """As if the line stood in the file: a copy of the module with it is run."""
    source = (ROOT / COLUMN).read_text(encoding="utf-8")
    before = '        Column("mean", lambda row: number(row.mean, m)),\n'
    assert before in source
    copy = types.ModuleType("content_with_a_column")
    exec(source.replace(before, before + BLOCKS[COLUMN]), copy.__dict__)  # noqa: S102 (the docs' line)
    measure = MEASURES["ndcg@100"]
    columns = copy.result_columns(measure)
    assert [c.title for c in columns if c.title not in heads(content.result_columns(measure))] == [
        "width"
    ]
    row = types.SimpleNamespace(low=0.25, high=0.375)
    assert next(c for c in columns if c.title == "width").cell(row) == number(0.125, measure)


def test_the_table_counts_the_lines_that_are_there() -> None:
    files = {
        "strategy": "saturating.py",
        "data set": "baskets.py",
        "model": "shallow.py",
        "baseline": "lucky.py",
        "metric": "precision.py",
        "update order": "decoder_last.py",
    }
    for what, name in files.items():
        said = re.search(rf"^\| {what} \|.*\| 1 file: (\d+) \|", TEXT, re.MULTILINE)
        assert said is not None
        written = [line for line in BLOCKS[name].splitlines() if line.strip()]
        assert int(said[1]) == len(written), name


def test_the_sentence_is_the_one_that_comes() -> None:
    class Mine(Strategy):
        def forward(self, stats: Stats) -> object:  # type: ignore[override]
            return -stats.rate.new_ones(())

    with pytest.raises(ContractBroken) as found:
        check_strategy(Mine)
    assert f"strategies.mine: {found.value}\n" in TEXT


def test_every_link_is_there() -> None:
    for target in re.findall(r"\]\((?!http)([^)#]+)", TEXT):
        assert (ROOT / "docs" / target).exists(), target
