"""The live trace: what is read while a cell trains, whatever happens to the process or the disk."""

import json
import resource
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from vaebench.cells import vae
from vaebench.cells.live import NAME, LiveTrace, Row, Watched
from vaebench.components import create
from vaebench.machine.leases import alone, is_held
from vaebench.training import checkpoint

HEAD = {"config": {"seed": 1}, "started_at": 5.0, "selecting": "elbo", "until": 3}
ROWS: list[Row] = [{"epoch": n, "elbo": -n / 3, "seconds": 0.1} for n in (1, 2, 3)]


def test_what_is_written_is_read_at_once_and_once(tmp_path: Path) -> None:
    watched, look = Watched(tmp_path), LiveTrace(tmp_path).watch(HEAD)
    assert not watched.look()
    seen = []
    for count in range(4):
        look(ROWS[:count])
        assert watched.look()
        assert not watched.look()
        seen.append(len(watched.rows))
    assert (watched.head, watched.rows) == (HEAD, ROWS), "every bit of every number"
    assert seen == [0, 1, 2, 3]


def test_a_line_that_is_not_whole_is_read_when_it_is(tmp_path: Path) -> None:
    LiveTrace(tmp_path).watch(HEAD)(ROWS[:1])
    watched = Watched(tmp_path)
    with (tmp_path / NAME).open("a") as file:
        file.write('{"epoch": 2, "elb')
        file.flush()
        assert watched.look()
        assert watched.rows == ROWS[:1]
        file.write('o": 7}\n')
    assert watched.look()
    assert watched.rows[1:] == [{"epoch": 2, "elbo": 7}]


def test_a_training_that_begins_again_is_read_from_its_beginning(tmp_path: Path) -> None:
    """After a kill: of the three epochs one was in the checkpoint."""
    watched = Watched(tmp_path)
    LiveTrace(tmp_path).watch(HEAD)(ROWS)
    watched.look()
    look = LiveTrace(tmp_path).watch(HEAD | {"started_at": 9.0})
    look(ROWS[:1])
    assert watched.look()
    assert (watched.head, watched.rows) == (HEAD | {"started_at": 9.0}, ROWS[:1])
    look(ROWS[:2])
    watched.look()
    assert watched.rows == ROWS[:2]


def test_a_disk_that_is_full_costs_lines_and_nothing_else(tmp_path: Path) -> None:
    """The line that did not fit is half there; once there is room the file is written anew."""
    look = LiveTrace(tmp_path).watch(HEAD)
    look(ROWS[:1])
    size = (tmp_path / NAME).stat().st_size
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 5, usual[1]))
        look(ROWS[:2])
        look(ROWS[:2])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
        signal.signal(signal.SIGXFSZ, ignored)
    look(ROWS)
    watched = Watched(tmp_path)
    watched.look()
    assert watched.rows == ROWS


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "cell").write_text("a file where the folder should be")
    live = LiveTrace(tmp_path / "cell")
    live.watch(HEAD)(ROWS)
    live.end()


SPEC: dict[str, Any] = {
    "study": "live",
    "dataset": "digits",
    "model": {"name": "mlp", "class": "bernoulli_mlp.BernoulliMLP", "hidden": [4]},
    "strategy": {"name": "linear", "class": "linear.Linear"},
    "seed": 1,
    "training": {"epochs": 4, "batch_size": 500, "device": "cpu", "checkpoint_minutes": 1e-9},
}

KILLED = """
import json, os, signal, sys
from pathlib import Path
from vaebench.cells import vae
from vaebench.cells.live import LiveTrace
from vaebench.training import checkpoint
spec, data, cell = json.loads(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])
live = LiveTrace(cell)
def watch(head):
    write = live.watch(head)
    def look(trace):
        write(trace)
        if len(trace) == 3:
            os.kill(os.getpid(), signal.SIGKILL)
    return look
vae.run(spec, data, cell, watch=watch)
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("digits")
    source = {"name": None, "sha256": None}
    create("vaebench.datasets", {"class": "digits.Digits"}).write_split(None, folder, source)
    return folder


def test_a_killed_cell_goes_on_without_a_line_twice(data: Path, tmp_path: Path) -> None:
    """Its third epoch was written, and is in no checkpoint; nobody's bits know who looked on."""
    cell = tmp_path / "cell"
    command = [sys.executable, "-c", KILLED, json.dumps(SPEC), str(data), str(cell)]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    watched = Watched(cell)
    watched.look()
    assert [row["epoch"] for row in watched.rows] == [1, 2, 3]
    assert (cell / checkpoint.NAME).exists()
    live, seen = LiveTrace(cell), []

    def watch(head: dict[str, Any]) -> Any:
        write = live.watch(head)

        def look(trace: Sequence[Row]) -> None:
            write(trace)
            watched.look()
            seen.append([row["epoch"] for row in watched.rows])

        return look

    vae.run(SPEC, data, cell, watch=watch)
    assert seen == [[1, 2], [1, 2, 3], [1, 2, 3, 4]]
    trace = pd.read_parquet(cell / "trace.parquet")
    assert pd.DataFrame(watched.rows)[list(trace)].equals(trace)
    vae.run(SPEC, data, tmp_path / "unseen")
    for name in ("best.safetensors", "last.safetensors"):
        assert (cell / name).read_bytes() == (tmp_path / "unseen" / name).read_bytes()


def test_a_cell_is_held_while_a_process_works_on_it(tmp_path: Path) -> None:
    cell = tmp_path / "seed-1"
    assert not is_held(cell)
    with alone(cell):
        assert is_held(cell)
    assert not is_held(cell)
    program = (
        "import sys, os\nfrom pathlib import Path\nfrom vaebench.machine.leases import alone\n"
    )
    program += "with alone(Path(sys.argv[1])): os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", program, str(cell)], check=False)
    assert list(tmp_path.iterdir()), "a killed process leaves the file of its lock"
    assert not is_held(cell)
