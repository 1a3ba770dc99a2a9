"""The documentation builds without a warning, its links lead somewhere, its examples run."""

import doctest
import importlib
import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch
import yaml

from vaebench.components import create
from vaebench.strategies import Stats

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(page for page in DOCS.rglob("*.md") if "_build" not in page.parts)
STRATEGIES = (DOCS / "strategies.md").read_text(encoding="utf-8")


def _extension() -> ModuleType:
    spec = importlib.util.spec_from_file_location("components", DOCS / "_ext/components.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


REFERENCE = _extension()
GENERATED = {DOCS / f"reference/{name}.md" for name in REFERENCE.pages()}
COMPONENTS = [
    pytest.param(component, id=f"{kind}/{path}")
    for kind in REFERENCE.KINDS
    for path, component in REFERENCE.components(kind)
]


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", STRATEGIES, re.MULTILINE | re.DOTALL)


def test_the_documentation_builds_without_a_warning(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html"]
    done = subprocess.run(
        [*command, "-d", str(tmp_path / "trees"), str(DOCS), str(tmp_path / "html")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "html/reference/strategies.html").read_text(encoding="utf-8")
    assert "cyclical.Cyclical" in page
    assert "whole number ≥ 1" in page, "the range of an option is read from its annotation"


def test_every_class_of_the_shipped_configurations_is_in_the_reference() -> None:
    known = {path for kind in REFERENCE.KINDS for path, _ in REFERENCE.components(kind)}
    for file in [ROOT / "config.yaml", *(ROOT / "configs").rglob("*.yaml")]:
        named = re.findall(r"class: ([a-z_]+\.\w+)", file.read_text(encoding="utf-8"))
        assert set(named) <= known, file


@pytest.mark.parametrize("component", COMPONENTS)
def test_every_component_has_an_example_that_runs(component: type) -> None:
    found = doctest.DocTestFinder(recurse=False).find(component, component.__name__)
    assert found, "no docstring"
    assert found[0].examples, "no example in its docstring"
    found[0].globs = {}  # an example imports what it uses
    heard: list[str] = []
    options = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    failed = doctest.DocTestRunner(optionflags=options).run(found[0], out=heard.append).failed
    assert not failed, "".join(heard)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!http)([^)#\s]+)\)", page.read_text(encoding="utf-8")):
        file = (page.parent / target).resolve()
        assert file in GENERATED or file.exists(), target


def test_every_strategy_is_explained() -> None:
    for path in (ROOT / "vaebench/strategies").glob("[a-z]*.py"):
        assert f"`{path.stem}." in STRATEGIES, path.name


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
