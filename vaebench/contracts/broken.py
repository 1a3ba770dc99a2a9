"""What all checks share: how a broken promise is reported, and the promises of every component."""

import copy
import inspect
import random
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vaebench.components import options_model, validated
from vaebench.errors import ConfigError, VaebenchError


class ContractBroken(AssertionError):
    """A component does not keep what its contract promises; the message says what and where.

    Its cause is the error that the component raised, if it raised one.
    """


def report(name: str, findings: Iterator[str]) -> None:
    """Find the first broken promise of the component called ``name``.

    Raises:
        ContractBroken: a finding, or an error that the component raised.
    """
    cause = None
    try:
        finding = next(findings, None)
    except (ContractBroken, VaebenchError) as error:
        finding = str(error).removeprefix(f"{name}: ")
    except Exception as error:  # noqa: BLE001 (a stranger's class may raise anything)
        what = f"{type(error).__name__}: {error}".partition("\n")[0]
        finding, cause = f"{what}; allowed: working wherever the package calls it", error
    finally:
        if isinstance(findings, Generator):
            findings.close()  # what it had opened
    if finding is not None:
        raise ContractBroken(f"{name}: {finding}") from cause


def broken_options(component: type, given: tuple[str, ...] = ()) -> Iterator[str]:
    """Options that no config could check; ``given``: the arguments that come from the data."""
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = inspect.signature(component).parameters.values()
    if tuple(p.name for p in parameters if p.kind in positional) != given:
        allowed = f"__init__({', '.join(('self', *given))}, *, option: type = default)"
        yield f"an option is not keyword-only; allowed: {allowed}"
    options_model(component)


def broken_search_space(component: Any) -> Iterator[str]:  # noqa: ANN401 (a class that has one)
    """A tuning stage could choose a value that its option does not allow."""
    fields = options_model(component).model_fields
    required = {name for name, field in fields.items() if field.is_required()}
    for name, spread in component.search_space.items():
        for share in (0.0, 0.5, 1.0):
            if required <= {name}:  # others would be missing
                try:
                    validated(component, {name: spread.at(share)})
                except ConfigError as error:
                    yield f"search_space: {error}"


def broken_facts(component: type, allowed: dict[str, tuple[object, ...]]) -> Iterator[str]:
    """Class attributes that have none of their allowed values."""
    for name, values in allowed.items():
        value = getattr(component, name, None)
        if value not in values:
            yield f"{name} is {value!r}; allowed: {', '.join(map(str, values))}"


@contextmanager
def global_streams_left_alone(where: str, allowed: str) -> Iterator[None]:
    """Whoever draws from a global stream depends on what was drawn before.

    Raises:
        ContractBroken: a global stream of torch, numpy or Python has moved.
    """
    before = _global_streams()
    yield
    if not same(before, _global_streams()):
        raise ContractBroken(
            f"{where} draws from a global random stream, or seeds it; allowed: {allowed}"
        )


def _global_streams() -> tuple[object, ...]:
    numpys = np.random.get_state(legacy=False)  # noqa: NPY002 (to see that nobody draws from it)
    return torch.get_rng_state(), numpys, random.getstate()


def attributes(component: nn.Module) -> dict[str, Any]:
    """What lies in a component beside torch's own: options, and whatever else was put there."""
    own = {name: value for name, value in vars(component).items() if name not in vars(nn.Module())}
    return copy.deepcopy(own)


def broken_attributes(before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    """State that lies in attributes of Python's; see :func:`attributes`."""
    for name in sorted(before.keys() | after.keys()):
        if name not in before or name not in after or not same(before[name], after[name]):
            yield (
                f"attribute {name!r} is state, which no checkpoint keeps; allowed: state in "
                "registered buffers"
            )


def same(one: Any, other: Any) -> bool:  # noqa: ANN401 (whatever an attribute may be)
    """Bit for bit, inside containers, too; what is NaN in both is the same."""
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        alike = one.shape == other.shape and one.dtype == other.dtype
        return alike and bool(((one == other) | (one.isnan() & other.isnan())).all())
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        return np.array_equal(one, other)
    if isinstance(one, torch.Generator) and isinstance(other, torch.Generator):
        return torch.equal(one.get_state(), other.get_state())
    return bool(one == other)


def differing(one: nn.Module, two: nn.Module) -> list[str]:
    """The names of parameters and buffers that differ."""
    theirs = two.state_dict()
    return [name for name, value in one.state_dict().items() if not same(value, theirs[name])]
