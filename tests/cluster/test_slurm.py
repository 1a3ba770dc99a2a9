"""The workflow on a real Slurm with pretended GPUs.

Cells are packed; one pack is requeued, one cancelled after it has finished a cell; the tables are
those of a local run.
"""

import json
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.cluster.slurm import Cluster, missing, wait_for
from tests.test_workflow import STUDY, Project
from vaebench.cells.folder import FILES

SMALL: dict[str, Any] = STUDY | {
    "training": {
        "epochs": 60,
        "batch_size": 50,
        "device": "cpu",
        "checkpoint_minutes": 0.01,
    },
    "resources": {"gpu": 1, "memory_mb": 500, "runtime_minutes": 5},
    "datasets": {"digits": STUDY["datasets"]["digits"]},
    "strategies": {
        "constant": {"class": "constant.Constant"},
        "linear": {"class": "linear.Linear"},
    },
    "grid": [{"dataset": "digits", "model": "mlp", "strategies": ["constant", "linear"]}],
}
PACKS = 2
EXACT = [name for name in FILES if name.endswith((".safetensors", "config.json", "test.parquet"))]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    reason = missing()
    if reason:
        pytest.skip(reason)
    cluster = Cluster()
    try:
        try:
            cluster.start()
        except (TimeoutError, OSError) as error:
            pytest.skip(f"Slurm does not start here: {error}")
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The study as one machine computes it."""
    project = Project(tmp_path_factory.mktemp("local"))
    project.write(SMALL)
    done = project.snakemake()
    assert done.returncode == 0, done.stdout + done.stderr
    return project


@pytest.fixture(scope="module")
def ran(
    cluster: Cluster, local: Project, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Project, str, str]:
    """The study on the cluster, where one pack is requeued and another cancelled while they run.

    Project, terminal, and the controller's log. What the cancelled pack had finished by then is
    ``project.before``: the summary's path → its content.
    """
    assert local
    project = Project(tmp_path_factory.mktemp("cluster"))
    project.write(SMALL)
    run = cluster.snakemake(
        project.folder, "--configfile", "study.yaml", "--group-components", "cells=2"
    )

    def training() -> list[int]:
        """The packs, once each has a GPU and a cell with a checkpoint."""
        assert run.poll() is None, run.communicate()[0]
        begun = len(list(project.path("cells").glob("**/checkpoint.pt")))
        packs = [number for number, what in cluster.jobs("R").items() if "cells" in what]
        return packs if len(packs) == begun == PACKS else []

    def in_its_second_cell() -> dict[Path, bytes]:
        """What the other pack has finished, once it trains its last cell."""
        finished = list(project.path("cells").glob("*/*/*/*/status.json"))
        begun = len(list(project.path("cells").glob("**/checkpoint.pt")))
        both = len(finished) == 1 and begun == PACKS
        summaries = [status.with_name("summary.json") for status in finished]
        return {path: path.read_bytes() for path in summaries} if both else {}

    try:
        first, second = wait_for(training, 300)
        cluster.run("scontrol", "requeue", str(first))
        project.before = wait_for(in_its_second_cell)  # type: ignore[attr-defined]
        cluster.run("scancel", str(second))
        terminal, _ = run.communicate(timeout=600)
    finally:
        if run.poll() is None:
            run.send_signal(signal.SIGINT)
            run.communicate()
    logs = "".join(f.read_text() for f in project.folder.glob(".snakemake/slurm_logs/**/*.log"))
    assert run.returncode == 0, terminal + logs + cluster.history()
    return project, terminal, cluster.history()


def test_the_tables_are_those_of_a_local_run(ran: tuple[Project, str, str], local: Project) -> None:
    project = ran[0]
    for name in ("results.csv", "results.md", "results.tex"):
        one, two = (p.path(f"tables/{name}").read_bytes() for p in (project, local))
        assert one == two, name
    cells = [
        pd.read_csv(p.path("tables/cells.csv")).drop(columns="seconds") for p in (project, local)
    ]
    pd.testing.assert_frame_equal(*cells, check_exact=True)
    assert len(cells[0]) == 2 * PACKS
    for folder in project.path("cells").glob("*/*/*/*"):
        twin = local.path("cells") / folder.relative_to(project.path("cells"))
        for name in EXACT:
            assert (folder / name).read_bytes() == (twin / name).read_bytes(), f"{folder}/{name}"


def test_the_study_is_whole_and_nothing_would_run_again(ran: tuple[Project, str, str]) -> None:
    project = ran[0]
    assert project.path("verdict.txt").read_text().startswith(f"all {2 * PACKS} cells finished\n")
    assert len(json.loads(project.path("tracking.json").read_text())) == 2 * PACKS + 2 + 1
    rules, _ = project.would_run()
    assert not rules


def test_one_job_was_requeued_and_one_cancelled(ran: tuple[Project, str, str]) -> None:
    _, terminal, history = ran
    assert re.search(r"requeue JobId=\d+|Requeu\w+ JobId=\d+", history, re.IGNORECASE), history
    submitted = len(re.findall(r"_slurm_rpc_submit_batch_job", history))
    # the split, the packs, the analysis, the published numbers; the cancelled pack a second time,
    # the requeued one not
    assert submitted == 1 + PACKS + 1 + 1 + 1, terminal


def test_the_finished_cell_of_the_cancelled_pack_is_not_trained_again(
    ran: tuple[Project, str, str],
) -> None:
    project, terminal, _ = ran
    assert "Removing output files of failed job" in terminal
    before: dict[Path, bytes] = project.before  # type: ignore[attr-defined]
    assert {path: path.read_bytes() for path in before} == before
    kept = [path for path in project.path(".kept").rglob("*") if path.is_file()]
    assert kept
    assert {path.stat().st_nlink for path in kept} == {2}, "second names, and no copies"


def test_interrupted_cells_went_on_from_their_checkpoints(ran: tuple[Project, str, str]) -> None:
    """To the same bytes, as the first test says, and no checkpoint stays behind."""
    cells = ran[0].path("cells")
    summaries = [json.loads(file.read_text()) for file in cells.glob("*/*/*/*/summary.json")]
    assert sum(summary["resumed"] for summary in summaries) == PACKS
    assert not list(cells.glob("**/checkpoint.pt"))


def test_cells_of_a_pack_follow_one_another_on_one_gpu(ran: tuple[Project, str, str]) -> None:
    """So a pack asks for one GPU, and never more packs ran than there are GPUs."""
    spans = []
    for file in ran[0].path("cells").glob("*/*/*/*/summary.json"):
        summary = json.loads(file.read_text())
        spans.append((summary["started_at"], summary["started_at"] + summary["seconds"]))
    for moment, _ in spans:
        assert sum(start <= moment < end for start, end in spans) <= PACKS
