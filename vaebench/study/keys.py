"""The keys of a study's configuration, and what their values may be."""

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictInt, ValidationError

from vaebench import credentials
from vaebench.cells.folder import NONE
from vaebench.components import sentence
from vaebench.errors import ConfigError
from vaebench.images.options import ImageStudy
from vaebench.study.registration import Registration, completed
from vaebench.study.tuning import Tuning

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
"""A name that is a folder: letters, digits, dot, underscore and hyphen."""

Margin = Annotated[float, Field(gt=0)]
"""A difference that counts as none."""

Component = dict[str, Any]
"""``{class: file.Class, **options}``."""

MetricName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9@._-]*$")]
"""A name that is a column: as :data:`Name`, and @."""

HOMES = {
    "datasets": "vaebench.datasets",
    "models": "vaebench.models",
    "strategies": "vaebench.strategies",
    "baselines": "vaebench.baselines",
    "metrics": "vaebench.metrics",
}
ORDERS = "vaebench.training.orders"

EPOCHS = ("selected", "last")
"""Whose weights a metric may look at: its key ``epoch``, beside the options of its class."""

SHIPPED: dict[str, dict[str, Any]] = {
    "ndcg@100": {"class": "ndcg.NDCG", "k": 100},
    "recall@20": {"class": "recall.Recall", "k": 20},
    "recall@50": {"class": "recall.Recall", "k": 50},
    "distortion": {"class": "elbo.Distortion"},
    "rate": {"class": "elbo.Rate"},
    "elbo": {"class": "elbo.ELBO"},
}
"""The metrics of every study; ``metrics`` of a configuration adds to them."""

DEEP = 100
"""K of the NDCG@K that selects and is primary where a data set has no ``cutoff``."""


class Strict(BaseModel):
    """No unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


Source = Literal["split", "design", "trials", "final"]
"""What a replicate draws anew: the split, the design of the tuning stage, the seeds of its trials,
the seed of the final run."""


DRAWN: dict[Source, str] = {
    "split": "split",
    "design": "tuning design",
    "trials": "tuning seed",
    "final": "final seed",
}
"""Sources in print."""

OF_TUNING = {"design", "trials"}
"""Sources that only a tuning stage has."""


class Replicates(Strict):
    """Replicates in the place of seeds: each draws all that can be drawn anew.

    Attributes:
        number: how many, or their numbers; a variance needs two.
        vary: what a replicate draws; the rest is for all of them what it is for replicate 0.
    """

    number: StrictInt | list[StrictInt]
    vary: Annotated[list[Source], Field(min_length=1)] = ["split", "design", "trials", "final"]


def _number(given: Any) -> Any:  # noqa: ANN401 (what stands in a config)
    """``replicates: 4`` is ``replicates: {number: 4}``."""
    return {"number": given} if isinstance(given, int | list) else given


class Block(Strict):
    """A part of the grid: one data set × one model × strategies, trained in one way.

    ``baselines`` are fitted to the same data set. ``seeds`` (in a study of replicates
    ``replicates``) is for a block that needs only the first so many of the study's.
    """

    dataset: Name
    model: Name
    strategies: Annotated[list[Name], Field(min_length=1)]
    baselines: list[Name] = []
    training: dict[str, Any] = {}
    seeds: Annotated[int, Field(ge=1)] | None = None
    replicates: Annotated[int, Field(ge=2)] | None = None


class Resources(Strict):
    """What one cell asks for from a scheduler."""

    threads: Annotated[int, Field(ge=1)] = 1
    gpu: Annotated[int, Field(ge=0)] = 0
    memory_mb: Annotated[int, Field(ge=1)] = 2_000
    runtime_minutes: Annotated[int, Field(ge=1)] = 60


class Tracking(Strict):
    """The MLflow mirror. ``uri`` is overruled by the environment's MLFLOW_TRACKING_URI.

    ``live``: while the study runs, not at its end alone. ``models``: the best cell of a strategy is
    a logged model, too.
    """

    enabled: bool = True
    live: bool = True
    models: bool = False
    uri: str | None = None
    experiment: str | None = None


class Study(Strict):
    """A whole study as written in a config file."""

    name: Name
    seeds: StrictInt | list[StrictInt] | None = None
    replicates: Annotated[Replicates | None, BeforeValidator(_number)] = None
    control: Name
    confidence: Annotated[float, Field(gt=0, lt=1)] = 0.95
    margin: Margin | dict[str, Margin] = 0.01
    primary: str | None = None
    units: dict[Name, str] = {}
    results: str = "results"
    local_files: str | None = None
    finished_only: bool = False
    training: dict[str, Any] = {}
    resources: Resources = Resources()
    tracking: Tracking = Tracking()
    datasets: dict[Name, Component]
    models: dict[Name, Component]
    strategies: dict[Name, Component]
    baselines: dict[Name, Component] = {}
    metrics: dict[MetricName, Component] = {}
    tuning: Tuning | None = None
    registration: Registration | None = None
    images: ImageStudy | None = None
    grid: Annotated[list[Block], Field(min_length=1)]

    @property
    def all_metrics(self) -> dict[str, Component]:
        """The shipped metrics, those of the data sets' cutoffs, and the study's own."""
        return SHIPPED | self._of_cutoffs | self.metrics

    @property
    def natural(self) -> dict[str, str]:
        """Data set with a ``cutoff`` of its own → its metric: it selects there, and is primary."""
        given = {name: each.get("cutoff", DEEP) for name, each in self.datasets.items()}
        return {name: f"ndcg@{k}" for name, k in given.items() if k != DEEP}

    def selecting(self, dataset: str) -> dict[str, str]:
        """``select`` of a data set's cutoff, as training settings have it; else nothing."""
        return {"select": self.natural[dataset]} if dataset in self.natural else {}

    @property
    def _of_cutoffs(self) -> dict[str, Component]:
        names = self.natural.values()
        return {n: {"class": "ndcg.NDCG", "k": int(n.removeprefix("ndcg@"))} for n in names}

    @property
    def numbers(self) -> list[int]:
        """The seeds, or replicates, one by one."""
        given = self.replicates.number if self.replicates else self.seeds
        return list(range(given)) if isinstance(given, int) else given or []


def read(config: dict[str, Any]) -> Study:
    """The study of a configuration.

    Raises:
        ConfigError: the first key that is unknown, missing or has an impossible value.
    """
    credentials.check(config.get("tracking"))  # first: other sentences show what was written
    try:
        study = Study(**config)
    except ValidationError as error:
        raise ConfigError(sentence(error, Study)) from None
    _check_numbers(study)
    _check_cutoffs(study)
    known = study.all_metrics
    if isinstance(study.margin, dict) and set(study.margin) - set(known):
        unknown = min(set(study.margin) - set(known))
        raise ConfigError(f"margin.{unknown}: no such metric; allowed: {', '.join(known)}")
    if study.primary is not None and study.primary not in known:
        raise ConfigError(f"primary: {study.primary!r} is no metric; allowed: {', '.join(known)}")
    for name in study.units.keys() - study.datasets.keys():
        allowed = ", ".join(sorted(study.datasets))
        raise ConfigError(f"units.{name}: no such data set; allowed: {allowed}")
    _check_names(study)
    return completed(study)


def _check_cutoffs(study: Study) -> None:
    """A cutoff is a number, and its metric is no other one of the study."""
    for dataset, component in study.datasets.items():
        k = component.get("cutoff", DEEP)
        if not isinstance(k, int) or isinstance(k, bool) or k < 1:
            raise ConfigError(
                f"datasets.{dataset}.cutoff: {k!r} is not allowed; it should be a whole number ≥ 1"
            )
        name, natural = f"ndcg@{k}", {"class": "ndcg.NDCG", "k": k}
        if {**natural, **study.metrics.get(name, {})} != natural:
            raise ConfigError(
                f"metrics.{name}: datasets.{dataset}.cutoff has a metric of this name; allowed: "
                "another name"
            )


def _check_numbers(study: Study) -> None:
    """Seeds or replicates, enough of them, each once."""
    if (study.seeds is None) == (study.replicates is None):
        found = "both are given" if study.replicates else "neither is given"
        raise ConfigError(
            f"seeds, replicates: {found}; allowed: one of them (a replicate draws split, tuning "
            "and seed anew, a seed the final runs alone)"
        )
    key, least = ("seeds", 1) if study.replicates is None else ("replicates", 2)
    numbers = study.numbers
    if len(numbers) < least or min(numbers) < 0 or len(set(numbers)) < len(numbers):
        given = study.replicates.number if study.replicates else study.seeds
        lists = f" {least} or more" if least > 1 else ""
        raise ConfigError(
            f"{key}: {given} is not allowed; it should be a number ≥ {least}, or a list of{lists} "
            "different numbers ≥ 0"
        )
    if study.replicates and study.tuning is None and {*study.replicates.vary} <= OF_TUNING:
        raise ConfigError(
            f"replicates.vary: {', '.join(study.replicates.vary)}: the study has no tuning, so "
            "that nothing varies; allowed: split, final"
        )
    other = "replicates" if key == "seeds" else "seeds"
    for number, block in enumerate(study.grid):
        if getattr(block, other) is not None:
            raise ConfigError(f"grid.{number}.{other}: the study has {key}; allowed: {key}")
    for name in study.datasets if study.replicates else ():
        if re.fullmatch(r"replicate-\d+", name):
            raise ConfigError(f"datasets.{name}: replicates have this name; allowed: another name")


def _check_names(study: Study) -> None:
    """Every component names its class, and no name means two things."""
    for kind in HOMES:
        for name, component in getattr(study, kind).items():
            if not isinstance(component.get("class"), str):
                raise ConfigError(f"{kind}.{name}.class: missing; allowed: file.Class")
    for name, component in study.metrics.items():
        if component.get("epoch", "selected") not in EPOCHS:
            raise ConfigError(
                f"metrics.{name}.epoch: {component['epoch']!r} is not allowed; it should be "
                f"{' or '.join(EPOCHS)}"
            )
        if name == "interactions":
            raise ConfigError(
                "metrics.interactions: test.parquet has the users' numbers of interactions under "
                "this name; allowed: another name"
            )
        if name in SHIPPED and component != SHIPPED[name]:
            raise ConfigError(
                f"metrics.{name}: the name of a metric that every study has; allowed: another name"
            )
    if study.baselines and NONE in study.strategies:
        raise ConfigError(
            f"strategies.{NONE}: in paths this name takes the place of a baseline's strategy; "
            "allowed: another name"
        )
    for name in study.baselines.keys() & study.models.keys():
        raise ConfigError(f"baselines.{name}: a model has this name; allowed: another name")
