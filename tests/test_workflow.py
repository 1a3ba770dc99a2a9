"""The real workflow on a small study, in a copy of the project: run once, then edited.

Every question "what would run now?" is a dry run of the real Snakemake.
"""

import contextlib
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tarfile
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import pytest
import yaml

from vaebench.captions import FIGURES
from vaebench.sharing import archive, sync

ROOT = Path(__file__).parents[1]
PARTS = (
    "CITATION.cff",
    "Snakefile",
    "config.yaml",
    "environment.yml",
    "profiles",
    "workflow",
    "vaebench",
    "configs",
)

STUDY: dict[str, Any] = {
    "name": "small",
    "seeds": 2,
    "control": "constant",
    "training": {"epochs": 2, "batch_size": 100, "device": "cpu"},
    "datasets": {
        "planted": {
            "class": "planted.Planted",
            "users": 150,
            "items": 110,
            "latents": 2,
            "importance_samples": 5,
            "split": {"min_items_per_user": 0, "validation_users": 20, "test_users": 30},
        },
        "digits": {"class": "digits.Digits"},
    },
    "models": {
        "mult-vae": {"class": "mult_vae.MultVAE", "hidden": 8, "latents": 2},
        "mlp": {"class": "bernoulli_mlp.BernoulliMLP", "hidden": [8], "latents": 2},
    },
    "strategies": {
        "constant": {"class": "constant.Constant"},
        "cyclical": {"class": "cyclical.Cyclical"},
        "user-scaled": {"class": "user_scaled.UserScaled"},
    },
    "grid": [
        {
            "dataset": "planted",
            "model": "mult-vae",
            "strategies": ["constant", "user-scaled"],
        },
        {"dataset": "digits", "model": "mlp", "strategies": ["constant", "cyclical"]},
    ],
}


class Project:
    """A copy of the project with a study of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for part in PARTS:
            if (ROOT / part).is_dir():
                ignore = shutil.ignore_patterns("__pycache__")
                shutil.copytree(ROOT / part, folder / part, ignore=ignore)
            else:
                shutil.copy2(ROOT / part, folder / part)
        self.write(STUDY)

    def write(self, study: dict[str, Any]) -> None:
        """Make ``study`` the study."""
        (self.folder / "study.yaml").write_text(yaml.safe_dump(study), encoding="utf-8")

    def snakemake(
        self, *arguments: str, file: str = "study.yaml"
    ) -> subprocess.CompletedProcess[str]:
        """Run the real Snakemake in the copy."""
        command = [
            sys.executable,
            "-m",
            "snakemake",
            *arguments,
            "--cores",
            "2",
            "--configfile",
            file,
        ]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("MLFLOW")}
        return subprocess.run(
            command,
            cwd=self.folder,
            env=environment | {"PYTHONPATH": str(self.folder)},
            capture_output=True,
            text=True,
            check=False,
        )

    def would_run(self) -> tuple[Counter[str], set[str]]:
        """Rule → number of jobs, and the (data set, strategy, seed) of the cells, by a dry run."""
        done = self.snakemake("--dry-run", "--quiet", "host")
        text = done.stdout + done.stderr
        assert done.returncode == 0, text
        rules = Counter(re.findall(r"^(?:local)?rule (\w+):", text, re.MULTILINE))
        cells = re.findall(r"^\s+output: \S*/cells/(\S+)/config\.json", text, re.MULTILINE)
        return rules, set(cells)

    def path(self, name: str) -> Path:
        """A result of the study."""
        return self.folder / "results/small" / name


STARTED = """
import sys
with open({!r}, "a", encoding="utf-8") as file:
    print(*sys.orig_argv[1:], file=file)
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The small study, run to its end."""
    project = Project(tmp_path_factory.mktemp("project"))
    started = project.folder / "sitecustomize.py"  # read by every Python that starts cold
    started.write_text(STARTED.format(str(project.folder / "started.txt")), encoding="utf-8")
    done = project.snakemake("--verbose")
    assert done.returncode == 0, done.stdout + done.stderr
    started.unlink()
    project.terminal = done.stdout + done.stderr  # type: ignore[attr-defined]
    return project


@pytest.fixture
def project(finished: Project) -> Project:
    """The finished project; what a test edits is put back, so that the next dry run is clean."""
    kept = {
        path: path.read_bytes()
        for part in ("vaebench", "study.yaml")
        for path in (
            [finished.folder / part] if "." in part else (finished.folder / part).rglob("*.py")
        )
    }
    yield finished  # type: ignore[misc]
    for path, content in kept.items():
        if not path.exists() or path.read_bytes() != content:
            path.write_bytes(content)


ALL_CYCLICAL = {f"digits/mlp/cyclical/seed-{seed}" for seed in (0, 1)}
MIRRORED = 8 + 4 + 1
"""Cells, what stands above the seeds of a strategy, and the study."""
AFTER = {"tables", "published", "figures", "report", "seal", "verdict", "all"}
AFTER |= {"track", "track_cells"}


def append(path: Path, text: str = "\nEDITED = True\n") -> None:
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


def test_the_study_ends_with_everything_promised(finished: Project) -> None:
    names = ["report.html", "verdict.txt", "tracking.json"]
    names += [f"tables/{n}" for n in ("cells.csv", "results.csv", "results.md", "results.tex")]
    names += ["paper/paper.tex", "paper/numbers.tex", "tables/tables.tex"]
    for figure in FIGURES:
        names += [f"figures/{figure}.pdf", f"figures/{figure}.png"]
    assert not [name for name in names if not finished.path(name).stat().st_size]
    cells = pd.read_csv(finished.path("tables/cells.csv"))
    assert len(cells) == 8
    assert (cells["status"] == "done").all()
    runs = json.loads(finished.path("tracking.json").read_text())
    assert len(runs) == MIRRORED


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux is safe to fork")
def test_no_job_imports_anything_anew(finished: Project) -> None:
    """Snakemake starts, the server of which every job is a fork, and what follows the tracker."""
    lines = (finished.folder / "started.txt").read_text(encoding="utf-8").splitlines()
    expected = ("-m snakemake", "-m vaebench.machine.warm", "-m vaebench.sharing.sync --follow")
    assert len(lines) == len(expected), lines
    assert all(any(line.startswith(each) for line in lines) for each in expected), lines


def test_ready_jobs_are_looked_at_once_a_job(finished: Project) -> None:
    """Snakemake by itself looks again a second after each look, in ever more rows."""
    log = min((finished.folder / ".snakemake/log").iterdir()).read_text(encoding="utf-8")
    looks, ended = log.count("Ready jobs: "), log.count("Finished jobid: ")
    assert ended > 20
    assert looks <= ended + 2


def test_the_terminal_counts_the_cells(finished: Project) -> None:
    seen = re.findall(r"\[(\d+)/8 cells", finished.terminal)  # type: ignore[attr-defined]
    assert len(seen) == 8
    assert seen[-1] == "8"


def test_strategies_of_a_seed_start_alike(finished: Project) -> None:
    cells = pd.read_csv(finished.path("tables/cells.csv"))
    for _, rows in cells.groupby(["dataset", "seed"]):
        assert len(set(rows["first_distortion"])) == 1
        assert len(set(rows["first_rate"])) == 1


def test_a_mere_touch_runs_nothing(project: Project) -> None:
    (project.folder / "vaebench/strategies/cyclical.py").touch()
    assert project.would_run() == (Counter(), set())


def test_editing_a_strategy_reruns_its_cells_alone(project: Project) -> None:
    append(project.folder / "vaebench/strategies/cyclical.py")
    rules, cells = project.would_run()
    assert cells == ALL_CYCLICAL
    assert set(rules) == AFTER | {"train", "test"}


def test_editing_the_loop_reruns_all_cells_and_no_split(project: Project) -> None:
    append(project.folder / "vaebench/training/loop.py")
    rules, cells = project.would_run()
    assert len(cells) == 8
    assert "split" not in rules


def test_editing_a_plot_trains_nothing(project: Project) -> None:
    append(project.folder / "vaebench/plots/training.py")
    rules, cells = project.would_run()
    assert not cells
    assert set(rules) == AFTER - {"tables", "published"}


def test_changing_one_option_reruns_its_cells_alone(project: Project) -> None:
    study = json.loads(json.dumps(STUDY))
    study["strategies"]["cyclical"]["cycles"] = 2
    project.write(study)
    assert project.would_run()[1] == ALL_CYCLICAL


def test_a_new_seed_trains_only_what_is_new(project: Project) -> None:
    project.write(STUDY | {"seeds": 3})
    rules, cells = project.would_run()
    assert len(cells) == 4
    assert {cell.rpartition("/")[2] for cell in cells} == {"seed-2"}
    assert "split" not in rules


def test_new_strategies_and_data_train_only_what_is_new(project: Project) -> None:
    """One strategy added, one data set added, one strategy removed: three edits, one dry run."""
    study = json.loads(json.dumps(STUDY))
    study["strategies"]["linear"] = {"class": "linear.Linear"}
    study["grid"][0]["strategies"].remove("user-scaled")
    study["grid"][1]["strategies"].append("linear")
    study["datasets"]["digits-2"] = {"class": "digits.Digits", "seed": 2}
    study["grid"].append({"dataset": "digits-2", "model": "mlp", "strategies": ["constant"]})
    project.write(study)
    rules, cells = project.would_run()
    new = ("digits/mlp/linear", "digits-2/mlp/constant")
    assert cells == {f"{name}/seed-{seed}" for name in new for seed in (0, 1)}
    assert rules["split"] == 1
    assert rules["tables"] == 1


def test_a_misspelt_option_stops_before_any_job(project: Project) -> None:
    study = json.loads(json.dumps(STUDY))
    study["strategies"]["cyclical"]["cycels"] = 2
    project.write(study)
    done = project.snakemake()
    assert done.returncode != 0
    assert "strategies.cyclical.cycels: unknown key; allowed: cap, cycles" in done.stderr
    assert "Traceback" not in done.stderr
    assert "rule cell" not in done.stdout + done.stderr


def test_the_default_study_does_not_leak_into_another(project: Project) -> None:
    study = {key: value for key, value in STUDY.items() if key != "models"}
    project.write(study)
    done = project.snakemake("--dry-run")
    assert done.returncode != 0
    assert "models: missing" in done.stdout + done.stderr


def test_the_paper_study_plans_anywhere(project: Project) -> None:
    done = project.snakemake("--dry-run", "--quiet", "rules", file="configs/paper.yaml")
    assert done.returncode == 0, done.stderr


def test_a_cell_outside_the_grid_runs_by_its_path(project: Project) -> None:
    target = "results/small/cells/digits/mlp/cyclical/seed-41/status.json"
    done = project.snakemake(target)
    assert done.returncode == 0, done.stderr
    assert json.loads((project.folder / target).read_text())["status"] == "done"


def test_a_failed_cell_is_listed_and_the_study_says_so(tmp_path: Path) -> None:
    """NaN in one strategy: all other cells and the tables are there, the exit is not 0."""
    project = Project(tmp_path)
    study = json.loads(json.dumps(STUDY))
    study |= {"seeds": 1, "control": "cyclical"}
    good, bad = study["grid"][1] | {"strategies": ["cyclical"]}, study["grid"][1].copy()
    bad |= {"strategies": ["constant"], "training": {"learning_rate": 1e30}}
    study["grid"] = [good, bad]
    project.write(study)
    done = project.snakemake()
    assert done.returncode != 0
    assert "vaebench: 1 of 2 cells failed; see results/small/report.html" in done.stderr
    results = project.path("tables/results.md").read_text(encoding="utf-8")
    assert "digits/mlp/constant/seed-0: diverged: training diverged in epoch" in results
    table = pd.read_csv(project.path("tables/results.csv"))
    counts = table.drop_duplicates("strategy").set_index("strategy")[["seeds", "failed"]]
    assert counts.T.to_dict("list") == {"cyclical": [1, 0], "constant": [0, 1]}
    assert "diverged" in project.path("report.html").read_text(encoding="utf-8")
    assert len(json.loads(project.path("tracking.json").read_text())) == 5, "cells, groups, study"


def test_bad_data_stop_with_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ratings table without the named column, and a damaged archive; before any job."""
    monkeypatch.delenv("VAEBENCH_RAW", raising=False)  # it overrules local_files
    project = Project(tmp_path)
    (tmp_path / "mine.csv").write_text("user,film,stars\n1,2,5\n")
    (tmp_path / "ml-100k.zip").write_bytes(b"PK\x03\x04 cut off")
    study = json.loads(json.dumps(STUDY))
    study["local_files"] = "."
    split = {"validation_users": 1, "test_users": 1}
    table = {"path": "mine.csv", "user": "user", "item": "movie", "split": split}
    study["datasets"] = {
        "mine": {"class": "ratings_table.RatingsTable", **table},
        "ml-100k": {"class": "movielens.MovieLens", "release": "ml-100k", "split": split},
    }
    for name, says in (
        ("mine", r"datasets.mine: mine.csv: there is no column 'movie'; it has user, film, stars"),
        ("ml-100k", r"datasets.ml-100k: \S*ml-100k.zip: sha256 checksum is \w+; allowed: 50d2"),
    ):
        study["grid"] = [{"dataset": name, "model": "mult-vae", "strategies": ["constant"]}]
        project.write(study)
        done = project.snakemake()
        assert done.returncode != 0
        assert re.search(says, done.stdout + done.stderr)
        assert "Traceback" not in done.stdout + done.stderr
    assert not list(tmp_path.glob("results/small/cells/**/*.json"))
    assert not list(tmp_path.glob("results/small/data/**/card.json"))


def verify(path: Path) -> subprocess.CompletedProcess[str]:
    return call("verify", path)


def call(module: str, path: Path, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "vaebench", module, str(path)]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MLFLOW")}
    environment |= {"PYTHONPATH": str(folder)}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_a_study_is_packed_alike_twice_and_verifies(finished: Project, tmp_path: Path) -> None:
    """From the folder and, on another place of the disk, from the archive."""
    content = []
    for _ in range(2):
        done = call("archive", Path("study.yaml"), finished.folder)
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip() == str(finished.path("").parent / "small.tar.gz")
        content.append(Path(done.stdout.strip()).read_bytes())
    assert content[0] == content[1]
    sent = tmp_path / "sent.tar.gz"
    sent.write_bytes(content[0])
    with tarfile.open(sent) as opened:
        names = set(opened.getnames())
        manifest = json.load(opened.extractfile("small/MANIFEST.json"))  # type: ignore[arg-type]
    assert {
        "small/study.json",
        "small/seal.json",
        "small/report.html",
        "small/code/vaebench/cells/vae.py",
    } <= names
    assert not {name for name in names if name.endswith((".npz", ".npy", "raw.json"))}, "raw data"
    assert {"commit", "dirty", "versions", "machine", "files"} <= set(manifest)
    done = verify(sent)
    assert (done.returncode, done.stderr) == (0, "")
    said = done.stdout.splitlines()
    assert said[0] == f"{sent}: agrees (digests and recomputed tables; NOT rescored)"
    assert "  checked: 8 cells: specification, means, selected epoch" in said
    assert any(line.startswith("  not checked: test values against the weights") for line in said)


def test_mlflow_is_brought_up_to_date_from_the_folder_alone(finished: Project) -> None:
    """After all is mirrored there is nothing to do; without the database it is made anew."""
    before = finished.path("tracking.json").read_text()
    database = finished.path("").parent / "mlflow.db"
    (finished.path("tables") / ".results.md.a1b2c3d4.part.md").write_text("of a killed write")
    for made_anew in (False, True):
        content = database.read_bytes()
        if made_anew:
            database.unlink()
        done = call("sync", Path("results/small"), finished.folder)
        assert done.returncode == 0, done.stderr
        assert done.stdout == f"results/small: {MIRRORED} runs are up to date\n"
        # the rule and the command line list the same documents
        assert made_anew or database.read_bytes() == content
    assert finished.path("tracking.json").read_text() == before
    with contextlib.closing(sqlite3.connect(database)) as opened:
        active = "SELECT count(*) FROM runs WHERE lifecycle_stage = 'active'"
        assert opened.execute(active).fetchone() == (MIRRORED,)
        notes = "SELECT value FROM experiment_tags WHERE key = 'mlflow.note.content'"
        said = [note for (note,) in opened.execute(notes)]
    assert len(said) == 3
    verdict = finished.path("verdict.txt").read_text().splitlines()[1:]
    for note in said:
        assert "**Question.** How should the weight β" in note
    assert sum(verdict[0] in note for note in said) == 2, "in the study's, and in its data set's"


@pytest.mark.parametrize("module", [archive, sync])
def test_a_folder_that_is_no_study_is_said(module: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as ended:
        module.main([str(tmp_path)])
    assert ended.value.code == (
        f"vaebench: {tmp_path}: there is no study.json in it; allowed: a study, results/NAME"
    )


def test_a_server_that_is_down_stops_nothing_but_its_mirror(project: Project) -> None:
    """The last test of this file: it leaves the study without its mirror."""
    before = {path: path.read_bytes() for path in project.path("tables").iterdir()}
    project.write(STUDY | {"tracking": {"uri": "http://127.0.0.1:9"}})  # nobody answers there
    done = project.snakemake("--quiet", "host")
    assert done.returncode != 0
    assert "vaebench: MLflow at http://127.0.0.1:9: " in done.stderr
    assert "python -m vaebench sync " in done.stderr
    assert "rule cell" not in done.stdout + done.stderr
    assert {path: path.read_bytes() for path in project.path("tables").iterdir()} == before
    assert project.path("report.html").exists()
