"""The contract of a strategy as a check that any test suite can call.

from vaebench.contracts import check_strategy

def test_my_strategy() -> None:
    check_strategy(lambda: MyStrategy(gamma=0.1))
"""

import copy
import inspect
from collections.abc import Callable, Iterator

import torch

from vaebench.components import options_model
from vaebench.strategies import Stats, Strategy

BATCH, LATENTS, TOTAL = 5, 4, 100
STEPS = (0, 1, 50, 99)


class ContractBroken(AssertionError):
    """A component does not keep what its contract promises; the message says what and where."""


def some_stats(step: int, *, scale: float = 1.0) -> Stats:
    """Statistics of an update as training gives them; ``scale`` multiplies the rate."""
    noise = torch.Generator().manual_seed(step)
    return Stats(
        torch.tensor(step),
        TOTAL,
        torch.rand(BATCH, generator=noise) * 50,
        torch.rand(BATCH, LATENTS, generator=noise) * scale,
        torch.arange(1.0, BATCH + 1),
    )


def check_strategy(make: Callable[[], Strategy]) -> None:
    """Check a strategy against all that training relies on.

    Options are keyword-only and annotated; β is finite at any rate, broadcasts to (B, Z), keeps
    float32 and carries no gradient; ``forward`` is pure; the weights of examples are ≥ 0 and
    finite; state is written in place and survives saving bit for bit; ``update`` and ``observe``
    take what they are given.

    Args:
        make: makes the strategy anew, always with the same options.

    Raises:
        ContractBroken: the first promise that is not kept.
    """
    name = type(make()).__name__
    for message in _broken(make):
        raise ContractBroken(f"{name}: {message}")


def _broken(make: Callable[[], Strategy]) -> Iterator[str]:
    strategy = make()
    parameters = inspect.signature(type(strategy)).parameters.values()
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    if any(parameter.kind in positional for parameter in parameters):
        yield "an option is not keyword-only; allowed: __init__(self, *, option: type = default)"
    try:
        options_model(type(strategy))
    except KeyError as missing:
        yield f"option {missing} has no annotation; allowed: a type that checks it"
    for step in STEPS:
        for scale in (0.0, 1.0, 1e30):
            yield from _broken_beta(strategy, some_stats(step, scale=scale), f"at step {step}")
    yield from _broken_state(make)


def _broken_beta(strategy: Strategy, stats: Stats, where: str) -> Iterator[str]:
    before = copy.deepcopy(strategy.state_dict())
    given = copy.deepcopy(stats)
    beta, again = strategy(stats), strategy(stats)
    weights = strategy.example_weights(stats)
    if not torch.equal(beta, again):
        yield f"two calls of forward give two β {where}; allowed: a pure function"
    if any(not torch.equal(before[key], now) for key, now in strategy.state_dict().items()):
        yield f"forward writes a buffer {where}; allowed: update and observe write"
    if not (
        torch.equal(stats.rate, given.rate) and torch.equal(stats.distortion, given.distortion)
    ):
        yield f"forward writes into its statistics {where}; allowed: reading"
    if not torch.isfinite(beta).all():
        yield f"β is not finite {where}, rates up to {stats.rate.max():g}; allowed: finite numbers"
    try:
        fits = torch.broadcast_shapes(beta.shape, stats.rate.shape) == stats.rate.shape
    except RuntimeError:
        fits = False
    if not fits:
        yield f"β has shape {tuple(beta.shape)}; allowed: (), (B, 1), (Z,) or (B, Z)"
    elif (beta * stats.rate).dtype != stats.rate.dtype:
        yield f"β is {beta.dtype} and widens the loss; allowed: the rate's type, or shape ()"
    if beta.requires_grad:
        yield "β carries a gradient; allowed: a weight that training takes as given"
    if weights.shape not in {(), (BATCH,)} or not (torch.isfinite(weights) & (weights >= 0)).all():
        yield f"example_weights {weights.tolist()}; allowed: finite numbers ≥ 0, shape () or (B,)"


def _broken_state(make: Callable[[], Strategy]) -> Iterator[str]:
    strategy, restored = make(), make()
    places = {name: buffer.data_ptr() for name, buffer in strategy.named_buffers()}
    for step in range(BATCH):
        strategy.update(some_stats(step))
        strategy.observe(0.5 - 0.1 * step)
    for name, buffer in strategy.named_buffers():
        if buffer.data_ptr() != places[name]:
            yield f"buffer {name!r} is replaced; allowed: writing in place (copy_, fill_, add_)"
    restored.load_state_dict(strategy.state_dict())
    for step in range(BATCH, 2 * BATCH):
        stats = some_stats(step)
        if not torch.equal(strategy(stats), restored(stats)):
            yield "saving and loading changes β; allowed: state in registered buffers alone"
            return
        for one in (strategy, restored):
            one.update(stats)
            one.observe(0.1)
    for key, now in strategy.state_dict().items():
        if not torch.equal(now, restored.state_dict()[key]):
            yield f"buffer {key!r} goes another way after loading; allowed: state in buffers alone"
