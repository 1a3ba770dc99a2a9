"""What all checks share."""

import inspect
import pickle
import random
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from vaebench.components import options_model
from vaebench.errors import ConfigError


class ContractBroken(AssertionError):
    """A component does not keep what its contract promises; the message says what and where."""


def broken_options(component: type, given: tuple[str, ...] = ()) -> Iterator[str]:
    """Options that no config could check; ``given``: the arguments that come from the data."""
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = inspect.signature(component).parameters.values()
    if tuple(p.name for p in parameters if p.kind in positional) != given:
        allowed = f"__init__({', '.join(('self', *given))}, *, option: type = default)"
        yield f"an option is not keyword-only; allowed: {allowed}"
    try:
        options_model(component)
    except ConfigError as error:
        yield str(error)


def global_numbers() -> tuple[object, ...]:
    """Where the global random streams stand, which nothing of ours may move or look at."""
    numpys = pickle.dumps(np.random.get_state())  # noqa: NPY002 (to see that nobody draws from it)
    return torch.get_rng_state().numpy().tobytes(), numpys, random.getstate()


def equal(one: Tensor, two: Tensor) -> bool:
    """Bit for bit; what is NaN in both is equal."""
    return one.shape == two.shape and bool(((one == two) | (one.isnan() & two.isnan())).all())


def differing(one: torch.nn.Module, two: torch.nn.Module) -> list[str]:
    """The names of parameters and buffers that differ."""
    theirs = two.state_dict()
    return [name for name, value in one.state_dict().items() if not equal(value, theirs[name])]
