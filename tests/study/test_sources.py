"""Which files a result depends on: found by reading, without running them, once a plan."""

import ast
import importlib
import subprocess
import sys
from collections.abc import Callable
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

import pytest
import yaml

from vaebench import components
from vaebench.components import module_spec
from vaebench.study import sources
from vaebench.study.check import check
from vaebench.study.plan import Plan

ROOT = Path(__file__).parents[2]
PROGRAM = """
import sys
import yaml
from vaebench.study.plan import Plan

ORDER = {"update_order": {"class": "joint.Joint"}, "select": "elbo"}  # or a model says its own
plan = Plan(yaml.safe_load(open("config.yaml", encoding="utf-8")) | {"training": ORDER})
for cell in plan.cells.values():
    plan.training_sources(cell)
print(sorted({"torch", "numpy", "pandas", "mlflow"} & set(sys.modules)))
"""


def test_the_work_of_a_plan_does_not_grow_with_its_seeds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten thousand cells are a hundred combinations of modules: each is looked up once."""
    config = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    check(Plan(config))  # imports the models, and what an import reads does not count
    counts = []
    for seeds in (1, 30):
        parsed: list[Any] = []
        found: list[Any] = []
        for function in (sources._imports, sources._path):
            function.cache_clear()
        with monkeypatch.context() as patch:
            components.module_name.cache_clear()
            patch.setattr(ast, "parse", recorded(ast.parse, parsed))
            patch.setattr(PathFinder, "find_spec", recorded(PathFinder.find_spec, found))
            patch.setattr(Path, "resolve", recorded(Path.resolve, found))
            plan = Plan(config | {"seeds": seeds})
            lists = [plan.training_sources(cell) for cell in plan.cells.values()]
        assert len(lists) == 10 * seeds
        assert len(set(parsed)) == len(parsed), "a file was parsed twice"
        counts.append((len(parsed), len(found)))
    assert counts[0] == counts[1]
    assert min(counts[0]) > 0


def recorded(function: Callable[..., Any], calls: list[Any]) -> Callable[..., Any]:
    """``function``, its first argument noted in ``calls``."""

    def call(*arguments: Any, **named: Any) -> Any:
        calls.append(arguments[0])
        return function(*arguments, **named)

    return call


def test_a_caller_may_change_its_list() -> None:
    plan = Plan(yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8")))
    cell = next(iter(plan.cells.values()))
    plan.training_sources(cell).clear()
    assert plan.training_sources(cell)


def test_planning_loads_no_torch() -> None:
    """Every job of a cluster plans again."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == "[]"


def test_a_module_is_found_as_python_finds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Module, package, and folders without ``__init__.py`` inside of one another."""
    for file in ("alone.py", "package/__init__.py", "package/inner.py", "space/deep/inner.py"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("raise RuntimeError('was run')\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    found = {
        name: module_spec(name)
        for name in ("alone", "package", "package.inner", "space.deep.inner")
    }
    files = {name: spec.origin for name, spec in found.items() if spec}
    assert files == {
        "alone": str(tmp_path / "alone.py"),
        "package": str(tmp_path / "package/__init__.py"),
        "package.inner": str(tmp_path / "package/inner.py"),
        "space.deep.inner": str(tmp_path / "space/deep/inner.py"),
    }
    for missing in ("alone.inner", "package.missing", "nowhere", "nowhere.inner", "json.nothing"):
        assert module_spec(missing) is None


def test_what_the_package_offers_to_users_makes_no_result_old() -> None:
    """Every cell depends on the package's own module, which hands on what no cell uses."""
    said = ast.dump(sources._said(str(sources.PUBLIC)))
    assert not {word for word in ("__getattr__", "__all__", "Fitted") if word in said}
    assert {Path(file).name for file in sources.source_files("vaebench")} == {"__init__.py"}


def test_a_getattr_of_another_module_is_code(tmp_path: Path) -> None:
    digests = set()
    for number, text in enumerate(("X = 1\n", "X = 1\ndef __getattr__(name):\n    return 2\n")):
        (tmp_path / f"m{number}.py").write_text(text)
        digests.add(sources.digest(str(tmp_path / f"m{number}.py")))
    assert len(digests) == 2
