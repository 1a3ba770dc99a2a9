"""Finished cells of a lost pack; tests/cluster loses a real one."""

import json
import os
import signal
from pathlib import Path

import pytest

from tests.test_faults import LONG, cells, start, training, wait_until, writers
from tests.test_workflow import Project
from vaebench import kept
from vaebench.words import FILES

STAMP = "of these options"


def lose(cell: Path) -> None:
    """As Snakemake does with all cells of a pack of which one failed."""
    for name in FILES:
        (cell / name).unlink()
    cell.rmdir()


def test_a_finished_cell_outlives_its_pack(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.write(LONG | {"seeds": 1})
    run = start(project)
    wait_until(lambda: len(writers(training(project))) == 2, run)
    slow = writers(training(project))[0]
    os.kill(slow, signal.SIGSTOP)
    wait_until(lambda: cells(project), run)
    (finished,) = cells(project)
    before = {name: (finished / name).read_bytes() for name in FILES}
    os.kill(slow, signal.SIGKILL)
    run.communicate(timeout=120)
    assert run.returncode != 0
    lose(finished)  # a run on one machine has no packs

    again = project.snakemake()
    assert again.returncode == 0, again.stdout + again.stderr
    assert {name: (finished / name).read_bytes() for name in FILES} == before
    assert project.path("verdict.txt").read_text() == "all 2 cells finished\n"
    assert not list(project.path(".").rglob(kept.KEPT)), "a study with a verdict keeps no copies"
    rules, _ = project.would_run()
    assert not rules


@pytest.fixture
def cell(tmp_path: Path) -> Path:
    """The files of a finished cell."""
    cell = tmp_path / "study/cells/data/model/strategy/seed-0"
    cell.mkdir(parents=True)
    for name in FILES:
        (cell / name).write_text(json.dumps({"file": name}))
    return cell


def test_kept_files_take_no_bytes_and_come_back(cell: Path) -> None:
    kept.keep(cell, STAMP)
    assert {(cell / name).stat().st_nlink for name in FILES} == {2}
    lose(cell)
    result = kept.restore(cell, STAMP)
    assert result == {"file": "status.json"}
    assert {(cell / name).stat().st_nlink for name in FILES} == {2}
    for name in FILES:
        assert json.loads((cell / name).read_text()) == {"file": name}


def test_another_stamp_brings_nothing_back(cell: Path) -> None:
    kept.keep(cell, STAMP)
    lose(cell)
    assert kept.restore(cell, "of others") is None
    assert not cell.exists()


def test_a_later_training_replaces_what_was_kept(cell: Path) -> None:
    kept.keep(cell, STAMP)
    (cell / "status.json").unlink()
    (cell / "status.json").write_text('{"file": "later"}')
    kept.keep(cell, "of others")
    assert kept.restore(cell, STAMP) is None
    assert kept.restore(cell, "of others") == {"file": "later"}


def test_a_half_kept_cell_is_none(cell: Path) -> None:
    (cell / FILES[-1]).unlink()
    kept.keep(cell, STAMP)
    assert kept.restore(cell, STAMP) is None


def test_without_hard_links_nothing_is_kept(
    cell: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def link(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")  # as vfat answers

    monkeypatch.setattr(os, "link", link)
    with caplog.at_level("INFO"):
        kept.keep(cell, STAMP)
    assert "not kept for a lost pack ([Errno 1] Operation not permitted)" in caplog.text
    assert kept.restore(cell, STAMP) is None


def test_a_full_disk_does_not_lose_a_finished_cell(
    cell: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def replace(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", replace)
    with caplog.at_level("INFO"):
        kept.keep(cell, STAMP)
    assert "No space left on device" in caplog.text
    assert kept.restore(cell, STAMP) is None
    assert {path.name for path in cell.iterdir()} == set(FILES)
