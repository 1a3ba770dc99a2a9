"""The jobs of a cell as the workflow starts them: what they bring back and what they make anew."""

import json
import logging
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from vaebench.cells import job
from vaebench.cells.folder import TESTED, TRAINED, CellFolder
from vaebench.cells.planned import CODE, planned, unmoved
from vaebench.components import create
from vaebench.errors import DataError
from vaebench.files import digest, read_json
from vaebench.study import sources
from vaebench.study.current import Upkeep
from vaebench.study.plan import Cell, Plan
from vaebench.study.trials import Trials

DIGITS = {"class": "digits.Digits"}
STUDY: dict[str, Any] = {
    "name": "jobs",
    "seeds": 1,
    "control": "constant",
    "training": {"epochs": 1, "batch_size": 500, "device": "cpu"},
    "datasets": {"digits": DIGITS},
    "models": {"mlp": {"class": "bernoulli_mlp.BernoulliMLP", "hidden": [8], "latents": 2}},
    "strategies": {"constant": {"class": "constant.Constant"}},
    "grid": [{"dataset": "digits", "model": "mlp", "strategies": ["constant"]}],
}


@pytest.fixture(autouse=True)
def _own_log() -> Iterator[None]:
    """A job's log is that of its whole process."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    root.handlers.clear()
    yield
    for handler in root.handlers:
        handler.close()
    root.handlers[:] = before
    root.setLevel(level)
    logging.captureWarnings(capture=False)


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    """A study of one cell, its data split."""
    plan = Plan(STUDY | {"results": str(tmp_path)})
    source = {"name": None, "sha256": None}
    create("vaebench.datasets", DIGITS).write_split(None, plan.folder / "data/digits", source)
    return plan


def only_cell(plan: Plan) -> Cell:
    return next(iter(plan.cells.values()))


def arguments(plan: Plan, step: str, code: str) -> list[str]:
    """As ``workflow/rules/cells.smk`` writes them."""
    cell = only_cell(plan)
    files, more = TRAINED, ["--stages", "--choice"]
    if step == "test":
        files = TESTED
        more = ["--metrics", json.dumps(plan.study.all_metrics), "--samples", str(cell.samples)]
    card = plan.card(cell)
    given = {
        "log": cell.folder.log(step),
        "threads": 1,
        "out": cell.folder.file(files[0]),
        "card": card,
        "code": code,
        "spec": json.dumps(cell.spec),
    }
    cell.folder.log(step).parent.mkdir(parents=True, exist_ok=True)  # as Snakemake does
    options = [part for name, value in given.items() for part in (f"--{name}", str(value))]
    return [*options, *more, "--step", step]


def do(plan: Plan, step: str) -> None:
    """The job, with the code that the plan asks for."""
    cell = only_cell(plan)
    code = plan.training_code(cell) if step == "train" else plan.test_code(cell)
    assert job.main(arguments(plan, step, code)) == 0


def lose(plan: Plan, files: tuple[str, ...]) -> None:
    """As Snakemake does before a job."""
    for name in files:
        only_cell(plan).folder.file(name).unlink()


def test_a_finished_stage_comes_back(plan: Plan) -> None:
    for step, files in (("train", TRAINED), ("test", TESTED)):
        do(plan, step)
        seal = only_cell(plan).folder.file(files[-1])
        before = seal.read_bytes()
        lose(plan, files)
        do(plan, step)
        assert seal.read_bytes() == before


def test_a_training_in_parts(tmp_path: Path) -> None:
    """The flags of a rung: its end is in its stamp, and no part comes back as another one."""
    plan = Plan(STUDY | {"results": str(tmp_path), "training": STUDY["training"] | {"epochs": 3}})
    source = {"name": None, "sha256": None}
    create("vaebench.datasets", DIGITS).write_split(None, plan.folder / "data/digits", source)
    folder, one, two = only_cell(plan).folder, tmp_path / "one.pt", tmp_path / "two.pt"
    usual = arguments(plan, "train", "code")
    parts = {
        1: ["--until", "1", "--state-in", "--state-out", str(one)],
        3: ["--until", "3", "--state-in", str(one), "--state-out", str(two)],
        None: [],
    }
    for until, flags in parts.items():
        assert job.main([*usual, *flags]) == 0
        found = read_json(folder.file("training.json"))
        assert (found["until"], found["resumed"]) == (until or 3, until == 3)
        assert found["stamp"].get("until") == until
        lose(plan, TRAINED)
    assert two.stat().st_size > 0
    two.unlink()
    assert job.main([*usual, *parts[3]]) == 0
    assert read_json(folder.file("training.json"))["stamp"]["until"] == 3
    assert two.read_bytes() == b"", "what comes back has no state; the next part starts over"


def test_the_test_of_an_earlier_training_does_not_come_back(plan: Plan) -> None:
    """An edit of the loop trains anew and leaves specification, card and code of the test alone."""
    do(plan, "train")
    do(plan, "test")
    lose(plan, (*TRAINED, *TESTED))
    job.main(arguments(plan, "train", "of an edited loop"))
    do(plan, "test")
    folder = only_cell(plan).folder
    sealed = read_json(folder.file("status.json"))["files"]
    assert sealed == {name: digest(folder.file(name)) for name in sealed}


def test_the_test_of_an_earlier_training_is_made_anew_whatever_the_times_say(plan: Plan) -> None:
    """A run that was killed between the two jobs, and a folder that was copied since."""
    do(plan, "train")
    do(plan, "test")
    folder = only_cell(plan).folder

    def oldest(files: tuple[str, ...]) -> float:
        return min(folder.file(name).stat().st_mtime for name in files)

    Upkeep(plan, Trials(plan)).settle()
    assert oldest(TESTED) >= oldest(TRAINED), "this one is current"
    lose(plan, TRAINED)
    shutil.rmtree(folder.kept)
    do(plan, "train")
    for name in TESTED:
        os.utime(folder.file(name))
    Upkeep(plan, Trials(plan)).settle()
    assert oldest(TESTED) < oldest(TRAINED)


MINE = '''
from torch import Tensor

from vaebench.strategies import Stats, Strategy


class Mine(Strategy):
    """β = 1."""

    def forward(self, stats: Stats) -> Tensor:
        """The weight."""
        return stats.rate.new_tensor(1.0)
'''


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The file of a user's strategy, importable."""
    monkeypatch.syspath_prepend(str(tmp_path))
    path = tmp_path / "mine_of_jobs.py"
    path.write_text(MINE)
    for function in (sources.content, sources.digest, sources._path, sources._imports):
        function.cache_clear()
    yield path
    sys.modules.pop("mine_of_jobs", None)


def of_mine(tmp_path: Path, *, in_grid: bool) -> Plan:
    """A study with the user's strategy, asked for in the grid or by a target alone."""
    strategies = STUDY["strategies"] | {"mine": {"class": "mine_of_jobs.Mine"}}
    grid = [STUDY["grid"][0] | {"strategies": ["constant", *["mine"] * in_grid]}]
    plan = Plan(STUDY | {"results": str(tmp_path), "strategies": strategies, "grid": grid})
    source = {"name": None, "sha256": None}
    create("vaebench.datasets", DIGITS).write_split(None, plan.folder / "data/digits", source)
    return plan


def train_mine(plan: Plan, before: Callable[[], None] = lambda: None) -> None:
    """Plan the cell of the user's strategy, write what is planned, and do the job."""
    cell = plan.cell(CellFolder(plan.folder, "digits", "mlp", "mine", 0))
    code = plan.training_code(cell)
    before()
    planned(plan.folder / CODE, plan.uses(), sources.content)
    before()
    given = arguments(plan, "train", code)
    given[given.index("--out") + 1] = str(cell.folder.file(TRAINED[0]))
    given[given.index("--spec") + 1] = json.dumps(cell.spec)
    job.main(given)


@pytest.mark.parametrize("in_grid", [True, False])
def test_code_edited_since_it_was_planned_is_refused(
    tmp_path: Path, mine: Path, *, in_grid: bool
) -> None:
    """Before the list of files is written or after it, for cells of the grid and for others."""
    plan = of_mine(tmp_path, in_grid=in_grid)

    def edit() -> None:
        mine.write_text(MINE.replace("1.0", "2.0"))

    with pytest.raises(SystemExit) as end:
        train_mine(plan, before=edit)
    assert "mine_of_jobs.py: edited since this run" in str(end.value)
    assert not plan.cell(CellFolder(plan.folder, "digits", "mlp", "mine", 0)).folder.finished


def test_code_that_no_run_planned_is_compared_with_all_of_it(tmp_path: Path, mine: Path) -> None:
    """A node that plans for itself reads the edited files and asks with their digest."""
    plan = of_mine(tmp_path, in_grid=True)
    planned(plan.folder / CODE, plan.uses(), sources.content)
    unmoved(plan.folder, "of another node")
    mine.write_text(MINE.replace("1.0", "2.0"))
    with pytest.raises(DataError, match=r"mine_of_jobs\.py: edited"):
        unmoved(plan.folder, "of another node")


def test_a_job_sweeps_what_killed_ones_left(plan: Plan) -> None:
    left = only_cell(plan).folder.file(".trace.parquet.ab12cd34.part.parquet")
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half of a table")
    do(plan, "train")
    assert not left.exists()


@pytest.mark.parametrize(("given", "wanted", "used"), [(2, None, 2), (2, 1, 1), (1, 2, 2)])
def test_a_study_can_say_how_many_threads_compute(
    tmp_path: Path, given: int, wanted: int | None, used: int
) -> None:
    training = STUDY["training"] | ({"compute_threads": wanted} if wanted else {})
    plan = Plan(STUDY | {"results": str(tmp_path), "training": training})
    source = {"name": None, "sha256": None}
    create("vaebench.datasets", DIGITS).write_split(None, plan.folder / "data/digits", source)
    before = torch.get_num_threads()
    try:
        for step in ("train", "test"):
            cell = only_cell(plan)
            code = plan.training_code(cell) if step == "train" else plan.test_code(cell)
            line = arguments(plan, step, code)
            line[line.index("--threads") + 1] = str(given)
            assert job.main(line) == 0
            assert torch.get_num_threads() == used, step
    finally:
        torch.set_num_threads(before)
    assert read_json(cell.folder.file("training.json"))["threads"] == used
