"""Locks between real processes."""

import fcntl
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from vaebench.errors import DataError
from vaebench.machine import leases
from vaebench.machine.leases import alone, give, one_of, take

HOLD = """
import sys, time
from pathlib import Path
from vaebench.machine.leases import one_of
with one_of([Path(sys.argv[1])]):
    print("held", flush=True)
    time.sleep(60)
"""


def _count(lock: Path, counter: Path, times: int) -> None:
    """Read, pause, write back one more: two at once would lose a count."""
    leases.POLL = 0.001
    for _ in range(times):
        with one_of([lock]):
            value = int(counter.read_text())
            time.sleep(0.0005)
            counter.write_text(str(value + 1))


def test_processes_never_hold_the_same_lock(tmp_path: Path) -> None:
    """Also while the file of the lock comes and goes."""
    lock, counter = tmp_path / "lock", tmp_path / "counter"
    counter.write_text("0")
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_count, args=(lock, counter, 50)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    assert counter.read_text() == "200"
    assert not lock.exists()


def test_a_killed_holder_frees_its_lock(tmp_path: Path) -> None:
    lock = tmp_path / "new/folder/lock"
    holder = subprocess.Popen([sys.executable, "-c", HOLD, lock], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    assert take(lock) is None
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    file = take(lock)
    assert file is not None
    give(file, lock)
    assert not lock.exists()


def test_waiting_is_said_once_and_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "POLL", 0.01)
    lock = tmp_path / "lock"
    held = take(lock)
    assert held is not None
    said = []

    def waiting() -> None:
        said.append("waiting")
        give(held, lock)

    with one_of([lock], waiting) as path:
        assert path == lock
    assert said == ["waiting"]


def test_a_lock_on_a_file_that_is_gone_is_no_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The holder before removed the file after we opened it and before we locked it."""
    lock, real, removed = tmp_path / "lock", fcntl.flock, []

    def slow(file: int, operation: int) -> None:
        if not removed:
            lock.unlink()
            removed.append(file)
        real(file, operation)

    monkeypatch.setattr(fcntl, "flock", slow)
    file = take(lock)
    assert file is not None
    assert removed
    assert os.path.samestat(os.fstat(file), lock.stat())
    give(file, lock)


def test_a_file_system_without_locks_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with one_of([tmp_path / "lock"]):
        pass
    assert "no locks here" in caplog.text


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"cannot lock .*file/a: "), one_of([tmp_path / "file/a"]):
        pass


def test_a_cell_is_trained_by_one_process_at_a_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two threads stand for two processes: flock belongs to the open file."""
    monkeypatch.setattr(leases, "POLL", 0.01)
    cell = tmp_path / "seed-0"
    order: list[str] = []

    def second() -> None:
        with alone(cell):
            order.append("second")

    with alone(cell):
        other = threading.Thread(target=second)
        other.start()
        while "waiting" not in capsys.readouterr().out:
            time.sleep(0.01)
        order.append("first")
    other.join()
    assert order == ["first", "second"]
    assert not list(tmp_path.iterdir())
