"""Who may import whom, and that the files a result stands on are the ones it really loads."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from vaebench.study.plan import Plan
from vaebench.study.sources import source_files

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "vaebench"
FILES = sorted(PACKAGE.rglob("*.py"))


def imported(path: Path) -> set[str]:
    """All modules named in the import statements of a file."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return names


def roots(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imported(path)}


def outside(path: Path) -> set[str]:
    """Top-level modules that are neither ours nor of the standard library."""
    return roots(path) - set(sys.stdlib_module_names) - {"vaebench"}


def test_the_package_never_imports_snakemake() -> None:
    assert not [path for path in FILES if "snakemake" in roots(path)]


def test_only_the_mirror_and_its_store_know_mlflow() -> None:
    knowing = {path.name for path in FILES if "mlflow" in roots(path)}
    assert knowing == {"store.py", "tracking.py"}


@pytest.mark.parametrize("folder", ["strategies", "models", "metrics"])
def test_formulas_need_torch_and_option_types_only(folder: str) -> None:
    for path in (PACKAGE / folder).glob("*.py"):
        assert outside(path) <= {"torch", "pydantic"}, path


def test_figures_never_compute_and_never_load_torch() -> None:
    for path in (PACKAGE / "plots").glob("*.py"):
        assert not outside(path) & {"torch", "numpy", "scipy", "statsmodels"}, path


@pytest.mark.parametrize("folder", ["strategies", "models", "metrics", "datasets", "baselines"])
def test_contracts_never_import_variants_and_variants_never_each_other(folder: str) -> None:
    shared = {"protocol", "tables", "fetch", "pictures", "arrays", "published", "layers", "pixels"}
    variants = {path.stem for path in (PACKAGE / folder).glob("*.py")} - {"__init__"} - shared
    for path in (PACKAGE / folder).glob("*.py"):
        siblings = {f"vaebench.{folder}.{name}" for name in variants - {path.stem}}
        assert not imported(path) & siblings, path


def test_a_split_stands_on_no_metric() -> None:
    """An edit of a metric splits nothing again."""
    for path in (PACKAGE / "datasets").glob("*.py"):
        files = source_files(f"vaebench.datasets.{path.stem}".removesuffix(".__init__"))
        assert not [file for file in files if "/metrics/" in file], path


def test_scripts_are_short() -> None:
    for path in (ROOT / "workflow/scripts").glob("*.py"):
        code = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        assert len(code) <= 30, f"{path}: logic belongs into the package"


@pytest.mark.parametrize("cell", ["planted/mult-vae/cyclical", "digits/mlp-vae/free-bits"])
def test_a_cell_lists_exactly_the_files_that_it_loads(cell: str, tmp_path: Path) -> None:
    """One forgotten file and an edit of it would go unseen."""
    plan = Plan(yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8")))
    spec = plan.cells[f"{cell}/seed-0"].spec
    spec["training"] |= {"epochs": 1}
    program = f"""
import sys
from pathlib import Path
from tests.trained import run
from vaebench.components import create
before = set(sys.modules)
from vaebench.study.plan import Plan
data = create("vaebench.datasets", {plan.study.datasets[spec["dataset"]]!r})
data.write_split(None, Path({str(tmp_path / "data")!r}), {{}})
for name in set(sys.modules) - before:
    if name.startswith("vaebench"):
        del sys.modules[name]  # what the cell itself loads must come again
loaded = set(sys.modules)
run({spec!r}, Path({str(tmp_path / "data")!r}), Path({str(tmp_path / "cell")!r}))
ours = {{m.__file__ for n, m in sys.modules.items() if n.startswith("vaebench")}}
print("\\n".join(sorted(ours)))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )
    really = {str(Path(line).relative_to(ROOT)) for line in done.stdout.split()}
    listed = {str(Path(path)) for path in plan.cell_sources(plan.cells[f"{cell}/seed-0"])}
    assert {str(Path(p).resolve().relative_to(ROOT)) for p in listed} == really


def test_a_strategy_stands_on_its_own_file_and_its_contract() -> None:
    files = {
        Path(p).resolve().relative_to(PACKAGE) for p in source_files("vaebench.strategies.cyclical")
    }
    assert {str(file) for file in files} == {
        "__init__.py",
        "components.py",
        "errors.py",
        "search.py",
        "strategies/__init__.py",
        "strategies/cyclical.py",
    }
