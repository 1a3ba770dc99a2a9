"""What goes wrong around a study: real processes, real signals, real file systems."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.test_workflow import STUDY, Project
from tests.trained import run
from vaebench.cells.folder import FILES, TRAINED
from vaebench.study.plan import Plan

STRATEGIES = ["constant", "cyclical"]
LONG: dict[str, Any] = STUDY | {
    "training": {"epochs": 200, "batch_size": 50, "device": "cpu"},
    "datasets": {"digits": STUDY["datasets"]["digits"]},
    "strategies": {name: STUDY["strategies"][name] for name in STRATEGIES},
    "grid": [{"dataset": "digits", "model": "mlp", "strategies": STRATEGIES}],
    "tracking": {"enabled": False},
}
EXACT = ("config.json", "best.safetensors", "last.safetensors", "test.parquet")


def start(project: Project, *arguments: str) -> subprocess.Popen[str]:
    """Snakemake in a process group of its own, as a terminal starts it."""
    command = [sys.executable, "-m", "snakemake", *arguments, "--cores", "2"]
    return subprocess.Popen(
        [*command, "--configfile", "study.yaml"],
        cwd=project.folder,
        env=os.environ | {"PYTHONPATH": str(project.folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def cells(project: Project) -> list[Path]:
    """The folders of finished cells."""
    return [file.parent for file in project.path("cells").glob("*/*/*/*/status.json")]


def training(project: Project) -> list[Path]:
    """The logs of cells that have begun and are not finished."""
    logs, folders = project.path("logs/cells"), project.path("cells")
    found = logs.glob("*/*/*/*/train.log")
    begun = {log: folders / log.parent.relative_to(logs) for log in found}
    return [log for log, folder in begun.items() if not (folder / "training.json").exists()]


def wait_until(condition: Any, process: subprocess.Popen[str]) -> None:
    """Until ``condition()`` holds, while ``process`` lives."""
    end = time.monotonic() + 300
    while not condition():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < end
        time.sleep(0.1)


def writers(logs: list[Path]) -> list[int]:
    """The processes that have one of these files open."""
    wanted, found = {log.resolve() for log in logs}, []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has just ended
            if any(file.readlink() in wanted for file in (process / "fd").iterdir()):
                found.append(int(process.name))
    return found


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A run of which one cell is killed, beside which a second run is tried, and then Ctrl-C."""
    project = Project(tmp_path_factory.mktemp("project"))
    project.write(LONG)
    first = start(project)
    wait_until(lambda: writers(training(project)), first)
    os.kill(writers(training(project))[0], signal.SIGKILL)
    wait_until(lambda: cells(project) and writers(training(project)), first)

    # cells that stand still cannot end before the second run has been tried
    held = writers(training(project))
    for process in held:
        os.kill(process, signal.SIGSTOP)
    try:
        second = project.snakemake()
        assert second.returncode != 0
        assert "Directory cannot be locked" in second.stdout + second.stderr
        assert first.poll() is None, "the second run must not disturb the first"
    finally:
        for process in held:
            os.kill(process, signal.SIGCONT)

    os.killpg(first.pid, signal.SIGINT)
    project.terminal, _ = first.communicate(timeout=120)  # type: ignore[attr-defined]
    assert first.returncode != 0
    return project


def test_no_cell_is_half_believed(interrupted: Project) -> None:
    for folder in interrupted.path("cells").glob("*/*/*/seed-*"):
        names = {path.name for path in folder.iterdir()}
        assert ("training.json" in names) <= (set(TRAINED) <= names)
        assert ("status.json" in names) <= (set(FILES) <= names)
        assert names <= {*FILES, "checkpoint.pt", "live.jsonl"}
    assert 0 < len(cells(interrupted)) < 4


def test_the_terminal_says_how_to_see_what_there_is(interrupted: Project) -> None:
    terminal: str = interrupted.terminal  # type: ignore[attr-defined]
    missing = 4 - len(cells(interrupted))
    assert f"vaebench: {missing} of 4 cells have no result" in terminal
    assert "--config finished_only=true" in terminal


def test_the_tables_of_the_finished_list_the_others(interrupted: Project) -> None:
    finished = {"/".join(cell.parts[-4:]) for cell in cells(interrupted)}
    done = interrupted.snakemake("tables", "--config", "finished_only=true")
    assert done.returncode == 0, done.stderr
    results = interrupted.path("tables/results.md").read_text(encoding="utf-8")
    reasons = "killed, or still running; its log is |told to stop|not started"
    listed = re.findall(rf"(\S+): missing: (?:{reasons})", results)
    assert len(listed) == 4 - len(finished)
    assert not set(listed) & finished
    rows = pd.read_csv(interrupted.path("tables/cells.csv"))
    assert (rows["status"] == "done").sum() == len(finished)
    assert {"/".join(cell.parts[-4:]) for cell in cells(interrupted)} == finished


def test_a_restart_trains_what_is_missing_and_all_is_exact(
    interrupted: Project, tmp_path: Path
) -> None:
    """After the two tests above, which train nothing."""
    finished = cells(interrupted)
    before = {cell: (cell / "summary.json").read_bytes() for cell in finished}
    again = interrupted.snakemake()
    assert again.returncode == 0, again.stdout + again.stderr
    assert interrupted.path("verdict.txt").read_text().startswith("all 4 cells finished\n")
    kept = {cell: (cell / "summary.json").read_bytes() for cell in finished}
    assert kept == before, "a finished cell is not trained again"
    for path, cell in Plan(LONG).cells.items():
        found = interrupted.path("cells") / path
        if found not in finished:
            run(cell.spec, interrupted.path("data/digits"), tmp_path / path)
            for name in EXACT:
                assert (found / name).read_bytes() == (tmp_path / path / name).read_bytes(), name
