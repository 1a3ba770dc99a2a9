"""Is a plan sound? Everything that can be known before any job is checked here, within seconds."""

from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from vaebench.cells.found import references
from vaebench.cells.selection import selecting
from vaebench.components import create, find, sentence
from vaebench.datasets import Interactions
from vaebench.datasets.fetch import check as check_raw
from vaebench.errors import ConfigError, DataError
from vaebench.files import read_json
from vaebench.metrics import Catalogue, Ranking, Representation
from vaebench.metrics.elbo import ELBO
from vaebench.strategies import Strategy
from vaebench.study.keys import HOMES, ORDERS, Block
from vaebench.study.own import check_order, check_own
from vaebench.study.plan import Plan
from vaebench.training.estimators import Estimator
from vaebench.training.settings import Training
from vaebench.training.weighing import check_dial, check_weighs


def check(plan: Plan) -> None:
    """Build every component of the catalogues, so that a wrong option costs a second.

    Raises:
        ConfigError: an unknown or impossible option, components that do not fit, a raw file that
            cannot be used, or a class of the user that breaks its contract.
    """
    study = plan.study
    for name in plan.datasets_used:
        _check_raw(plan, name)
    check_own(plan)
    built = Built(
        {name: plan.dataset(name).kind for name in study.datasets},
        {name: getattr(plan.dataset(name), "has_labels", False) for name in study.datasets},
        {name: plan.created("models", name, 1) for name in study.models},
        {name: _strategy(plan, name) for name in study.strategies},
        {name: plan.created("baselines", name) for name in study.baselines},
    )
    _check_factors(plan, [plan.created("metrics", name) for name in study.metrics])
    for number, block in enumerate(study.grid):
        _check_block(plan, block, f"grid.{number}", built)


def _check_factors(plan: Plan, metrics: list[Any]) -> None:
    """Whether a data set has what metrics of representations look at."""
    wanted = {
        name: metric
        for name, metric in zip(plan.study.metrics, metrics, strict=True)
        if isinstance(metric, Representation)
    }
    known = [getattr(plan.dataset(name), "factor_names", ()) for name in plan.study.datasets]
    if wanted and not any(known):
        raise ConfigError(
            f"metrics.{next(iter(wanted))}: no data set of the study has known factors, which it "
            "looks at; allowed: with one that has, as shapes.Shapes"
        )


@dataclass(frozen=True)
class Built:
    """The components of a study by name; of data sets, their kind and whether they have labels."""

    kinds: dict[str, str]
    labelled: dict[str, bool]
    models: dict[str, Any]
    strategies: dict[str, Strategy]
    baselines: dict[str, Any]


def _check_block(plan: Plan, block: Block, where: str, built: Built) -> None:
    """Whether the components of a block of the grid fit each other."""
    kind, model = built.kinds[block.dataset], built.models[block.model]
    if model.data_kind != kind:
        raise ConfigError(
            f"{where}.model: {block.model!r} takes {model.data_kind}, but {block.dataset!r} has "
            f"{kind}; allowed: a model for {kind}"
        )
    if model.classes is not None and not built.labelled[block.dataset]:
        raise ConfigError(
            f"{where}.model: {block.model!r} looks at labels, and {block.dataset!r} has none; "
            "allowed: a data set of pictures with labels"
        )
    for name in block.baselines:
        taken = built.baselines[name].data_kind
        if taken != kind:
            raise ConfigError(
                f"{where}.baselines: {name!r} takes {taken}, but {block.dataset!r} has {kind}; "
                f"allowed: a baseline for {kind}"
            )
    _check_selection(plan, block, where, kind, has_bound=model.has_bound)
    estimator = _estimator(plan, block, where)
    for name in block.strategies:
        strategy = built.strategies[name]
        try:
            estimator.check_weight(strategy)
            estimator.check_model(model)
        except ConfigError as error:
            raise ConfigError(f"{where}.strategies: {name!r}: {error}") from None
        try:
            check_weighs(strategy, model, (name, block.model))
            check_dial(strategy, model, (name, block.model))
        except ConfigError as error:
            raise ConfigError(f"{where}.strategies: {error}") from None
        if strategy.needs_counts and kind != "interactions":
            raise ConfigError(
                f"{where}.strategies: {name!r} scales β by interactions, and {kind} have none; "
                "allowed on images: strategies without counts"
            )


def _check_selection(plan: Plan, block: Block, where: str, kind: str, *, has_bound: bool) -> None:
    """The metric that selects the epoch is one that can."""
    of_data = plan.study.selecting(block.dataset)
    name = (plan.study.training | of_data | block.training).get("select")
    key = f"{where}." if "select" in block.training else ""
    asked = {}
    if name is not None:
        metric = {k: v for k, v in plan.study.all_metrics[name].items() if k != "epoch"}
        asked = {"select": {"name": name, **metric}}
    try:
        _, component = selecting(asked, kind)
    except ConfigError as error:
        raise ConfigError(f"{key}{error}") from None
    if not has_bound and issubclass(find("vaebench.metrics", component["class"]), ELBO):
        raise ConfigError(
            f"{key}training.select: the ELBO selects the epoch, and {block.model!r} has none; "
            "allowed: a metric that it has, as elbo.Reconstruction"
        )


def _check_raw(plan: Plan, name: str) -> None:
    """The raw file of a data set that is not split yet: here or published, and usable."""
    splits = plan.splits(name)
    dataset = plan.split_of(splits[0])
    if isinstance(dataset, Interactions):
        dataset.lists = _lists(plan)
    try:
        if not all(split.card.exists() for split in splits):
            check_raw(dataset, plan.local_folder(), plan.beside)
        elif isinstance(dataset, Interactions):
            counts = read_json(splits[0].card).get("counts", {})
            if "training_items" in counts:
                dataset.check_depth(counts["training_items"])
    except DataError as error:
        raise ConfigError(f"datasets.{name}: {error}") from error


def _lists(plan: Plan) -> dict[str, int]:
    """The study's own metrics of lists → their K."""
    made = {name: plan.created("metrics", name) for name in plan.study.metrics}
    return {n: each.k for n, each in made.items() if isinstance(each, Ranking | Catalogue)}


def _estimator(plan: Plan, block: Block, where: str) -> Estimator:
    """The estimator of a block whose training settings and update order are sound."""
    try:
        training = Training(**(plan.study.training | block.training))
    except ValidationError as error:
        setting = error.errors()[0]["loc"][0]
        of_study = setting in plan.study.training and setting not in block.training
        key = "training" if of_study else f"{where}.training"
        raise ConfigError(f"{key}.{sentence(error, Training)}") from None
    if training.update_order is not None:
        key = f"{where}.training" if "update_order" in block.training else "training"
        if not isinstance(training.update_order.get("class"), str):
            raise ConfigError(f"{key}.update_order.class: missing; allowed: file.Class")
        check_order(f"{key}.update_order", training.update_order)
        try:
            create(ORDERS, training.update_order)
        except ConfigError as error:
            raise ConfigError(f"{key}.update_order.{error}") from error
    return Estimator(training.estimator, training.samples)


def _strategy(plan: Plan, name: str) -> Strategy:
    """A strategy; an option that another cell will find stands at 1, which any β may be."""
    spec = plan.study.strategies[name]
    try:
        strategy: Strategy = create(
            HOMES["strategies"], spec | dict.fromkeys(references(spec), 1.0)
        )
    except ConfigError as error:
        raise ConfigError(f"strategies.{name}.{error}") from error
    return strategy
