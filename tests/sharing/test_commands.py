"""``archive`` and ``verify`` on the command line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def call(*arguments: str, stdout: int = subprocess.PIPE) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "vaebench", *arguments],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("command", ["archive", "verify"])
def test_help_is_no_error(command: str) -> None:
    done = call(command, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"usage: vaebench {command}" in done.stdout


@pytest.mark.parametrize("command", ["archive", "verify"])
def test_what_is_no_study_is_one_sentence(command: str, tmp_path: Path) -> None:
    done = call(command, str(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"vaebench: {tmp_path}: there is no study.json in it; allowed: a study, results/NAME\n"
    )


def test_a_damaged_study_is_not_packed(study: Path) -> None:
    (study / "tables/cells.csv").write_text("")
    done = call("archive", str(study))
    assert done.returncode == 1
    assert f"{study}/tables/cells.csv: is damaged or was changed" in done.stderr


def test_a_closed_pipe_is_no_error_and_hides_no_difference(study: Path) -> None:
    for command, status in (("archive", 0), ("verify", 1)):
        if status:
            (study / "tables/cells.csv").write_text("")
        reading, writing = os.pipe()
        os.close(reading)
        done = call(command, str(study), stdout=writing)
        os.close(writing)
        assert done.returncode == status
        assert len(done.stderr.splitlines()) == status, done.stderr
