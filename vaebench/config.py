"""A study: what is compared on what. The configuration is checked before any job runs.

Every error is one sentence that names the key, its value and what is allowed.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vaebench.cell import Training
from vaebench.components import create, find, module_name, options, sentence
from vaebench.datasets import Dataset
from vaebench.datasets.fetch import local_file
from vaebench.errors import ConfigError
from vaebench.sources import source_files

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
"""A name that is a folder: letters, digits, dot, underscore and hyphen."""

Component = dict[str, Any]
"""``{class: file.Class, **options}``."""

HOMES = {
    "datasets": "vaebench.datasets",
    "models": "vaebench.models",
    "strategies": "vaebench.strategies",
}


class Strict(BaseModel):
    """No unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Block(Strict):
    """A part of the grid: one data set × one model × strategies, trained in one way."""

    dataset: Name
    model: Name
    strategies: Annotated[list[Name], Field(min_length=1)]
    training: dict[str, Any] = {}


class Resources(Strict):
    """What one cell asks for from a scheduler."""

    threads: Annotated[int, Field(ge=1)] = 1
    gpu: Annotated[int, Field(ge=0)] = 0
    memory_mb: Annotated[int, Field(ge=1)] = 2_000
    runtime_minutes: Annotated[int, Field(ge=1)] = 60


class Tracking(Strict):
    """The MLflow mirror. ``uri`` is overruled by the environment's MLFLOW_TRACKING_URI."""

    enabled: bool = True
    uri: str | None = None
    experiment: str | None = None


class Study(Strict):
    """A whole study as written in a config file."""

    name: Name
    seeds: int | list[int]
    control: Name
    confidence: Annotated[float, Field(gt=0, lt=1)] = 0.95
    results: str = "results"
    local_files: str | None = None
    training: dict[str, Any] = {}
    resources: Resources = Resources()
    tracking: Tracking = Tracking()
    datasets: dict[Name, Component]
    models: dict[Name, Component]
    strategies: dict[Name, Component]
    grid: Annotated[list[Block], Field(min_length=1)]


@dataclass(frozen=True)
class Cell:
    """One cell: its names, and the specification that :func:`vaebench.cell.run` takes."""

    dataset: str
    model: str
    strategy: str
    seed: int
    spec: dict[str, Any]

    @property
    def path(self) -> str:
        """The cell's folder below the study's ``cells/``."""
        return f"{self.dataset}/{self.model}/{self.strategy}/seed-{self.seed}"


class Plan:
    """A checked study and all that the workflow asks of it."""

    def __init__(self, config: dict[str, Any]) -> None:
        try:
            self.study = Study(**config)
        except ValidationError as error:
            raise ConfigError(sentence(error, Study)) from None
        study = self.study
        seeds = list(range(study.seeds)) if isinstance(study.seeds, int) else study.seeds
        if not seeds or min(seeds) < 0 or len(set(seeds)) < len(seeds):
            raise ConfigError(
                f"seeds: {study.seeds} is not allowed; it should be a number ≥ 1, or a list of "
                "different numbers ≥ 0"
            )
        self.folder = Path(study.results) / study.name
        for kind in HOMES:
            for name, component in getattr(study, kind).items():
                if not isinstance(component.get("class"), str):
                    raise ConfigError(f"{kind}.{name}.class: missing; allowed: file.Class")
        self.cells = self._grid(seeds)
        used = {cell.strategy for cell in self.cells.values()}
        if study.control not in used:
            raise ConfigError(
                f"control: {study.control!r} is not in the grid; allowed: {', '.join(sorted(used))}"
            )
        self.datasets_used = list(dict.fromkeys(cell.dataset for cell in self.cells.values()))

    def _grid(self, seeds: list[int]) -> dict[str, Cell]:
        """All cells by their path."""
        study = self.study
        cells: dict[str, Cell] = {}
        for number, block in enumerate(study.grid):
            for key in ("dataset", "model"):
                self._known(f"grid.{number}.{key}", getattr(block, key), f"{key}s")
            for strategy in block.strategies:
                self._known(f"grid.{number}.strategies", strategy, "strategies")
                for seed in seeds:
                    cell = self._cell(block, strategy, seed)
                    if cell.path in cells:
                        raise ConfigError(
                            f"grid.{number}: {cell.path} stands in the grid already; allowed: once"
                        )
                    cells[cell.path] = cell
        return cells

    def other_cell(self, *, dataset: str, model: str, strategy: str, seed: str) -> Cell:
        """A cell outside the grid, asked for by its path; trained as the grid trains its like.

        Raises:
            ConfigError: a name that the study does not define.
        """
        for kind, name in (("dataset", dataset), ("model", model), ("strategie", strategy)):
            self._known("the path", name, f"{kind}s")
        like = [b for b in self.study.grid if (b.dataset, b.model) == (dataset, model)]
        training = like[0].training if like else {}
        block = Block(dataset=dataset, model=model, strategies=[strategy], training=training)
        return self._cell(block, strategy, int(seed))

    def check(self) -> None:
        """Build every component of the catalogues, so that a wrong option costs a second.

        Raises:
            ConfigError: an unknown or impossible option, or components that do not fit.
        """
        datasets = {name: self.dataset(name) for name in self.study.datasets}
        models = {name: self._created("models", name, 1) for name in self.study.models}
        strategies = {name: self._created("strategies", name) for name in self.study.strategies}
        for number, block in enumerate(self.study.grid):
            where = f"grid.{number}"
            kind = datasets[block.dataset].kind
            taken = models[block.model].data_kind
            if taken != kind:
                raise ConfigError(
                    f"{where}.model: {block.model!r} takes {taken}, but "
                    f"{block.dataset!r} has {kind}; allowed: a model for {kind}"
                )
            try:
                Training(**(self.study.training | block.training))
            except ValidationError as error:
                key = "training" if self._in_study(error) else f"{where}.training"
                raise ConfigError(f"{key}.{sentence(error, Training)}") from None
            for name in block.strategies:
                if strategies[name].needs_counts and kind != "interactions":
                    raise ConfigError(
                        f"{where}.strategies: {name!r} scales β by interactions, and {kind} have "
                        "none; allowed on images: strategies without counts"
                    )

    def dataset(self, name: str) -> Dataset:
        """The data set called ``name``."""
        return self._created("datasets", name)

    def local_folder(self) -> Path | None:
        """The folder of files that the user already has; VAEBENCH_RAW overrules the config."""
        folder = os.environ.get("VAEBENCH_RAW") or self.study.local_files
        return Path(folder) if folder else None

    def local_inputs(self, name: str) -> list[str]:
        """The user's own raw file of a data set, if it is there."""
        found = local_file(self.dataset(name), self.local_folder())
        return [str(found[1])] if found else []

    def dataset_options(self, name: str) -> dict[str, Any]:
        """Class and all options of a data set as plain data."""
        return self._options("datasets", name)

    def dataset_sources(self, name: str) -> list[str]:
        """The source files that a split stands on."""
        return source_files("vaebench.datasets.fetch", self._module("datasets", name))

    def cell_sources(self, cell: Cell) -> list[str]:
        """The source files that a cell stands on: editing one of them reruns it."""
        return source_files(
            "vaebench.cell",
            self._module("models", cell.model),
            self._module("strategies", cell.strategy),
        )

    def _cell(self, block: Block, strategy: str, seed: int) -> Cell:
        study = self.study
        spec = {
            "study": study.name,
            "dataset": block.dataset,
            "model": {"name": block.model, **study.models[block.model]},
            "strategy": {"name": strategy, **study.strategies[strategy]},
            "seed": seed,
            "training": {**study.training, **block.training},
        }
        return Cell(block.dataset, block.model, strategy, seed, spec)

    def _known(self, key: str, name: str, kind: str) -> None:
        catalogue = getattr(self.study, kind)
        if name not in catalogue:
            raise ConfigError(
                f"{key}: {name!r} is not defined; allowed: {', '.join(sorted(catalogue))}"
            )

    def _in_study(self, error: ValidationError) -> bool:
        return error.errors()[0]["loc"][0] in self.study.training

    def _created(self, kind: str, name: str, *arguments: object) -> Any:  # noqa: ANN401
        try:
            return create(HOMES[kind], getattr(self.study, kind)[name], *arguments)
        except ConfigError as error:
            raise ConfigError(f"{kind}.{name}.{error}") from error

    def _options(self, kind: str, name: str) -> dict[str, Any]:
        spec = dict(getattr(self.study, kind)[name])
        path = spec.pop("class")
        return {"class": path, **options(find(HOMES[kind], path), spec)}

    def _module(self, kind: str, name: str) -> str:
        return module_name(HOMES[kind], getattr(self.study, kind)[name]["class"])
