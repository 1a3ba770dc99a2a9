"""``vaebench new``: what it writes works, and what it adds to a study changes nothing else."""

import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from vaebench.cells import baseline, test, vae
from vaebench.command import main
from vaebench.command.edited import added
from vaebench.command.new import KINDS, Name
from vaebench.errors import ConfigError
from vaebench.study.check import check
from vaebench.study.plan import Plan
from vaebench.study.written import read

NAMES = {kind: f"OwnNew{kind.replace('-', '').capitalize()}" for kind in KINDS}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder in which a user made one of each kind, all in one study."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.environ.get("PYTHONPATH", ""))
    before, path = set(sys.modules), list(sys.path)  # a command adds the study's folder
    main(["new", "strategy", NAMES["strategy"]])
    for kind in KINDS[1:]:
        main(["new", kind, NAMES[kind], "--config", "own_new_strategy.yaml"])
    importlib.invalidate_caches()
    yield tmp_path
    sys.path[:] = path
    for name in set(sys.modules) - before:
        if name.startswith("own_new_"):
            del sys.modules[name]


def test_files_tests_and_study_work(folder: Path) -> None:
    tests = sorted(map(str, folder.glob("test_*.py")))
    assert len(tests) == len(KINDS)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error"]
    done = subprocess.run(
        [*command, *tests], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    study = read(folder / "own_new_strategy.yaml")
    plan = Plan(study, [folder])
    check(plan)
    for name in plan.datasets_used:
        (folder / name).mkdir()
        plan.dataset(name).write_split(None, folder / name, {})
    used = set()
    for cell in plan.cells.values():
        if cell.seed:
            continue
        used |= {cell.dataset, cell.model, cell.strategy}
        if cell.is_baseline:
            found = baseline.run(
                cell.spec, folder / cell.dataset, folder / cell.path, plan.study.all_metrics
            )
        else:
            vae.run(cell.spec, folder / cell.dataset, folder / cell.path)
            found = test.run(
                folder / cell.path, folder / cell.dataset, plan.study.all_metrics, samples=1
            )
        assert found["status"] == "done", cell.path
        assert 0 <= found["test"]["own-new-metric"] <= 1
    assert used >= {f"own-new-{kind}" for kind in ("strategy", "model", "dataset", "baseline")}
    assert study["training"]["update_order"] == {"class": "own_new_updateorder.OwnNewUpdateorder"}


def test_nothing_that_is_there_is_written_over(folder: Path) -> None:
    before = {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    for arguments, said in (
        (["strategy", "own_new_strategy"], "own_new_strategy.py: is there already"),
        (["metric", "json"], "json: an installed module has this name"),
        (["metric", "two words"], "'two words' is no name of a module"),
        (["metric", "class"], "'class' is no name of a module"),
        (["metric", "more", "--config", "none.yaml"], "cannot read none.yaml"),
    ):
        with pytest.raises(SystemExit, match=f"vaebench: {said}.*"):
            main(["new", *arguments])
    assert {path: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before


def test_a_name_has_three_forms() -> None:
    for given in ("slow_start", "SlowStart", "slow-start"):
        name = Name(given)
        forms = (name.module, name.of_class, name.of_study)
        assert forms == ("slow_start", "SlowStart", "slow-start")


TEXT = """\
# what is compared
strategies: # by name
  constant: {class: constant.Constant} # β = 1
  linear:
    class: linear.Linear
    cap: 0.5 # half

# the grid
grid:
  - dataset: planted
    strategies: [constant,
      linear] # two
  - strategies:
    - constant # one
empty: []
other: {a: 1, b: [2]}
"""


@pytest.mark.parametrize(
    ("place", "key", "value", "line"),
    [
        (("strategies",), "mine", {"class": "mine.Mine"}, "  mine: {class: mine.Mine}"),
        (("grid", 0, "strategies"), None, "mine", "      linear, mine] # two"),
        (("grid", 1, "strategies"), None, "mine", "    - mine"),
        (("grid", 0), "baselines", ["mine"], "    baselines: [mine]"),
        (("grid",), None, {"dataset": "new"}, "  - {dataset: new}"),
        (("other",), "c", 0.5, "other: {a: 1, b: [2], c: 0.5}"),
        (("other", "b"), None, "x", "other: {a: 1, b: [2, x]}"),
        (("empty",), None, 1, "empty: [1]"),
        ((), "metrics", {"m": {"k": 1}}, "metrics: {m: {k: 1}}"),
    ],
)
def test_an_entry_is_added_and_all_else_stays(
    place: tuple[str | int, ...], key: str | None, value: object, line: str
) -> None:
    """:func:`added` itself compares what is read back with what it should be."""
    new = added(TEXT, place, value, key)
    changed = [each for each in new.splitlines() if each not in TEXT.splitlines()]
    assert changed == [line]
    kept = [each for each in TEXT.splitlines() if each in new.splitlines()]
    assert len(TEXT.splitlines()) - len(kept) <= 1
    assert yaml.safe_load(new) != yaml.safe_load(TEXT)


def test_what_cannot_be_added_is_said() -> None:
    with pytest.raises(ConfigError, match=r"strategies\.linear: is there already"):
        added(TEXT, ("strategies",), {}, "linear")
    with pytest.raises(ConfigError, match="a: cannot be added to; allowed: writing it yourself"):
        added("a:\n  b: |\n    text\nc: 1\n", ("a",), 2, "d")
