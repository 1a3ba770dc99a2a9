"""What runs again after an edit: the real workflow on a small study, asked by dry runs."""

import json
import os
import shutil
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.test_workflow import STUDY, Project
from vaebench.cells.folder import CellFolder
from vaebench.files import read_json

SMALL: dict[str, Any] = STUDY | {
    "seeds": 1,
    "tracking": {"enabled": False},
    "baselines": {"popularity": {"class": "popularity.Popularity"}},
    "grid": [STUDY["grid"][0] | {"baselines": ["popularity"]}, STUDY["grid"][1]],
}
TRAINED = 4
"""Cells of VAEs; and there is one baseline."""


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The study, run to its end."""
    project = Project(tmp_path_factory.mktemp("project"))
    project.write(SMALL)
    done = project.snakemake()
    assert done.returncode == 0, done.stdout + done.stderr
    return project


@pytest.fixture
def project(finished: Project, tmp_path: Path) -> Project:
    """The finished study; a test's edits of code and study are taken back."""
    code, study = finished.folder / "vaebench", finished.folder / "study.yaml"
    shutil.copytree(code, tmp_path / "vaebench")
    kept = study.read_bytes()
    yield finished  # type: ignore[misc]
    shutil.rmtree(code)
    shutil.copytree(tmp_path / "vaebench", code)
    study.write_bytes(kept)


def jobs(project: Project) -> dict[str, int]:
    """How many cells would be split, trained, tested and fitted."""
    rules, _ = project.would_run()
    return {name: rules[name] for name in ("split", "train", "test", "baseline") if rules[name]}


def says(old: str, new: str) -> Callable[[str], str]:
    def edit(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return edit


def comment(text: str) -> str:
    return f"# a comment\n{text}\n# another\n"


def statement(text: str) -> str:
    return f"{text}\nEDITED = True\n"


ALL = {"train": TRAINED, "test": TRAINED}
EDITS: dict[str, tuple[str, Callable[[str], str], dict[str, int]]] = {
    "a caption": ("captions", says("Test distortion", "Distortion"), {}),
    "a plot": ("plots/training", statement, {}),
    "a table": ("tables/content", statement, {}),
    "the report": ("report/page", statement, {}),
    "the mirror": ("sharing/tracking", statement, {}),
    "statistics": ("statistics/family", statement, {}),
    "tuning": ("statistics/tuning", statement, {}),
    "the plan": ("study/plan", statement, {}),
    "the ritual of a job": ("cells/job", statement, {}),
    "how the study is read back": ("cells/reading", statement, {}),
    "the number of a release": ("__init__", says('__version__ = "', '__version__ = "9'), {}),
    "a comment in the loop": ("training/loop", comment, {}),
    "a docstring of the loop": (
        "training/loop",
        says('"""The algorithm', '"""The old algorithm'),
        {},
    ),
    "a comment in a metric": ("metrics/recall", comment, {}),
    "a metric that does not select": (
        "metrics/recall",
        statement,
        {"test": TRAINED, "baseline": 1},
    ),
    "the test of a cell": ("cells/test", statement, {"test": TRAINED}),
    "the metric that selects": ("metrics/ndcg", statement, {"train": 2, "test": 4, "baseline": 1}),
    "a strategy": ("strategies/cyclical", statement, {"train": 1, "test": 1}),
    "the contract of strategies": ("strategies/__init__", statement, ALL),
    "a model": ("models/mult_vae", statement, {"train": 2, "test": 2}),
    "the loop": ("training/loop", statement, ALL),
    "the optimiser": ("training/adam", statement, ALL),
    "what a lack of memory writes": ("cells/out_of_memory", statement, ALL | {"baseline": 1}),
    "a baseline": ("baselines/popularity", statement, {"baseline": 1}),
    "a data set": ("datasets/digits", statement, {"split": 1, "train": 2, "test": 2}),
}
"""What is edited → the module, how, and the jobs of data and cells that must run again."""


PROGRAM = """
import json, sys
from pathlib import Path
import yaml
from vaebench.study import sources
from vaebench.study.plan import Plan

def digests():
    for function in (sources.content, sources.digest, sources._own, sources._imports):
        function.cache_clear()
    plan = Plan(yaml.safe_load(open("study.yaml", encoding="utf-8")))
    found = {f"split {name}": plan.dataset_code(name) for name in plan.datasets_used}
    for path, cell in plan.cells.items():
        found[f"{'baseline' if cell.is_baseline else 'train'} {path}"] = plan.training_code(cell)
        if not cell.is_baseline:
            found[f"test {path}"] = plan.test_code(cell)
    return found

before = digests()
for line in sys.stdin:
    file, text = json.loads(line)
    kept = Path(file).read_text(encoding="utf-8")
    Path(file).write_text(text, encoding="utf-8")
    print(json.dumps([job for job, digest in digests().items() if digest != before[job]]))
    Path(file).write_text(kept, encoding="utf-8")
"""


def test_an_edit_reruns_what_depends_on_it(project: Project) -> None:
    """By the digests that are the jobs' parameters; below, Snakemake itself is asked."""
    given = []
    for module, edit, _ in EDITS.values():
        path = project.folder / f"vaebench/{module}.py"
        given.append(json.dumps([str(path), edit(path.read_text(encoding="utf-8"))]))
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input="\n".join(given),
        cwd=project.folder,
        env=os.environ | {"PYTHONPATH": str(project.folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answers = map(json.loads, done.stdout.splitlines())
    for (what, (_, _, expected)), changed in zip(EDITS.items(), answers, strict=True):
        found = {rule: [j for j in changed if j.startswith(rule)] for rule in expected}
        # what is made of new data or weights runs again whatever its own code says
        cells = {job.split(" ", 1)[1] for job in changed if not job.startswith("split")}
        counts = {rule: len(jobs) for rule, jobs in found.items()}
        if "split" in expected:
            assert counts["split"] == expected["split"], what
            assert not cells, what
        elif "train" in expected:
            assert len({c for c in cells if "/none/" not in c}) == max(
                expected["train"], expected.get("test", 0)
            ), what
            assert counts["train"] == expected["train"], what
        else:
            assert counts == expected, what
        assert bool(changed) == bool(expected), what


def rerun(project: Project, what: str) -> dict[str, int]:
    module, edit, _ = EDITS[what]
    path = project.folder / f"vaebench/{module}.py"
    path.write_text(edit(path.read_text(encoding="utf-8")), encoding="utf-8")
    return jobs(project)


@pytest.mark.parametrize("what", ["a metric that does not select", "a strategy", "a data set"])
def test_snakemake_says_the_same(what: str, project: Project) -> None:
    assert rerun(project, what) == EDITS[what][2]


def test_a_new_metric_is_one_file_and_one_line_and_trains_nothing(project: Project) -> None:
    (project.folder / "hits.py").write_text(
        '"""Hits."""\n\nfrom torch import Tensor\n\n'
        "from vaebench.metrics import Lists, Ranking\n\n\n"
        'class Hits(Ranking):\n    """Their number."""\n\n'
        "    def values(self, lists: Lists) -> Tensor:\n"
        '        """(U,)."""\n'
        "        return lists.hits[:, : self.k].sum(1) / lists.targets.clamp(max=self.k)\n"
    )
    project.write(SMALL | {"metrics": {"hits@10": {"class": "hits.Hits", "k": 10}}})
    assert jobs(project) == {"test": TRAINED, "baseline": 1}


def test_a_module_that_moves_makes_nothing_old(project: Project) -> None:
    """With its imports everywhere rewritten, as a new release does it."""
    package = project.folder / "vaebench"
    (package / "training/adam.py").rename(package / "training/descent.py")
    for path in package.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("vaebench.training.adam", "vaebench.training.descent"))
    assert jobs(project) == {}


def test_what_a_users_module_imports_is_its_source(project: Project) -> None:
    """And a helper of a helper, in whatever form it is imported."""
    (project.folder / "mine").mkdir()
    (project.folder / "mine/__init__.py").write_text("")
    (project.folder / "mine/numbers.py").write_text("LATE = 0.5\n")
    (project.folder / "mine/helper.py").write_text("from .numbers import LATE\n")
    (project.folder / "mine/late.py").write_text(
        "from torch import Tensor\n\nimport mine.helper\n"
        "from vaebench.strategies import Stats, Strategy, Weight\n\n\n"
        "class Late(Strategy):\n    def __init__(self, *, scale: Weight = 1.0) -> None:\n"
        "        super().__init__()\n        self.scale = scale\n\n"
        "    def forward(self, stats: Stats) -> Tensor:\n"
        "        return stats.rate.new_tensor(self.scale * mine.helper.LATE)\n"
    )
    study = SMALL | {"strategies": {**SMALL["strategies"], "late": {"class": "mine.late.Late"}}}
    grid = [SMALL["grid"][0], SMALL["grid"][1] | {"strategies": ["constant", "cyclical", "late"]}]
    project.write(study | {"grid": grid})
    assert jobs(project) == {"train": 1, "test": 1}
    cell = "results/small/cells/digits/mlp/late/seed-0/status.json"
    done = project.snakemake(cell)
    assert done.returncode == 0, done.stdout + done.stderr
    assert jobs(project) == {}
    (project.folder / "mine/numbers.py").write_text("LATE = 0.25\n")
    assert jobs(project) == {"train": 1, "test": 1}


def test_times_do_not_count(project: Project) -> None:
    """Every file touched, in an order that no run would give."""
    for path in project.path(".").rglob("*"):
        if path.is_file() and path.name not in ("report.html", "verdict.txt"):
            os.utime(path, (1e9 + zlib.crc32(path.name.encode()) % 1000,) * 2)
    for card in project.path("data").glob("*/card.json"):
        card.touch()
    assert jobs(project) == {}


def test_a_fresh_checkout_splits_and_trains_nothing(project: Project) -> None:
    """It gives every script of the workflow the time of now."""
    for script in (project.folder / "workflow/scripts").iterdir():
        script.touch()
    assert jobs(project) == {}


def test_a_copied_folder_trains_nothing(project: Project) -> None:
    """Without times, and without what Snakemake knows of it."""
    metadata = project.folder / ".snakemake"
    aside = project.folder / "aside"
    metadata.rename(aside)
    copy = project.folder / "copy"
    shutil.copytree(project.path("."), copy, copy_function=shutil.copyfile)
    original = project.path(".").rename(project.folder / "original")
    copy.rename(project.path("."))
    try:
        assert jobs(project) == {}
        path = project.folder / "vaebench/strategies/cyclical.py"
        path.write_text(statement(path.read_text(encoding="utf-8")))
        assert jobs(project) == {"train": 1, "test": 1}, "an edit is seen without a record, too"
    finally:
        shutil.rmtree(project.path("."))
        original.rename(project.path("."))
        shutil.rmtree(metadata, ignore_errors=True)
        aside.rename(metadata)


def test_what_is_removed_from_a_finished_study_comes_back(project: Project) -> None:
    """A cell, as the advice about a damaged file asks for, or its test alone."""
    digits, planted = project.path("cells/digits/mlp"), project.path("cells/planted/mult-vae")
    before = {p: p.read_bytes() for p in project.path("cells").rglob("*") if p.is_file()}
    shutil.rmtree(digits / "cyclical/seed-0")
    (planted / "constant/seed-0/status.json").unlink()
    done = project.snakemake()
    assert done.returncode == 0, done.stdout + done.stderr
    after = {p: p.read_bytes() for p in project.path("cells").rglob("*") if p.is_file()}
    assert after == before
    assert jobs(project) == {}


def test_a_split_is_known_by_its_options_without_a_record(project: Project) -> None:
    """A folder that was copied without what Snakemake knows of it, and other options."""
    metadata = project.folder / ".snakemake"
    aside = metadata.rename(project.folder / "aside")
    planted = SMALL["datasets"]["planted"] | {"users": 200}
    project.write(SMALL | {"datasets": SMALL["datasets"] | {"planted": planted}})
    times = {path: path.stat().st_mtime for path in project.path("data/planted").iterdir()}
    try:
        assert jobs(project) == {"split": 1, "train": 2, "test": 2, "baseline": 1}
        assert "planted will be split again" in project.snakemake("--dry-run").stderr
    finally:
        for path, time in times.items():
            os.utime(path, (time, time))
        shutil.rmtree(metadata, ignore_errors=True)
        aside.rename(metadata)


def test_nothing_finished_is_removed_without_a_warning_and_a_way_back(project: Project) -> None:
    """An edit, the run after it, and the edit undone: the first result is back, bit for bit."""
    cell = CellFolder.parse(project.path("cells/digits/mlp/cyclical/seed-0"))
    before = {path.name: path.read_bytes() for path in cell.path.iterdir()}
    module = project.folder / "vaebench/strategies/cyclical.py"
    text = module.read_text(encoding="utf-8")
    module.write_text(statement(text))
    planned = project.snakemake("--dry-run")
    assert "of the finished cells 1 will be trained again, because " in planned.stderr
    assert "vaebench/strategies/cyclical.py changed" in planned.stderr
    assert project.snakemake().returncode == 0
    assert read_json(cell.file("training.json"))["started_at"] != 0
    assert cell.file("training.json").read_bytes() != before["training.json"]
    module.write_text(text)
    back = project.snakemake()
    assert back.returncode == 0, back.stdout + back.stderr
    assert {path.name: path.read_bytes() for path in cell.path.iterdir()} == before
    assert jobs(project) == {}
