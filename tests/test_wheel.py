"""The wheel holds the whole product: in a fresh environment it runs in an empty folder."""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest
import yaml

from tests.test_workflow import STUDY

ROOT = Path(__file__).parents[1]
OF_THE_BUILD = ("pyproject.toml", "setup.py", "README.md", "LICENSE", "vaebench")
PRODUCT = ("Snakefile", "config.yaml", "environment.yml", "CITATION.cff", "configs", "profiles")
PRODUCT += ("workflow",)

MINE = '''
"""A strategy that lies beside the study."""

from torch import Tensor

from vaebench.strategies import Stats, Strategy


class Mine(Strategy):
    """β = 1/2."""

    def forward(self, stats: Stats) -> Tensor:
        """The weight, shape ()."""
        return stats.rate.new_tensor(0.5)
'''

STUDY = STUDY | {
    "seeds": 1,
    "datasets": {"planted": STUDY["datasets"]["planted"]},
    "strategies": STUDY["strategies"] | {"mine": {"class": "mine.Mine"}},
    "grid": [STUDY["grid"][0] | {"strategies": ["constant", "mine", "user-scaled"]}],
    "training": STUDY["training"] | {"epochs": 1},
    "tracking": {"enabled": False},
}
"""Three cells, one of a class of the user's."""


def call(*command: str | Path, cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | more
    return subprocess.run(
        [*map(str, command)], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built without a network, from a copy: a build leaves files in its folder."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for part in (*OF_THE_BUILD, *PRODUCT):
        if (ROOT / part).is_dir():
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / part, source / part, ignore=ignore)
        else:
            shutil.copy2(ROOT / part, source / part)
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation"]
    done = call(*command, "--no-index", "--quiet", "--wheel-dir", out, ".", cwd=source)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with the wheel, whose dependencies are those of this one."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    python = folder / "bin/python"
    command = [sys.executable, "-m", "pip", "--python", python, "install", "--no-deps"]
    done = call(*command, "--no-index", "--quiet", wheel, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    (site,) = (folder / "lib").glob("python*/site-packages")
    # the folder alone: its own .pth files, an editable vaebench among them, are not read
    (site / "dependencies.pth").write_text(sysconfig.get_paths()["purelib"])
    return folder


def test_the_wheel_holds_every_file_of_the_product(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    wanted = {"vaebench/py.typed", "vaebench/__init__.pyi"}
    for part in PRODUCT:
        files = [ROOT / part] if (ROOT / part).is_file() else (ROOT / part).rglob("*")
        for file in files:
            if file.is_file() and "__pycache__" not in file.parts:
                wanted.add(f"vaebench/product/{file.relative_to(ROOT)}")
    for file in (ROOT / "vaebench").rglob("*"):
        if file.is_file() and file.suffix != ".pyc":
            wanted.add(str(file.relative_to(ROOT)))
    assert names >= wanted, wanted - names
    outside = {name.split("/")[0] for name in names}
    assert all(re.fullmatch(r"vaebench(-.*\.dist-info)?", name) for name in outside), outside


def test_a_study_runs_in_an_empty_folder(environment: Path, tmp_path: Path) -> None:
    """Two of its three cells, then the report of these; all that it makes lies there."""
    before = set((environment / "lib").rglob("*"))
    (tmp_path / "mine.py").write_text(MINE)
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(STUDY))
    program, cells = environment / "bin/vaebench", "results/small/cells/planted/mult-vae"
    wanted = [f"{cells}/{name}/seed-0/status.json" for name in ("constant", "mine")]
    done = call(program, "run", "study.yaml", "--", "--cores", "2", *wanted, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [json.loads((tmp_path / file).read_text())["status"] for file in wanted] == ["done"] * 2
    page = call(program, "report", "study.yaml", "--", "--cores", "2", cwd=tmp_path)
    assert page.returncode == 0, page.stdout + page.stderr
    assert page.stdout.splitlines()[-1] == "report: results/small/report.html"
    assert (tmp_path / "results/small/report.html").stat().st_size
    state = call(program, "status", "results/small", cwd=tmp_path)
    first, constant, mine, scaled, last = state.stdout.splitlines()
    assert first == f"{tmp_path}/results/small: 3 cells: 2 done, 1 to do"
    assert constant.startswith("  planted/mult-vae/constant     1 done")
    assert mine.startswith("  planted/mult-vae/mine         1 done")
    assert scaled == "  planted/mult-vae/user-scaled  1 to do"
    assert last == f"report: {tmp_path}/results/small/report.html"
    made = set((environment / "lib").rglob("*")) - before
    assert not [path for path in made if "__pycache__" not in path.parts]


def test_what_is_shipped_runs_by_its_name(environment: Path, tmp_path: Path) -> None:
    program = environment / "bin/vaebench"
    done = call(program, "run", "--", "--dry-run", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^train +50$", done.stdout + done.stderr, re.MULTILINE)
    wrong = call(program, "run", "configs/ml-10k.yaml", cwd=tmp_path)
    assert wrong.returncode == 1
    assert wrong.stderr.startswith("vaebench: configs/ml-10k.yaml: no such file; allowed: ")
    assert "ml-100k.yaml" in wrong.stderr
