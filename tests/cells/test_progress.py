"""The counter that the jobs of a run share."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from vaebench.cells.progress import COUNTER, PROGRESS, expect, expect_no_more


def test_counters_of_killed_runs_are_swept_and_those_of_others_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PROGRESS, "")
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    killed, other = (tmp_path / f"{COUNTER}{process}" for process in (ended.pid, os.getppid()))
    killed.write_bytes(b"..")
    other.write_bytes(b".")
    expect(tmp_path, 3)
    assert not killed.exists()
    assert other.exists()
    expect_no_more(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [other.name]
