"""The measurements run; what they measure is said in docs/performance.md, never asserted."""

import importlib
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

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


def record() -> Any:
    """The module of the records; measurements are no package."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "benchmarks"))
        return importlib.import_module("record")


def of(ratio: float, *, pairs: int = 5, **changes: Any) -> dict[str, Any]:
    line = {"name": "a", "ratio": ratio, "least": 1.0, "most": 9.0, "pairs": pairs}
    about = {"date": "2026-01-01 00:00", "commit": "abc", "processor": "P", "threads": 2}
    return about | {"torch": "2", "load": 0.1, "ratios": [line]} | changes


def test_a_ratio_that_fell_by_more_than_15_percent_is_named() -> None:
    fallen = record().fallen
    assert not fallen(of(2.0 * 0.86), of(2.0))
    assert fallen(of(2.0 * 0.84), of(2.0)) == ["a: 1.68, and 2.00 on 2026-01-01 00:00"]
    assert not fallen(of(1.0, pairs=4), of(2.0)), "of too few pairs"
    assert not fallen(of(1.0), of(2.0) | {"ratios": []}), "nothing to compare with"


def test_only_the_same_kind_of_machine_is_compared() -> None:
    new = of(1.0)
    others = [of(3.0, processor="Q"), of(3.0, threads=1)]
    same = [of(2.0, date="2026-03-01 00:00"), of(4.0, date="2026-02-01 00:00")]
    assert record().same_kind(new, [*others, *same]) == same[::-1]


def test_the_page_shows_the_last_record_of_every_kind_of_machine() -> None:
    module = record()
    newer, busy = of(1.5, date="2026-05-01 00:00"), of(3.0, processor="Q", load=2.0)
    shown = module.table([newer, of(1.25), busy])
    assert "| a | 1.50 |" in shown
    assert "1.25" not in shown
    assert "Q, 2 threads, torch 2, load 2.0, **not quiet**" in shown
    page = module.PAGE.read_text(encoding="utf-8")
    assert module.read(), "there is a record"
    assert module.paged(page, module.read()) == page, "python benchmarks/record.py --page"
