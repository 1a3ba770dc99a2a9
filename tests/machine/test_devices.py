"""GPUs are lent to one cell at a time: pretended devices, real processes."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from vaebench.errors import ConfigError
from vaebench.machine.devices import SHARING, VISIBLE, lease, visible

WORK = """
import os, sys, time
from pathlib import Path
from vaebench.machine import leases
from vaebench.machine.devices import lease
leases.POLL = 0.02
marks = Path(sys.argv[1])
with lease() as device:
    assert os.environ["CUDA_VISIBLE_DEVICES"] == device
    assert "torch" not in sys.modules
    mark = marks / f"{device}-{os.getpid()}"
    mark.touch()
    print(device, len(list(marks.glob(f"{device}-*"))), len(list(marks.iterdir())), flush=True)
    time.sleep(0.3)
    mark.unlink()
"""


@pytest.fixture(autouse=True)
def _machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No GPU of this machine, no scheduler, leases in a folder of the test."""
    for name in (VISIBLE, SHARING, "SLURM_JOB_ID", "LSB_JOBID", "PBS_JOBID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr("tempfile.tempdir", None)
    (tmp_path / "tmp").mkdir()


def pretend(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *devices: str, status: int = 0
) -> None:
    """An ``nvidia-smi`` that lists ``devices``."""
    program = tmp_path / "bin/nvidia-smi"
    program.parent.mkdir()
    lines = "".join(f"echo {device}\n" for device in devices)
    program.write_text(f"#!/bin/sh\n{lines}exit {status}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)


def together(tmp_path: Path, number: int) -> list[tuple[str, int, int]]:
    """Start so many jobs at once; each says its device, how many share it, how many run."""
    marks = tmp_path / "marks"
    marks.mkdir()
    jobs = [
        subprocess.Popen([sys.executable, "-c", WORK, marks], stdout=subprocess.PIPE, text=True)
        for _ in range(number)
    ]
    said = [job.communicate()[0] for job in jobs]
    assert [job.returncode for job in jobs] == [0] * number
    last = [text.splitlines()[-1].split() for text in said]
    return [(device, int(sharing), int(running)) for device, sharing, running in last]


def test_jobs_at_once_have_devices_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six jobs and three devices: none is shared, and all are used."""
    pretend(tmp_path, monkeypatch, "GPU-a", "GPU-b", "GPU-c")
    seen = together(tmp_path, 6)
    assert {device for device, _, _ in seen} == {"GPU-a", "GPU-b", "GPU-c"}
    assert {sharing for _, sharing, _ in seen} == {1}
    assert max(running for _, _, running in seen) <= 3


def test_devices_are_shared_when_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VISIBLE, "0,1")
    monkeypatch.setenv(SHARING, "2")
    seen = together(tmp_path, 5)
    assert {device for device, _, _ in seen} == {"0", "1"}
    assert max(sharing for _, sharing, _ in seen) <= 2
    assert max(running for _, _, running in seen) <= 4


def test_an_empty_device_is_preferred_to_a_shared_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VISIBLE, "4,7")
    monkeypatch.setenv(SHARING, "2")
    folder = tmp_path / "leases"
    with lease(folder=folder) as one:
        monkeypatch.setenv(VISIBLE, "4,7")
        with lease(folder=folder) as two:
            assert {one, two} == {"4", "7"}


def test_one_assigned_device_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VISIBLE, "5")
    with lease() as device:
        assert device is None
        assert os.environ[VISIBLE] == "5"


def test_a_cell_for_the_cpu_takes_no_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(tmp_path, monkeypatch, "GPU-a", "GPU-b")
    with lease("cpu") as device:
        assert device is None


def test_the_environment_is_put_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(tmp_path, monkeypatch, "GPU-a")
    with lease() as device:
        assert os.environ[VISIBLE] == device == "GPU-a"
    assert VISIBLE not in os.environ
    monkeypatch.setenv(VISIBLE, "0,1")
    with lease():
        assert os.environ[VISIBLE] == "0"
    assert os.environ[VISIBLE] == "0,1"
    assert not list((tmp_path / "tmp").glob("*/*")), "no lease stays behind"


@pytest.mark.parametrize(
    ("given", "seen"), [("", []), ("-1", []), ("0, 2", ["0", "2"]), ("1,-1,0", ["1"])]
)
def test_the_variable_is_read_as_cuda_reads_it(
    given: str, seen: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VISIBLE, given)
    assert visible() == seen


def test_a_driver_that_does_not_answer_has_no_devices(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend(tmp_path, monkeypatch, "NVIDIA-SMI has failed", status=9)
    assert visible() == []


def test_jobs_of_a_scheduler_do_not_wait_for_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each sees its own devices as 0 and 1."""
    first = None
    for number in ("17", "18"):
        monkeypatch.setenv("SLURM_JOB_ID", number)
        monkeypatch.setenv(VISIBLE, "0,1")
        with contextlib.ExitStack() as held:
            assert held.enter_context(lease()) == "0"
            first = first or held.pop_all()
    first.close()


@pytest.mark.parametrize("given", ["0", "two", "-1", "1.5"])
def test_an_impossible_number_of_cells_a_gpu(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VISIBLE, "0,1")
    monkeypatch.setenv(SHARING, given)
    with pytest.raises(ConfigError, match=f"{SHARING}: '{given}' is not allowed"), lease():
        pass
