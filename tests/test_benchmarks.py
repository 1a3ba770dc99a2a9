"""The measurements run; what they measure is said in docs/performance.md, never asserted."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SMALL = ["--users", "60", "--rounds", "1", "--threads", "1"]


@pytest.mark.parametrize(
    "command",
    [
        ["step.py", "--sizes", "ml-1m"],
        ["floor.py", "--sizes", "ml-1m"],
        ["evaluation.py", "--size", "ml-1m"],
    ],
    ids=lambda command: command[0],
)
def test_a_measurement_prints_its_table(command: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / command[0], *command[1:], *SMALL],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    header, line, *rows = done.stdout.splitlines()[1:]
    assert header.count("|") == line.count("|") == rows[0].count("|")
    assert re.search(r"\d+\.\d+ \(", rows[0]), "the ratio and its spread"
