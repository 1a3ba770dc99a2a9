"""What the workflow starts for a cell, a trial, a baseline or a test: one ritual around one step.

``python -m vaebench.cells.job STEP --out …``: a log; nobody else works on the cell; what killed
jobs left of it is swept; what was finished before comes back; a device; the code is the one that
the study was planned with; the step; what is finished is kept; the terminal says how far the study
is.
"""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vaebench.cells import kept, stamp
from vaebench.cells.folder import FILES, TESTED, TRAINED, CellFolder
from vaebench.cells.found import placed
from vaebench.cells.live import LiveTrace
from vaebench.cells.opening import opening
from vaebench.cells.planned import unmoved
from vaebench.cells.progress import announce
from vaebench.errors import Diverged
from vaebench.files import read_json, sweep
from vaebench.machine.devices import lease
from vaebench.machine.leases import alone
from vaebench.machine.logged import job


@dataclass(frozen=True)
class Job:
    """What a rule of the workflow knows of a job.

    Attributes:
        out: the files that it makes, in the cell's folder.
        log: the job's log.
        threads: how many torch may use.
        card: of the split.
        spec: the cell's specification as planned.
        code: the digest of the code that the step depends on.
        metrics: of the test part, by name.
        samples: of z per test example.
        stages: ``training.json`` of the cells that find an option first.
        choice: the file of the tuning stage's choice, if there is one; of a trial in a later rung,
            the file that says which trial has its place.
        states: those that the rung before left, of which such a trial takes its own.
        until: the last epoch of this part of a training; see :class:`vaebench.cells.rung.Rung`.
        state_in: the state that the part before left.
        state_out: where this part leaves its state.
        opened: the file that says when the test part was opened, if anything is registered.
    """

    out: Sequence[str]
    log: str
    threads: int
    card: str
    code: str
    spec: dict[str, Any]
    metrics: dict[str, Any] | None = None
    samples: int | None = None
    stages: Sequence[str] = ()
    choice: Sequence[str] = ()
    opened: Sequence[str] = ()
    states: Sequence[str] = ()
    until: int | None = None
    state_in: Path | None = None
    state_out: Path | None = None

    @property
    def path(self) -> Path:
        """The cell's folder."""
        return Path(self.out[0]).parent

    @property
    def data(self) -> Path:
        """The folder of its split."""
        return Path(self.card).parent

    @property
    def chosen(self) -> Path | None:
        """The file of the tuning stage's choice."""
        return Path(self.choice[0]) if self.choice else None

    @property
    def cell(self) -> CellFolder:
        """The cell, or trial."""
        return CellFolder.parse(self.path)

    @property
    def compute_threads(self) -> int:
        """How many threads compute: what the study wants, else all that the job was given."""
        wanted: int | None = self.spec.get("training", self.spec).get("compute_threads")
        return wanted or self.threads

    @property
    def handed_over(self) -> Path | None:
        """The state to go on from; None of an empty place."""
        place = self.cell.place
        if place is None or self.chosen is None:
            return self.state_in
        try:
            return Path(self.states[placed(read_json(self.chosen), place)["before"]])
        except Diverged:  # the step will say so
            return None

    def stamp(self, trained: Path | None = None) -> dict[str, Any]:
        """What the step depends on, by content; ``trained``: the seal of what it tests."""
        plan = stamp.planned(self.spec, self.code, self.metrics, self.samples, self.until)
        found = map(Path, (*self.stages, *self.choice))
        when = opening(Path(self.opened[0])) if self.opened else None
        place = self.cell.place
        return stamp.complete(plan, Path(self.card), found, trained, place, opened=when)


def _train(job: Job, mark: Any) -> dict[str, Any]:  # noqa: ANN401
    from vaebench.cells import vae  # noqa: PLC0415 (torch: it must see the leased device alone)

    stages = {CellFolder.parse(Path(p).parent).strategy: Path(p).parent for p in job.stages}
    live = LiveTrace(job.path)
    result = vae.run(
        *(job.spec, job.data, job.path),
        stages=stages,
        choice=job.chosen,
        place=job.cell.place,
        stamp=mark,
        until=job.until,
        state_in=job.handed_over,
        state_out=job.state_out,
        watch=live.watch,
    )
    live.end()
    return result


def _test(job: Job, mark: Any) -> dict[str, Any]:  # noqa: ANN401
    from vaebench.cells import test  # noqa: PLC0415 (torch)

    return test.run(job.path, job.data, job.metrics or {}, samples=job.samples or 1, stamp=mark)


def _baseline(job: Job, mark: Any) -> dict[str, Any]:  # noqa: ANN401
    from vaebench.cells import baseline  # noqa: PLC0415 (torch)

    data, choice = job.data, job.chosen
    return baseline.run(job.spec, data, job.path, job.metrics, choice=choice, stamp=mark)


@dataclass(frozen=True)
class Step:
    """One kind of job: what it does, what it leaves, whether it may use a GPU, what it reads."""

    work: Callable[[Job, Any], dict[str, Any]]
    files: tuple[str, ...]
    device: bool = False
    of_trained: bool = False
    ends_cell: bool = False


STEPS = {
    "train": Step(_train, TRAINED, device=True),
    "test": Step(_test, TESTED, of_trained=True, ends_cell=True),
    "baseline": Step(_baseline, FILES, ends_cell=True),
    "baseline-trial": Step(_baseline, TRAINED),
}


IMPORTS = (
    "vaebench.cells.vae",
    "vaebench.cells.test",
    "vaebench.cells.baseline",
    "vaebench.cells.progress",
    "vaebench.machine.logged",
)
"""What steps import; a job that starts warm has them already."""


def main(arguments: Sequence[str]) -> int:
    """Do the job; 0 if the step left its files, whatever the cell's status."""
    name, task = parse(arguments)
    step, cell = STEPS[name], task.cell
    with job(task.log), alone(cell.path):
        sweep(cell.path)
        mark = task.stamp(cell.file(TRAINED[-1]) if step.of_trained else None)
        if not kept.restore(cell, step.files, mark):
            with lease(task.spec["training"].get("device", "auto") if step.device else "cpu"):
                unmoved(cell.study, task.code)  # after the wait for a device, before its import
                import torch  # noqa: PLC0415 (it must see the leased device alone)

                torch.set_num_threads(task.compute_threads)
                result = step.work(task, mark)
            if result["status"] == "done":
                kept.keep(cell, step.files, mark)
        elif task.state_out is not None:  # a finished part comes back without its state
            task.state_out.touch()
        if step.ends_cell:
            announce(cell)
    return 0


def parse(arguments: Sequence[str]) -> tuple[str, Job]:
    """The step and the job of a command line: an option for every field of :class:`Job`."""
    parser = ArgumentParser(prog="python -m vaebench.cells.job", description=__doc__)
    parser.add_argument("--step", choices=STEPS, required=True)
    for name, more in OPTIONS.items():
        parser.add_argument(f"--{name}", **more)
    given = vars(parser.parse_args(arguments))
    return given.pop("step"), Job(**given)


OPTIONS: dict[str, dict[str, Any]] = {
    "out": {"nargs": "+", "required": True},
    "log": {"required": True},
    "threads": {"type": int, "required": True},
    "card": {"required": True},
    "code": {"required": True},
    "spec": {"type": json.loads, "required": True},
    "metrics": {"type": json.loads},
    "samples": {"type": int},
    "stages": {"nargs": "*", "default": []},
    "choice": {"nargs": "*", "default": []},
    "opened": {"nargs": "*", "default": []},
    "states": {"nargs": "*", "default": []},
    "until": {"type": int},
    "state-in": {"type": Path, "nargs": "?"},
    "state-out": {"type": Path},
}
"""How the fields of :class:`Job` are read."""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
