"""Who may import whom, and that the files a result depends on are the ones it really loads."""

import ast
import json
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
    assert knowing == {"store.py", "tracking.py", "runs.py", "parents.py", "logged.py"}


@pytest.mark.parametrize("folder", ["strategies", "models", "metrics"])
def test_formulas_need_torch_and_option_types_only(folder: str) -> None:
    for path in (PACKAGE / folder).glob("*.py"):
        arrays = {"numpy", "sklearn"} if FACTORS & {path.stem, *imported(path)} else set()
        assert outside(path) <= {"torch", "pydantic"} | arrays, path


FACTORS = {"factors", "vaebench.metrics.factors"}
"""Scores of representations are made of scikit-learn's classifiers, which take NumPy's arrays."""


def test_figures_never_compute_and_never_load_torch() -> None:
    for path in (PACKAGE / "plots").glob("*.py"):
        arrays = {"numpy"} if path.stem == "pictures" else set()
        assert not outside(path) & {"torch", "numpy", "scipy", "statsmodels"} - arrays, path


SHARED = {
    "baselines": {"item_item"},
    "datasets": {"protocol", "tables", "fetch", "pictures", "arrays", "published", "jobs"},
    "models": {"dial", "layers", "pixels", "products"},
    "metrics": {"annealed", "bound", "comparison", "factors", "importance", "latents"},
}
"""Modules beside the components that are no components: what these are made of."""


@pytest.mark.parametrize("folder", ["strategies", "models", "metrics", "datasets", "baselines"])
def test_contracts_never_import_variants_and_variants_never_each_other(folder: str) -> None:
    shared = SHARED.get(folder, set())
    variants = {path.stem for path in (PACKAGE / folder).glob("*.py")} - {"__init__"} - shared
    for path in (PACKAGE / folder).glob("*.py"):
        siblings = {f"vaebench.{folder}.{name}" for name in variants - {path.stem}}
        assert not imported(path) & siblings, path


FLOORS = (
    {"errors", "words", "captions", "search", "seeds", "sparse", "distributions"},
    {"files", "seal", "components", "likelihoods", "credentials", "machine"},
    {"strategies", "baselines", "models", "datasets"},
    {"metrics"},
    {"training", "contracts"},
    {"images", "cells"},
    {"study", "plots"},
    {"statistics"},
    {"tables"},
    {"report"},
    {"records"},
    {"sharing"},
    {"library"},
    {"advice"},
    {"command"},
)
"""Who may import whom: a room takes from its own floor and from those below. The same order as the
floors of a house: the mathematics and the files under everything, the report on top, over it what
checks a whole study, and under the roof what people call: the library, the advice that is made of
it, and the commands."""


def room(module: str) -> str:
    """``vaebench.ROOM…`` → ROOM."""
    return module.split(".")[1] if module.startswith("vaebench.") else ""


def rooms() -> dict[str, set[str]]:
    """Room → the rooms that it takes from, lazy imports included."""
    found: dict[str, set[str]] = {}
    for path in FILES:
        own = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if own not in ("__init__", "__main__"):
            found.setdefault(own, set()).update(room(name) for name in imported(path))
    return {own: taken - {own, ""} for own, taken in found.items()}


def test_rooms_take_from_the_floors_below() -> None:
    height = {name: floor for floor, names in enumerate(FLOORS) for name in names}
    found = rooms()
    assert set(found) == set(height), "a new room needs a floor"
    above = {
        f"{own} (floor {height[own]}) takes from {taken} (floor {height[taken]})"
        for own, all_taken in found.items()
        for taken in all_taken
        if height[taken] > height[own]
    }
    assert not above


def test_no_rooms_take_from_each_other_in_a_circle() -> None:
    found = rooms()
    seen: set[str] = set()
    while len(seen) < len(found):
        free = {own for own, taken in found.items() if own not in seen and taken <= seen}
        assert free, f"a circle among {set(found) - seen}"
        seen |= free


def test_the_house_has_few_entries() -> None:
    assert len(rooms()) <= 32


PEOPLE = ("tables", "plots", "report", "sharing", "command", "library")
WITHOUT = {
    "training": ("statistics", "study", "captions", *PEOPLE),
    "test": ("statistics", "study", "captions", *PEOPLE),
    "baseline": ("statistics", "captions", "training/loop", *PEOPLE),
    "split": ("metrics", "cells", "training", "study", *PEOPLE),
}


def test_results_depend_on_no_more_than_what_makes_them() -> None:
    """A caption retrains nothing, a metric splits nothing, the loop refits no baseline."""
    study = yaml.safe_load((ROOT / "configs/baselines-ml-1m.yaml").read_text(encoding="utf-8"))
    plan = Plan(study)
    cells = list(plan.cells.values())
    trained = next(cell for cell in cells if not cell.is_baseline)
    fitted = next(cell for cell in cells if cell.is_baseline)
    sources = {
        "training": plan.training_sources(trained),
        "test": plan.test_sources(trained),
        "baseline": plan.training_sources(fitted),
        "split": plan.dataset_sources(trained.dataset),
    }
    for what, files in sources.items():
        below = [str(Path(path).resolve().relative_to(PACKAGE)) for path in files]
        wrong = [path for path in below if path.startswith(WITHOUT[what])]
        assert not wrong, what


def test_scripts_are_short() -> None:
    for path in (ROOT / "workflow/scripts").glob("*.py"):
        code = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        assert len(code) <= 10, f"{path}: logic belongs into the package"


PROGRAM = """
import json, sys
from pathlib import Path
spec, metrics, dataset, folder = json.loads(sys.argv[1])
from vaebench.components import create
before = set(sys.modules)
create("vaebench.datasets", dataset).write_split(None, Path(folder, "data"), {})
for name in set(sys.modules) - before:
    if name.startswith("vaebench"):
        del sys.modules[name]  # what the cell itself loads must come again
if sys.argv[2] == "train":
    from vaebench.cells.vae import run
    run(spec, Path(folder, "data"), Path(folder, "cell"))
else:
    from vaebench.cells.test import run
    run(Path(folder, "cell"), Path(folder, "data"), metrics)
ours = {m.__file__ for n, m in sys.modules.items() if n.startswith("vaebench")}
print("\\n".join(sorted(ours)))
"""


@pytest.mark.parametrize("name", ["planted/mult-vae/cyclical", "digits/mlp-vae/free-bits"])
def test_a_job_lists_exactly_the_files_that_it_loads(name: str, tmp_path: Path) -> None:
    """One forgotten file and an edit of it would go unseen."""
    plan = Plan(yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8")))
    cell = next(cell for path, cell in plan.cells.items() if path.startswith(name))
    cell.spec["training"] |= {"epochs": 1}
    metrics, dataset = plan.study.all_metrics, plan.study.datasets[cell.dataset]
    given = json.dumps([cell.spec, metrics, dataset, str(tmp_path)])
    for stage, listed in (
        ("train", plan.training_sources(cell)),
        ("test", plan.test_sources(cell)),
    ):
        command = [sys.executable, "-c", PROGRAM, given, stage]
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
        really = {str(Path(line).relative_to(ROOT)) for line in done.stdout.split()}
        assert {str(Path(path).resolve().relative_to(ROOT)) for path in listed} == really, stage


def test_a_strategy_depends_on_its_own_file_alone() -> None:
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
