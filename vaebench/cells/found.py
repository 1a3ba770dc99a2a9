"""Options of a cell that other jobs find first: the tuning stage, or another strategy's cell.

Two stages: ``cap: {beta: selected, of: anneal}`` takes the β at the selected epoch of the cell of
``anneal`` with the same data set, model and seed: Mult-VAE's search of the cap (Liang et al. 2018,
arXiv:1802.05814, §2.2.2) is two cells of the grid, the second depending on the first.
``beta: {beta: mean, of: cyclical}`` is the constant with the schedule's mean, a control.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from vaebench.components import sentence
from vaebench.errors import ConfigError, Diverged
from vaebench.files import read_json


class Reference(BaseModel):
    """Which β of whose cell: at its selected epoch, at its last, or the mean over all updates."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    beta: Literal["selected", "last", "mean"]
    of: str


def references(options: Mapping[str, Any]) -> dict[str, Reference]:
    """The options of a strategy that another strategy's cell has to find.

    Raises:
        ConfigError: a reference is not ``{beta: selected | last | mean, of: strategy}``.
    """
    found = {}
    for name, value in options.items():
        if isinstance(value, Mapping):
            try:
                found[name] = Reference(**value)
            except ValidationError as error:
                raise ConfigError(f"{name}.{sentence(error, Reference)}") from None
    return found


def settled(options: Mapping[str, Any], betas: Mapping[str, Mapping[str, float]]) -> dict[str, Any]:
    """The options with each reference replaced by the number that was found.

    Args:
        options: of a strategy.
        betas: strategy → the ``beta`` of its cell's ``training.json``.

    Raises:
        Diverged: the other cell has no such β, because it failed.
    """
    numbers = {}
    for name, reference in references(options).items():
        number = betas[reference.of].get(reference.beta)
        if number is None:
            raise Diverged(
                f"strategy.{name}: the cell of {reference.of!r} failed and found no β; allowed: "
                "a finished first stage"
            )
        numbers[name] = number
    return {**options, **numbers}


def merged(
    spec: Mapping[str, Any], settings: Mapping[str, Mapping[str, Any]] | None
) -> dict[str, Any]:
    """``spec`` with the options of ``settings`` (role → option → value) in their places."""
    return {**spec, **{role: {**spec[role], **each} for role, each in (settings or {}).items()}}


def placed(places: Mapping[str, Any], place: int) -> dict[str, Any]:
    """Which trial has a place of a rung: ``trial``, its ``settings``, its place ``before``.

    Args:
        places: the content of the file; see :func:`vaebench.statistics.tuning.promote`.
        place: counted from 0.

    Raises:
        Diverged: too few trials of the rung before finished.
    """
    found = places["places"][place]
    if found is None:
        raise Diverged(f"place {place} is empty: too few trials of the rung before finished")
    return dict(found)


def chosen(
    spec: Mapping[str, Any], choice: Path | None, place: int | None = None
) -> dict[str, Any]:
    """``spec`` with the options that the tuning stage chose; unchanged where there is no choice.

    Args:
        spec: of a cell or trial.
        choice: the file that says what was chosen, or which trials have the places of a rung.
        place: the one of this trial.

    Raises:
        Diverged: no trial finished, so there is nothing to run.
    """
    if choice is None:
        return dict(spec)
    found = read_json(choice)
    if place is not None:
        return merged(spec, placed(found, place)["settings"])
    if found["chosen"] is None:
        raise Diverged(f"none of the {len(found['trials'])} trials of the tuning stage finished")
    return merged(spec, found["chosen"])


def found_elsewhere(
    spec: Mapping[str, Any],
    stages: Mapping[str, Path],
    choice: Path | None,
    place: int | None = None,
) -> dict[str, Any]:
    """``spec`` with the options that a tuning stage and first-stage cells have found.

    See :func:`chosen` for ``choice`` and ``place``.

    Raises:
        Diverged: they found none.
    """
    betas = {name: read_json(path / "training.json")["beta"] for name, path in stages.items()}
    spec = chosen(spec, choice, place)
    if "strategy" not in spec:  # a baseline
        return spec
    return spec | {"strategy": settled(spec["strategy"], betas)}
