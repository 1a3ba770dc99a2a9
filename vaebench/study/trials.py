"""The cells of the tuning stage: which trials a study plans, and what depends on which choice."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from vaebench.cells.folder import NONE, CellFolder
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


@dataclass(frozen=True)
class Group:
    """The trials of one (data set, model, strategy).

    Attributes:
        cell: one of its final cells.
        space: ``role.option`` → range.
        trials: the options of every trial.
    """

    cell: Cell
    space: dict[str, Range]
    trials: list["Settings"]

    @property
    def names(self) -> tuple[str, str, str]:
        """Data set, model, strategy."""
        return self.cell.dataset, self.cell.model, self.cell.strategy


class Trials:
    """All trials of a plan; none where the study has no ``tuning``.

    A strategy is tuned over its search space without the options that the study writes down: to
    write an option is to fix it. One whose option another cell finds (``{beta: …, of: …}``) is left
    as it is.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.tuning: Tuning | None = plan.study.tuning
        self.folder = plan.folder / "tuning"
        self.groups: dict[str, Group] = {}
        if self.tuning is None:
            return
        from vaebench.study.design import design  # noqa: PLC0415 (other studies plan without its imports)

        tuning = self.tuning
        known = {*plan.study.strategies, *plan.study.baselines}
        for name in (*tuning.fixed, *tuning.space):
            if name not in known:
                raise ConfigError(
                    f"tuning: {name!r} is not defined; allowed: {', '.join(sorted(known))}"
                )
        for cell in plan.cells.values():
            if cell.seed in tuning.seeds:
                raise ConfigError(
                    f"tuning.seeds: {cell.seed} is a seed of the final runs; allowed: others"
                )
            key = cell.folder.group
            if key not in self.groups and (space := self._space(cell)):
                trials = design(space, tuning.trials, "tuning", *key.split("/"))
                self.groups[key] = Group(cell, space, trials)

    def _space(self, cell: Cell) -> dict[str, Range]:
        """What is tuned of a cell: its own free options first, then the shared ones."""
        assert self.tuning is not None  # noqa: S101 (asked for with a tuning stage alone)
        name, role = (cell.model, "model") if cell.strategy == NONE else (cell.strategy, "strategy")
        given = cell.spec[role]
        if name in self.tuning.fixed or references(given):
            return {}
        home = HOMES["baselines" if cell.strategy == NONE else "strategies"]
        declared: dict[str, Range] = dict(find(home, given["class"]).search_space)
        own = {
            f"{role}.{option}": spread
            for option, spread in (declared | self.tuning.space.get(name, {})).items()
            if option not in given
        }
        return own if cell.strategy == NONE else own | self.tuning.shared

    def metric(self, key: str) -> str:
        """What judges a group's trials, on validation."""
        cell = self.groups[key].cell
        return selecting(cell.spec, self.plan.dataset(cell.dataset).kind)[0]

    def choices(self) -> list[str]:
        """The choice files of the study."""
        return [self._choice(key) for key in self.groups]

    def choice_of(self, cell: Cell) -> list[str]:
        """The choice file that a final cell depends on, if it is tuned."""
        key = cell.folder.group
        return [self._choice(key)] if key in self.groups else []

    def _choice(self, key: str) -> str:
        return str(self.folder / f"{key}.json")

    def cell(self, folder: CellFolder) -> Cell:
        """A trial as a cell.

        Raises:
            ConfigError: there is no such trial.
        """
        group = self.groups.get(folder.group)
        trial = -1 if folder.trial is None else folder.trial
        if group is None or not 0 <= trial < len(group.trials):
            raise ConfigError(
                f"the path: trial {trial} of {folder.group} is not planned; allowed: "
                f"{', '.join(self.groups) or 'none, the study has no tuning'}"
            )
        spec = merged(group.cell.spec, group.trials[trial]) | {"seed": folder.seed}
        if not group.cell.is_baseline:
            assert self.tuning is not None  # noqa: S101 (there is a group)
            # the budget first: a tuned option of the training stands over it
            own = group.trials[trial].get("training", {})
            spec["training"] = {**group.cell.spec["training"], **self.tuning.training, **own}
        return Cell(folder, spec)

    def cells(self, key: str) -> list[list[CellFolder]]:
        """The folders of a group's trials: trial by trial, seed by seed."""
        assert self.tuning is not None  # noqa: S101 (there is a group)
        names = self.groups[key].names
        return [
            [CellFolder(self.plan.folder, *names, seed, trial) for seed in self._seeds(key)]
            for trial in range(len(self.groups[key].trials))
        ]

    def all_cells(self) -> list[Cell]:
        """Every trial of every group."""
        return [
            self.cell(folder)
            for key in self.groups
            for seeds in self.cells(key)
            for folder in seeds
        ]

    def _seeds(self, key: str) -> list[int]:
        """A fit that draws nothing needs one seed."""
        assert self.tuning is not None  # noqa: S101 (there is a group)
        cell = self.groups[key].cell
        if cell.strategy == NONE and self.plan.deterministic(cell.model):
            return self.tuning.seeds[:1]
        return self.tuning.seeds

    def check(self) -> None:
        """Build what every trial trains, so that an impossible point costs a second.

        Raises:
            ConfigError: an option outside of what its component allows.
        """
        for key, group in self.groups.items():
            for number in range(len(group.trials)):
                cell = self.cell(CellFolder(self.plan.folder, *group.names, 0, number))
                try:
                    _build(cell.spec, baseline=group.cell.strategy == NONE)
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
