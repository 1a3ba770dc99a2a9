"""The contracts of classes that are not the package's own, checked before the first job.

A strategy that returns a negative β, or keeps its state where no checkpoint finds it, would train
to its end and be compared with others. Each check takes a second or less. The package's own classes
have their tests.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from vaebench import contracts
from vaebench.cells.found import references
from vaebench.components import find, unnamed, validated
from vaebench.contracts import ContractBroken
from vaebench.datasets.fetch import local_file
from vaebench.errors import ConfigError
from vaebench.study.keys import HOMES, ORDERS
from vaebench.study.plan import Plan

LARGE = 5 * 2**20
"""Bytes of a raw file from which on a data set is not split to check it."""

FEATURES = (12, 784)
"""Items or pixels that a model is tried with: few, or as many as small pictures have."""

SHAPES = ((40, 12), (800, 600))
"""Rows and columns that a baseline is tried with: few, or enough for hundreds of factors."""


def check_own(plan: Plan) -> None:
    """Check every class of the catalogues that is not the package's own.

    Raises:
        ConfigError: a class does not keep its contract, or one of its options is not usable.
    """
    for kind, check in CHECKS.items():
        for name, spec in getattr(plan.study, kind).items():
            own = _own(f"{kind}.{name}", HOMES[kind], spec)
            if own is not None:
                check(f"{kind}.{name}", *own)
    for name in plan.datasets_used:
        if not all(split.card.exists() for split in plan.splits(name)):
            _check_dataset(plan, name)


def check_order(key: str, spec: Mapping[str, Any]) -> None:
    """Check an update order that is not the package's own.

    Raises:
        ConfigError: it does not keep its contract, or one of its options is not usable.
    """
    own = _own(key, ORDERS, spec)
    if own is not None:
        _kept(key, lambda: contracts.check_update_order(own[0], **own[1]))


Check = Callable[[str, Any, dict[str, Any]], None]
"""Of a key, a class and its options."""


def _own(key: str, home: str, spec: Mapping[str, Any]) -> tuple[Any, dict[str, Any]] | None:
    """Class and checked options of a component that is not the package's own."""
    try:
        component = find(home, spec["class"])
    except ConfigError as error:
        raise ConfigError(f"{key}.{error}") from None
    if component.__module__.partition(".")[0] == __package__.partition(".")[0]:
        return None
    given = {name: value for name, value in unnamed(spec).items() if name != "class"}
    try:
        if home == HOMES["metrics"]:
            given.pop("epoch", None)  # whose weights it looks at
        if home == HOMES["strategies"]:
            given |= dict.fromkeys(references(given), 1.0)  # what a cell will find
        return component, dict(validated(component, given))
    except ConfigError as error:
        raise ConfigError(f"{key}.{error}") from None


def _kept(key: str, *checks: Callable[[], None]) -> None:
    """One of the checks passes; a later one is for a class that could not do with the one before.

    Raises:
        ConfigError: none passes.
    """
    for number, check in enumerate(checks, start=1):
        try:
            check()
        except ContractBroken as error:
            if error.__cause__ is None or number == len(checks):
                raise ConfigError(f"{key}: {error}") from error
        else:
            return


def _check_strategy(key: str, component: Any, options: dict[str, Any]) -> None:  # noqa: ANN401
    def made() -> Any:  # noqa: ANN401
        return component(**options)

    made.__name__ = component.__name__
    _kept(key, lambda: contracts.check_strategy(made))


def _check_model(key: str, component: Any, options: dict[str, Any]) -> None:  # noqa: ANN401
    few, more = FEATURES
    _kept(
        key,
        lambda: contracts.check_model(component, few, **options),
        lambda: contracts.check_model(component, more, **options),
    )
    if hasattr(component, "update_order"):
        check_order(f"{key}: update_order", component.update_order)


def _check_baseline(key: str, component: Any, options: dict[str, Any]) -> None:  # noqa: ANN401
    few, more = SHAPES
    _kept(
        key,
        lambda: contracts.check_baseline(component, few, **options),
        lambda: contracts.check_baseline(component, more, **options),
    )


def _check_metric(key: str, component: Any, options: dict[str, Any]) -> None:  # noqa: ANN401
    _kept(key, lambda: contracts.check_metric(component, **options))


CHECKS: dict[str, Check] = {
    "strategies": _check_strategy,
    "models": _check_model,
    "baselines": _check_baseline,
    "metrics": _check_metric,
}


def _check_dataset(plan: Plan, name: str) -> None:
    """Also split where that is quick: drawn or embedded data, or a small raw file that is here."""
    key = f"datasets.{name}"
    own = _own(key, HOMES["datasets"], plan.study.datasets[name])
    if own is None:
        return
    component, options = own
    raw: Path | None = None
    with suppress(ConfigError):  # it cannot be made: the check says why
        found = local_file(component(**options), plan.local_folder(), plan.beside)
        raw = found[1] if found and found[1].stat().st_size <= LARGE else None
    _kept(key, lambda: contracts.check_dataset(component, raw, **options))
