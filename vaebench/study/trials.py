"""The cells of the tuning stage: which trials a study plans, and what depends on which choice."""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from vaebench.cells.folder import CellFolder
from vaebench.cells.found import merged, references
from vaebench.cells.selection import selecting
from vaebench.components import create, find, sentence, unnamed
from vaebench.errors import ConfigError
from vaebench.search import Range
from vaebench.study.keys import HOMES
from vaebench.study.plan import Cell, Plan
from vaebench.study.tuning import Tuning

if TYPE_CHECKING:
    from vaebench.study.design import Settings


FREE = 2
"""Of a strategy whose number of trials depends on it: the most options that are tuned."""


@dataclass(frozen=True)
class Rung:
    """One rung of a group's trials; without ``tuning.rungs`` there is one.

    Attributes:
        places: how many trials are in it.
        epochs: that each of them trains in it, beyond the rung before; of a baseline 0.
        until: its last epoch; None: that of the whole training, in one go.
    """

    places: int
    epochs: int
    until: int | None = None


@dataclass(frozen=True)
class Group:
    """The trials of one (data set, model, strategy), in a study of replicates of one of its cells.

    Attributes:
        cell: one of the final cells.
        space: ``role.option`` → range.
        trials: the options of every trial.
        rungs: the first has all trials.
        seeds: number of the seed in a trial's path → the seed that it trains with.
    """

    cell: Cell
    space: dict[str, Range]
    trials: list["Settings"]
    rungs: list[Rung]
    seeds: dict[int, int]

    @property
    def names(self) -> tuple[str, str, str]:
        """Data set, model, strategy."""
        return self.cell.dataset, self.cell.model, self.cell.strategy


class Trials:
    """All trials of a plan; none where the study has no ``tuning``.

    A strategy is tuned over its search space without the options that the study writes down: to
    write an option is to fix it. One whose option another cell finds (``{beta: …, of: …}``) is left
    as it is. In a study of replicates each one has its own trials: a design that is the same for
    all strategies, and a seed.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.tuning: Tuning | None = plan.study.tuning
        self.folder = plan.folder / "tuning"
        self.groups: dict[str, Group] = {}
        if self.tuning is None:
            return
        self._check_names(self.tuning)
        for cell in plan.cells.values():
            if cell.spec["seed"] in self._seeds(cell, self.tuning).values():
                raise ConfigError(
                    f"tuning.seeds: {cell.spec['seed']} is a seed of the final runs; allowed: "
                    "others"
                )
            key = self.key(cell.folder)
            if key not in self.groups and (space := self._space(cell, self.tuning)):
                self.groups[key] = self._group(key, cell, space, self.tuning)

    def _check_names(self, tuning: Tuning) -> None:
        """The stage names strategies that there are, and does not contradict itself."""
        known = {*self.plan.study.strategies, *self.plan.study.baselines}
        for name in (*tuning.fixed, *tuning.space, *tuning.options):
            if name not in known:
                raise ConfigError(
                    f"tuning: {name!r} is not defined; allowed: {', '.join(sorted(known))}"
                )
        for name in tuning.options:
            if name in tuning.fixed:
                raise ConfigError(f"tuning.options.{name}: it is fixed, too; allowed: one of both")
        if tuning.trials is not None and tuning.trials_per_option is not None:
            raise ConfigError(
                "tuning.trials, tuning.trials_per_option: both are given; allowed: one of them"
            )
        if tuning.rungs and "training.epochs" in tuning.shared:
            raise ConfigError(
                "tuning.shared.training.epochs: rungs are shares of the same epochs; allowed: "
                "another option"
            )

    def _group(self, key: str, cell: Cell, space: dict[str, Range], tuning: Tuning) -> Group:
        from vaebench.study.design import design  # noqa: PLC0415 (other studies plan without its imports)

        number = tuning.number(len(space))
        points = design(space, number, "tuning", *self._designed_for(key, cell, tuning))
        return Group(
            cell, space, points, self._rungs(key, cell, tuning, number), self._seeds(cell, tuning)
        )

    def _designed_for(self, key: str, cell: Cell, tuning: Tuning) -> tuple[object, ...]:
        """What the design of a group is for: the group, or all strategies on its data."""
        if cell.replicate is None and tuning.trials_per_option is None:
            return tuple(key.split("/"))
        return cell.dataset, self.plan.drawn("design", cell.replicate or 0)

    def _rungs(self, key: str, cell: Cell, tuning: Tuning, number: int) -> list[Rung]:
        if cell.is_baseline:  # a closed form has no state to go on from
            return [Rung(number, 0)]
        epochs = self._epochs(cell, tuning)
        if tuning.rungs is None:
            return [Rung(number, epochs)]
        ends = tuning.rungs.until(epochs)
        if any(end >= later for end, later in pairwise(ends)):
            raise ConfigError(
                f"tuning.rungs: those of {key} would end at epochs {', '.join(map(str, ends))}; "
                "allowed: more epochs, or fewer rungs"
            )
        places = tuning.rungs.places(number)
        begins = [0, *ends]
        return [
            Rung(n, end - begin, end) for n, begin, end in zip(places, begins, ends, strict=False)
        ]

    def _epochs(self, cell: Cell, tuning: Tuning) -> int:
        """Of a whole trial."""
        epochs = (cell.spec["training"] | tuning.training).get("epochs")
        if epochs is None:
            from vaebench.training.settings import Training  # noqa: PLC0415 (torch)

            epochs = Training().epochs
        return epochs if isinstance(epochs, int) else 0

    def key(self, folder: CellFolder) -> str:
        """The group of a cell or trial, as a path."""
        return folder.key if self.plan.replicated else folder.group

    def _space(self, cell: Cell, tuning: Tuning) -> dict[str, Range]:
        """What is tuned of a cell: its own free options first, then the shared ones."""
        name, role = (cell.model, "model") if cell.is_baseline else (cell.strategy, "strategy")
        given = cell.spec[role]
        if name in tuning.fixed or references(given):
            return {}
        home = HOMES["baselines" if cell.is_baseline else "strategies"]
        declared: dict[str, Range] = dict(find(home, given["class"]).search_space)
        free = declared | tuning.space.get(name, {})
        free = {option: spread for option, spread in free.items() if option not in given}
        chosen = tuning.options.get(name, list(free))
        for option in chosen:
            if option not in free:
                raise ConfigError(
                    f"tuning.options.{name}: {option!r} is no free option that has a range; "
                    f"allowed: {', '.join(free) or 'none'}"
                )
        if tuning.trials_per_option is not None and len(chosen) > FREE:
            raise ConfigError(
                f"tuning.options.{name}: missing, and it has {len(free)} free options; allowed "
                f"with trials_per_option: one or {FREE} of {', '.join(free)}"
            )
        own = {f"{role}.{option}": free[option] for option in chosen}
        return own if cell.is_baseline else own | tuning.shared

    def metric(self, key: str) -> str:
        """What judges a group's trials, on validation."""
        cell = self.groups[key].cell
        return selecting(cell.spec, self.plan.dataset(cell.dataset).kind)[0]

    def choices(self) -> list[str]:
        """The choice files of the study."""
        return [self._choice(key) for key in self.groups]

    def choice_of(self, cell: Cell) -> list[str]:
        """The file that a cell takes chosen options from, if it does.

        Of a tuned final cell the choice; of a trial in a later rung, which trial has its place.
        """
        key, folder = self.key(cell.folder), cell.folder
        if folder.trial is None:
            return [self._choice(key)] if key in self.groups else []
        return [self.places(key, folder.rung)] if folder.rung > 1 else []

    def _choice(self, key: str) -> str:
        return str(self.folder / f"{key}.json")

    def places(self, key: str, rung: int) -> str:
        """The file that says which trials have the places of a later rung."""
        return str(self.folder / f"rung-{rung}/places/{key}.json")

    def later(self, key: str) -> list[int]:
        """The rungs of a group after the first."""
        return list(range(2, len(self.groups[key].rungs) + 1))

    def rung(self, folder: CellFolder) -> Rung:
        """The rung that a trial stands in."""
        return self.groups[self.key(folder)].rungs[folder.rung - 1]

    def states(self, folder: CellFolder) -> list[str]:
        """The states that the rung before leaves for a place, in the order of its places."""
        key = self.key(folder)
        before = self.cells(key, folder.rung - 1)
        return [str(each.state) for seeds in before for each in seeds if each.seed == folder.seed]

    def cell(self, folder: CellFolder) -> Cell:
        """A trial as a cell; in a later rung without the options of the trial that has its place.

        Raises:
            ConfigError: there is no such trial.
        """
        key = self.key(folder)
        group = self.groups.get(key)
        place = -1 if folder.trial is None else folder.trial
        rungs = group.rungs[folder.rung - 1 : folder.rung] if group else []
        if group is None or not rungs or not 0 <= place < rungs[0].places:
            what = f"trial {place}" if folder.rung == 1 else f"place {place} of rung {folder.rung}"
            raise ConfigError(
                f"the path: {what} of {key} is not planned; allowed: "
                f"{', '.join(self.groups) or 'none, the study has no tuning'}"
            )
        point = group.trials[place] if folder.rung == 1 else {}
        seed = group.seeds.get(folder.seed, folder.seed)
        spec = merged(group.cell.spec, point) | {"seed": seed}
        if not group.cell.is_baseline:
            assert self.tuning is not None  # noqa: S101 (there is a group)
            # the budget first: a tuned option of the training stands over it
            own = point.get("training", {})
            spec["training"] = {**group.cell.spec["training"], **self.tuning.training, **own}
        return replace(group.cell, folder=folder, spec=spec, stages={})

    def cells(self, key: str, rung: int = 1) -> list[list[CellFolder]]:
        """The folders of a rung of a group: trial by trial (or place by place), seed by seed."""
        group = self.groups[key]
        return [
            [CellFolder(self.plan.folder, *group.names, seed, n, rung) for seed in group.seeds]
            for n in range(group.rungs[rung - 1].places)
        ]

    def folders(self, key: str) -> list[CellFolder]:
        """The folders of all trials of a group, rung by rung."""
        rungs = [self.cells(key, rung) for rung in (1, *self.later(key))]
        return [folder for rung in rungs for seeds in rung for folder in seeds]

    def run(self, key: str) -> list[dict[str, Any]]:
        """The rungs of a group as :func:`vaebench.statistics.tuning.tried` takes them."""
        return [
            {
                "cells": [[str(each.path) for each in seeds] for seeds in self.cells(key, number)],
                "places": self.places(key, number) if number > 1 else None,
                "until": rung.until,
            }
            for number, rung in enumerate(self.groups[key].rungs, 1)
        ]

    def all_cells(self) -> list[Cell]:
        """Every trial of every group, rung by rung."""
        return [self.cell(folder) for key in self.groups for folder in self.folders(key)]

    def cost(self, key: str) -> list[tuple[int, int]]:
        """What a group trains: for each rung the number of jobs, and the epochs of each."""
        group = self.groups[key]
        return [(rung.places * len(group.seeds), rung.epochs) for rung in group.rungs]

    def _seeds(self, cell: Cell, tuning: Tuning) -> dict[int, int]:
        """See :class:`Group`; a fit that draws nothing needs one seed."""
        if cell.replicate is not None:
            return {cell.seed: tuning.seeds[0] + self.plan.drawn("trials", cell.replicate)}
        seeds = tuning.seeds
        if cell.is_baseline and self.plan.deterministic(cell.model):
            seeds = seeds[:1]
        return dict(zip(seeds, seeds, strict=True))

    def check(self) -> None:
        """Build what every trial trains, so that an impossible point costs a second.

        Raises:
            ConfigError: an option outside of what its component allows.
        """
        for key, group in self.groups.items():
            for number, (folder, *_) in enumerate(self.cells(key)):
                try:
                    _build(self.cell(folder).spec, baseline=group.cell.is_baseline)
                except ConfigError as error:
                    raise ConfigError(f"tuning: trial {number} of {key}: {error}") from error


def _build(spec: dict[str, Any], *, baseline: bool) -> None:
    """Components and training settings of a specification, built and thrown away."""
    from vaebench.training.settings import Training  # noqa: PLC0415 (torch)

    if baseline:
        create(HOMES["baselines"], unnamed(spec["model"]))
        return
    create(HOMES["models"], unnamed(spec["model"]), 1)
    create(HOMES["strategies"], unnamed(spec["strategy"]))
    try:
        Training(**spec["training"])
    except ValidationError as error:
        raise ConfigError(f"training.{sentence(error, Training)}") from None
