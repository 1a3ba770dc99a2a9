"""What a cell loads: thousands of cells are started, and each pays for every import again."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from vaebench.components import create
from vaebench.study.plan import Plan

ROOT = Path(__file__).parents[2]

PROGRAM = """
import json, sys
from pathlib import Path
from tests.trained import run
run(json.loads(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
heavy = {"torch._dynamo", "sympy", "pandas", "scipy.stats", "sklearn", "mlflow", "matplotlib"}
print(sorted(heavy & set(sys.modules)))
"""


@pytest.mark.parametrize("name", ["planted/mult-vae/cyclical", "digits/mlp-vae/free-bits"])
def test_a_cell_loads_nothing_that_it_does_not_need(name: str, tmp_path: Path) -> None:
    """Compiler, computer algebra, tables, statistics: more than two seconds of CPU together."""
    plan = Plan(yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8")))
    spec = plan.cells[f"{name}/seed-0"].spec
    spec["training"] |= {"epochs": 1, "device": "cpu"}
    source = {"name": None, "sha256": None}
    create("vaebench.datasets", plan.study.datasets[spec["dataset"]]).write_split(
        None, tmp_path / "data", source
    )
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(spec), tmp_path / "data", tmp_path / "cell"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert done.stdout.strip() == "[]"
