"""The way back to what cells have finished; tests/cluster loses a real pack."""

import json
import os
import signal
from pathlib import Path

import pytest

from tests.test_faults import LONG, cells, start, training, wait_until, writers
from tests.test_workflow import Project
from vaebench.cells import kept
from vaebench.cells.files import seal
from vaebench.cells.folder import FILES, TESTED, TRAINED, CellFolder

STAMP = {"code": "of these options"}
OTHER = {"code": "of others"}


def lose(cell: CellFolder) -> None:
    """As Snakemake does with all cells of a pack of which one failed."""
    for name in FILES:
        cell.file(name).unlink(missing_ok=True)
    cell.path.rmdir()


def contents(cell: CellFolder) -> dict[str, bytes]:
    return {name: cell.file(name).read_bytes() for name in FILES}


def test_a_finished_cell_outlives_its_pack(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.write(LONG | {"seeds": 1})
    run = start(project)
    wait_until(lambda: len(writers(training(project))) == 2, run)
    slow = writers(training(project))[0]
    os.kill(slow, signal.SIGSTOP)
    wait_until(lambda: cells(project), run)
    (finished,) = map(CellFolder.parse, cells(project))
    before = contents(finished)
    os.kill(slow, signal.SIGKILL)
    run.communicate(timeout=120)
    assert run.returncode != 0
    lose(finished)  # a run on one machine has no packs

    again = project.snakemake()
    assert again.returncode == 0, again.stdout + again.stderr
    assert contents(finished) == before
    assert project.path("verdict.txt").read_text().startswith("all 2 cells finished\n")
    rules, _ = project.would_run()
    assert not rules


@pytest.fixture
def cell(tmp_path: Path) -> CellFolder:
    """A finished cell."""
    cell = CellFolder(tmp_path / "study", "data", "model", "strategy", 0)
    make(cell, "first")
    return cell


def make(cell: CellFolder, content: str) -> None:
    cell.path.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        cell.file(name).unlink(missing_ok=True)
    for name in set(FILES) - {TRAINED[-1], TESTED[-1]}:
        cell.file(name).write_text(f"{content} {name}")
    for name in (TRAINED[-1], TESTED[-1]):
        seal(cell.path, name, {"status": content})


@pytest.mark.parametrize("files", [TRAINED, TESTED, FILES], ids=["train", "test", "baseline"])
def test_kept_files_take_no_bytes_and_come_back(cell: CellFolder, files: tuple[str, ...]) -> None:
    before = contents(cell)
    kept.keep(cell, files, STAMP)
    assert {cell.file(name).stat().st_nlink for name in files} == {2}
    for name in files:
        cell.file(name).unlink()
    assert kept.restore(cell, files, STAMP)
    assert {cell.file(name).stat().st_nlink for name in files} == {2}
    assert contents(cell) == before


def test_another_stamp_brings_nothing_back(cell: CellFolder) -> None:
    kept.keep(cell, TRAINED, STAMP)
    lose(cell)
    assert not kept.restore(cell, TRAINED, OTHER)
    assert not cell.path.exists()


def test_the_way_back_from_an_edit(cell: CellFolder) -> None:
    """The result of before and the one of after are both there; a third replaces the oldest."""
    kept.keep(cell, TRAINED, STAMP)
    make(cell, "later")
    kept.keep(cell, TRAINED, OTHER)
    lose(cell)
    assert kept.restore(cell, TRAINED, STAMP)
    assert json.loads(cell.file("training.json").read_text())["status"] == "first"
    assert kept.restore(cell, TRAINED, OTHER)
    assert json.loads(cell.file("training.json").read_text())["status"] == "later"
    make(cell, "third")
    kept.keep(cell, TRAINED, {"code": "third"})
    assert len(kept.generations(cell)) == kept.LATEST
    assert not kept.restore(cell, TRAINED, STAMP)


@pytest.mark.parametrize("damage", [b"", b"flipped"])
@pytest.mark.parametrize("name", ["best.safetensors", "trace.parquet"])
def test_a_damaged_file_does_not_come_back(
    cell: CellFolder, name: str, damage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """The second name is a hard link: damage to one is damage to both."""
    kept.keep(cell, TRAINED, STAMP)
    cell.file(name).write_bytes(damage)
    lose(cell)
    assert not kept.restore(cell, TRAINED, STAMP)
    assert f"{name}: not the file that was sealed; it is made again" in caplog.text
    assert not kept.generations(cell)


def test_a_damaged_seal_does_not_come_back(cell: CellFolder) -> None:
    for damage in ("", "[]", '{"files": {}}', '{"files": null}'):
        make(cell, "first")
        kept.keep(cell, TRAINED, STAMP)
        cell.file(TRAINED[-1]).write_text(damage)
        assert not kept.restore(cell, TRAINED, STAMP)


def test_a_half_kept_cell_is_none(cell: CellFolder) -> None:
    cell.file(TRAINED[-1]).unlink()
    kept.keep(cell, TRAINED, STAMP)
    assert not kept.restore(cell, TRAINED, STAMP)
    assert not kept.generations(cell)


def test_without_hard_links_nothing_is_kept(
    cell: CellFolder, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def link(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")  # as vfat answers

    before = contents(cell)
    monkeypatch.setattr(os, "link", link)
    with caplog.at_level("INFO"):
        kept.keep(cell, TRAINED, STAMP)
    assert "no second name ([Errno 1] Operation not permitted)" in caplog.text
    assert not kept.restore(cell, TRAINED, STAMP)
    assert contents(cell) == before
