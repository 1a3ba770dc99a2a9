"""Before Snakemake looks: times of finished files that the user may not set."""

import os
from pathlib import Path
from typing import Any

import pytest

from tests.cells.test_job import STUDY
from vaebench.cells import stamp
from vaebench.errors import DataError
from vaebench.files import write_json
from vaebench.study.current import Upkeep
from vaebench.study.plan import Plan
from vaebench.study.trials import Trials


def split(folder: Path, code: str) -> tuple[Plan, Path]:
    """A study with nothing but a split, made with ``code``."""
    plan = Plan(STUDY | {"results": str(folder)})
    card = plan.folder / "data/digits/card.json"
    write_json(card.with_name("raw.json"), {})
    write_json(card, {})
    write_json(card.with_name(stamp.SPLIT), stamp.split(plan.dataset_options("digits"), code))
    return plan, card


def test_a_split_of_other_code_looks_old_and_is_named(tmp_path: Path) -> None:
    plan, card = split(tmp_path, "other code")
    upkeep = Upkeep(plan, Trials(plan))
    upkeep.settle()
    assert card.stat().st_mtime == pytest.approx(1e9)
    assert "digits will be split again" in upkeep.warning()


def test_a_split_as_planned_is_newer_than_the_script_that_makes_it(tmp_path: Path) -> None:
    """Also where no cell is finished: a checkout writes all scripts anew."""
    plan, card = split(tmp_path, Plan(STUDY).dataset_code("digits"))
    for name in ("raw.json", "card.json"):
        os.utime(card.with_name(name), (1.1e9, 1.1e9))
    upkeep = Upkeep(plan, Trials(plan))
    upkeep.settle()
    root = Path(__file__).parents[2]
    assert card.stat().st_mtime > (root / "workflow/scripts/split.py").stat().st_mtime
    assert upkeep.warning() == ""


def test_times_that_cannot_be_set_are_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another user's folder; the tests' user may be one who can do all."""

    def refuse(*_: Any) -> None:
        raise PermissionError(1, "Operation not permitted")

    plan, card = split(tmp_path, "other code")
    monkeypatch.setattr(os, "utime", refuse)
    with pytest.raises(DataError) as error:
        Upkeep(plan, Trials(plan)).settle()
    assert str(error.value).startswith("cannot set the time of ")
    assert str(card.parent) in str(error.value)
