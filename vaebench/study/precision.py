"""``precision: auto``, settled once: what a study was planned with is what it stays with.

The machine that plans a study first decides (:func:`vaebench.machine.precision.best`). The value
goes into ``study.json`` and into the specification of every cell, and a later planning, on another
machine or in the job of a cluster, takes it from there.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vaebench.errors import DataError
from vaebench.files import read_json
from vaebench.machine.precision import best
from vaebench.study.keys import Block, Study

AUTO = "auto"
DEFAULT = "float32"


def settled(study: Study, saved: Path) -> Study:
    """The study without ``auto``.

    Args:
        study: as written.
        saved: its ``study.json``, if it was planned before.
    """
    tuning = study.tuning
    parts = [study.training, *(block.training for block in study.grid)]
    if AUTO not in [part.get("precision") for part in [*parts, tuning.training if tuning else {}]]:
        return study
    old = _read(saved)

    def value(given: Mapping[str, Any], before: Mapping[str, Any] | None) -> dict[str, Any]:
        """Training settings with ``auto`` replaced; ``before``: what they were, if they were."""
        if given.get("precision") != AUTO:
            return dict(given)
        known = None if before is None else before.get("precision", DEFAULT)
        device = {**study.training, **given}.get("device", "auto")
        return {**given, "precision": known or best(device, gpus=study.resources.gpu)}

    of_study = old and old.get("training", {})
    changes: dict[str, Any] = {
        "training": value(study.training, of_study),
        "grid": [
            block.model_copy(update={"training": value(block.training, _before(old, block))})
            for block in study.grid
        ],
    }
    if tuning:
        trials = old and {**(of_study or {}), **((old.get("tuning") or {}).get("training") or {})}
        update = {"training": value(tuning.training, trials)}
        changes["tuning"] = tuning.model_copy(update=update)
    return study.model_copy(update=changes)


def _before(old: dict[str, Any] | None, block: Block) -> dict[str, Any] | None:
    """The training settings that the same data set and model had; a new block is like the study."""
    if old is None:
        return None
    same = [
        each["training"]
        for each in old.get("grid", [])
        if (each["dataset"], each["model"]) == (block.dataset, block.model)
    ]
    return {**old.get("training", {}), **(same[0] if same else {})}


def _read(saved: Path) -> dict[str, Any] | None:
    """What the study was planned with; None if it is new, or if that cannot be read."""
    try:
        found = read_json(saved)
    except DataError:
        return None
    return found if isinstance(found, dict) else None
