"""Was the test part of a study opened as registered: once, after training, before testing?"""

from collections.abc import Iterator
from typing import Any

from vaebench.cells.folder import CellFolder
from vaebench.cells.opening import OPENED, opening, seconds
from vaebench.files import read_json
from vaebench.study.registration import registered
from vaebench.study.saved import Saved
from vaebench.study.trials import Trials

CLOCKS = 60.0
"""Seconds by which the clocks of a cluster's machines may differ."""


def differences(study: Saved, trials: Trials) -> Iterator[str]:
    """What of the opening does not agree with the configuration or the times of cells.

    Raises:
        DataError: a file cannot be read.
    """
    plan, path = trials.plan, study.folder / OPENED
    section, folders = plan.study.registration, [cell.folder for cell in plan.cells.values()]
    if section is None:
        if path.exists():
            yield f"{OPENED}: is there, but nothing is registered"
        return
    if not path.exists():
        if any(folder.finished for folder in folders):
            yield f"{OPENED}: is missing, but there are tests"
        return
    opened, content = opening(path), read_json(path)
    if opened["registration"] != section.digest or content["registered"] != registered(plan.study):
        yield f"{OPENED}: is not of this registration"
    when = seconds(opened["opened_at"])
    trained = [cell.folder for cell in plan.cells.values() if not cell.is_baseline]
    for folder in [*trained, *(cell.folder for cell in trials.all_cells())]:
        seal = folder.file("training.json")
        ended = _ended(read_json(seal)) if seal.exists() else None
        if ended is not None and (late := ended - when) > CLOCKS:
            yield f"{folder.label}: was trained {late:.0f} s after the test part was opened"
    for cell in plan.cells.values():
        if cell.folder.finished:
            yield from _tested(cell.folder, opened, when, baseline=cell.is_baseline)


def _ended(training: dict[str, Any]) -> float | None:
    """When a training ended, in seconds since 1970; None of one that was not begun."""
    began = training.get("started_at")
    return None if began is None else float(began + (training.get("seconds") or 0.0))


def _tested(
    folder: CellFolder, opened: dict[str, str], when: float, *, baseline: bool
) -> Iterator[str]:
    stamp = read_json(folder.file("status.json")).get("stamp") or {}
    if stamp.get("opened") != opened:
        yield f"{folder.label}: its test is not of this opening"
    summary = read_json(folder.file("summary.json"))
    started = summary.get("started_at" if baseline else "test_started_at")
    if started is not None and when - started > CLOCKS:
        yield f"{folder.label}: was tested {when - started:.0f} s before the test part was opened"
