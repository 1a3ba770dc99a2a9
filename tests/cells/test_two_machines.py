"""One cell on a machine that is against it: a full or read-only disk, no network, a false clock.

The kernel makes the first three: namespaces of mounts and networks that end with the process.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.trained import run
from vaebench.cells.folder import FILES, TRAINED
from vaebench.components import create
from vaebench.machine.leases import give, take

CELL = """
import json, os, sys
from pathlib import Path
from vaebench.machine.logged import job
from vaebench.machine.leases import alone
with job(os.devnull), alone(Path(sys.argv[2])):
    from tests.trained import run
    print(run(json.loads(sys.argv[3]), Path(sys.argv[1]), Path(sys.argv[2]))["status"])
"""

SPEC: dict[str, Any] = {
    "study": "test",
    "dataset": "digits",
    "model": {"name": "mlp", "class": "bernoulli_mlp.BernoulliMLP", "hidden": [400]},
    "strategy": {"name": "constant", "class": "constant.Constant"},
    "seed": 0,
    "training": {"epochs": 1, "batch_size": 500, "device": "cpu"},
}
"""Its weights are 300 KiB."""


def namespace(kind: str) -> str | None:
    """Why this process cannot have a namespace of its own; None if it can."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        return "needs root and unshare"
    done = subprocess.run(["unshare", kind, "true"], capture_output=True, check=False)
    return f"unshare {kind} is refused here" if done.returncode else None


def needs(kind: str) -> pytest.MarkDecorator:
    reason = namespace(kind)
    return pytest.mark.skipif(reason is not None, reason=str(reason))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    create("vaebench.datasets", {"class": "digits.Digits"}).write_split(
        None, folder, {"name": None, "sha256": None}
    )
    return folder


def shell(data: Path, out: Path, kind: str, script: str) -> subprocess.CompletedProcess[str]:
    """Run a shell script in a new namespace; ``"$@"`` in it trains the cell."""
    command = ["unshare", kind, "sh", "-c", script, "sh"]
    command += [sys.executable, "-c", CELL, str(data), str(out), json.dumps(SPEC)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@needs("--mount")
def test_a_full_disk_is_a_sentence_and_the_cell_is_done_once_there_is_room(
    data: Path, tmp_path: Path
) -> None:
    disk, out = tmp_path / "disk", tmp_path / "disk/cells/seed-0"
    disk.mkdir()
    script = f"""
        mount -t tmpfs -o size=128k vaebench {disk}
        "$@"; echo "exit $?"
        ls -A {out}; echo "then"
        mount -o remount,size=8m {disk}
        "$@" && ls -A {out}
    """
    done = shell(data, out, "--mount", script)
    before, _, after = done.stdout.partition("then\n")
    assert before.splitlines()[0] == "exit 1"
    assert done.stderr.startswith("vaebench: cannot write ")
    assert "No space left on device" in done.stderr
    assert done.stderr.count("\n") == 1
    left = set(before.splitlines()[1:])
    assert "status.json" not in left
    assert left <= {*FILES, "checkpoint.pt"}, "no temporary file stays behind"
    assert after.splitlines()[0] == "done"
    assert sorted(after.splitlines()[1:]) == sorted(FILES)


@needs("--mount")
def test_a_read_only_disk_is_a_sentence_before_any_training(data: Path, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    done = shell(data, disk / "seed-0", "--mount", f'mount -t tmpfs -o ro none {disk} && "$@"')
    assert done.returncode == 1
    assert done.stderr == (
        f"vaebench: cannot lock {disk}/.seed-0.lock: Read-only file system; allowed: a folder "
        "that can be written\n"
    )
    assert not done.stdout


@needs("--net")
def test_a_cell_needs_no_network(data: Path, tmp_path: Path) -> None:
    """Not even the loopback interface is up."""
    done = shell(data, tmp_path / "seed-0", "--net", 'ip link 2>/dev/null | grep -c UP; "$@"')
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == "done"
    assert sorted(path.name for path in (tmp_path / "seed-0").iterdir()) == sorted(FILES)


def test_a_clock_that_jumps_changes_no_result_and_no_duration(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An hour back at every look at it; durations come from a clock that cannot be set."""
    run(SPEC, data, tmp_path / "right")
    now = time.time()
    looks = iter(range(1_000_000))
    monkeypatch.setattr(time, "time", lambda: now - 3600.0 * next(looks))
    began = time.perf_counter()
    run(SPEC, data, tmp_path / "wrong")
    lasted = time.perf_counter() - began
    for name in ("config.json", "best.safetensors", "last.safetensors", "test.parquet"):
        one, two = (tmp_path / which / name for which in ("right", "wrong"))
        assert one.read_bytes() == two.read_bytes(), name
    summary = json.loads((tmp_path / "wrong/summary.json").read_text())
    assert 0 < summary["seconds"] < lasted


def test_the_job_of_a_cell_waits_for_another_one_of_the_same_cell(
    data: Path, tmp_path: Path
) -> None:
    """As the workflow starts it: a run that was killed has left a job behind that still trains."""
    out = tmp_path / "cells/digits/mlp/constant/seed-0"
    lock = out.with_name(".seed-0.lock")
    left_behind = take(lock)
    assert left_behind is not None
    given = {
        "step": "train",
        "log": tmp_path / "log",
        "threads": 1,
        "out": out / "config.json",
        "card": data / "card.json",
        "code": "as planned",
        "spec": json.dumps(SPEC),
    }
    options = [str(part) for name, value in given.items() for part in (f"--{name}", value)]
    command = [sys.executable, "-m", "vaebench.cells.job", *options]
    job = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert job.stdout is not None
    assert job.stdout.readline() == f"{out}: waiting for another process that trains this cell\n"
    assert not out.exists(), "nothing is touched meanwhile"
    give(left_behind, lock)
    _, error = job.communicate()
    assert job.returncode == 0, error
    assert sorted(path.name for path in out.iterdir()) == sorted(TRAINED)
    assert not lock.exists()
