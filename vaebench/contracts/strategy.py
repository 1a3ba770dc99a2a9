"""The contract of a strategy as a check."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product

import torch
from torch import Tensor

from vaebench.contracts.broken import (
    attributes,
    broken_attributes,
    broken_options,
    broken_search_space,
    global_streams_left_alone,
    report,
    same,
)
from vaebench.contracts.examples import SIZES, TOTAL, some_stats
from vaebench.contracts.schedule import broken_schedule
from vaebench.seeds import torch_stream
from vaebench.strategies import Stats, Strategy

STEPS = (0, 1, 50, 99)
SCALES = (0.0, 1.0, 1e4, 1e30)
"""Factors of rate and distortion: a posterior at its prior, an ordinary one, two that left."""

ALLOWED = "a function of the statistics and of buffers"
"""Instead of random numbers."""

UPDATES = 300
"""Updates at an extreme: enough for a closed loop to go from one end of its range to the other."""


def check_strategy(make: Callable[[], Strategy]) -> None:
    """Check a strategy against all that training relies on.

    - Options are keyword-only and annotated.
    - β is finite at any rate and distortion, also after many updates at an extreme; it is ≥ 0 but
      for a strategy that says it is ``signed``; it broadcasts to (B, Z) whatever B and Z are, keeps
      float32 and carries no gradient. The weights of the examples are finite, ≥ 0 and keep float32.
    - ``forward`` is pure; ``update`` and ``observe`` write buffers, in place, and nothing else: no
      attribute of Python's, which no checkpoint keeps. The state survives saving bit for bit.
    - What ``dial`` tells the model is drawn from the given noise alone: finite, > 0, (B,).
    - β no longer moves by schedule after the share of training that ``moves_until`` names.
    - No global random stream is drawn from or seeded, the constructor's included.
    - Without ``needs_counts``, nothing asks for the counts, which pictures do not have.

    Args:
        make: makes the strategy anew, always with the same options.

    Raises:
        ContractBroken: the first promise that is not kept, or an error that the strategy raised.
    """
    made: list[Strategy] = []
    name = getattr(make, "__name__", "the strategy")
    report(name, _broken_constructor(make, made))
    report(type(made[0]).__name__, _broken(made[0], make))


def _broken_constructor(make: Callable[[], Strategy], made: list[Strategy]) -> Iterator[str]:
    """Puts what it makes into ``made``; there is no finding but an error."""
    with global_streams_left_alone("the constructor", ALLOWED):
        made.append(make())
    yield from ()


def _broken(strategy: Strategy, make: Callable[[], Strategy]) -> Iterator[str]:
    yield from broken_options(type(strategy))
    yield from broken_search_space(type(strategy))
    for step, scale, size in product(STEPS, SCALES, SIZES):
        stats, where = some_stats(step, scale=scale, size=size), f"at step {step}, (B, Z) = {size}"
        yield from _broken_dial(strategy, size[0])
        stats = replace(stats, dial=strategy.dial(size[0], torch_stream("dial")))
        yield from _broken_beta(strategy, stats, where)
        if not strategy.needs_counts:
            try:
                yield from _broken_beta(
                    strategy, replace(stats, counts=None), f"{where}, no counts"
                )
            except (TypeError, AttributeError) as error:
                yield (
                    f"data without counts raise {type(error).__name__}: {error}; allowed there: "
                    "needs_counts = True, so that the configuration refuses them"
                )
    yield from _broken_state(make)
    yield from _broken_ends(make)
    yield from broken_schedule(make)


def _broken_beta(strategy: Strategy, stats: Stats, where: str) -> Iterator[str]:
    before = copy.deepcopy(strategy.state_dict())
    given = copy.deepcopy(stats)
    with global_streams_left_alone(f"forward {where}", ALLOWED):
        beta, again = strategy(stats), strategy(stats)
        weights = strategy.example_weights(stats)
    if not same(beta, again):
        yield f"two calls of forward give two β {where}; allowed: a pure function"
    if any(not same(before[key], now) for key, now in strategy.state_dict().items()):
        yield f"forward writes a buffer {where}; allowed: update and observe write"
    if not same(vars(stats), vars(given)):
        yield f"forward writes into its statistics {where}; allowed: reading"
    yield from _broken_values(strategy, beta, f"{where}, rates up to {stats.rate.max():g}")
    try:
        fits = torch.broadcast_shapes(beta.shape, stats.rate.shape) == stats.rate.shape
    except RuntimeError:
        fits = False
    if not fits:
        yield f"β has shape {tuple(beta.shape)} {where}; allowed: (), (B, 1), (Z,) or (B, Z)"
    elif (beta * stats.rate).dtype != stats.rate.dtype:
        yield f"β is {beta.dtype} and widens the loss; allowed: the rate's type, or shape ()"
    if beta.requires_grad:
        yield "β carries a gradient; allowed: a weight that training takes as given"
    allowed = {(), (len(stats.rate),)}
    if weights.shape not in allowed or not (torch.isfinite(weights) & (weights >= 0)).all():
        yield f"example_weights {weights.tolist()}; allowed: finite numbers ≥ 0, shape () or (B,)"
    elif (weights * stats.distortion).dtype != stats.distortion.dtype:
        yield f"example_weights are {weights.dtype} and widen the loss; allowed: the rate's type"


def _broken_dial(strategy: Strategy, size: int) -> Iterator[str]:
    """What is drawn to tell the model."""
    with global_streams_left_alone("dial", "the noise that is given"):
        one, two = (strategy.dial(size, torch_stream("dial")) for _ in range(2))
    if one is None:
        return
    if tuple(one.shape) != (size,) or one.dtype != torch.float32:
        yield f"dial is {one.dtype} {tuple(one.shape)}; allowed: None, or float32 ({size},)"
    elif not (torch.isfinite(one) & (one > 0)).all():
        yield f"dial is {one.tolist()}; allowed: finite numbers > 0, which have a logarithm"
    if not same(one, two):
        yield "one noise gives two dials; allowed: a function of the noise"


def _broken_values(strategy: Strategy, beta: Tensor, where: str) -> Iterator[str]:
    """β that is not finite, or negative without being signed."""
    if not torch.isfinite(beta).all():
        yield f"β is not finite {where}; allowed: finite numbers"
    elif not strategy.signed and (beta < 0).any():
        yield (
            f"β is negative, {beta.min():g}, {where}; allowed: numbers ≥ 0, or signed = True for "
            "the derivative of an objective that asks for more rate"
        )


def _broken_state(make: Callable[[], Strategy]) -> Iterator[str]:
    strategy, restored = make(), make()
    places = {name: buffer.data_ptr() for name, buffer in strategy.named_buffers()}
    before = attributes(strategy)
    for step in range(5):
        with global_streams_left_alone("update or observe", ALLOWED):
            strategy(some_stats(step))
            strategy.update(some_stats(step))
            strategy.observe(0.5 - 0.1 * step)
    for name, buffer in strategy.named_buffers():
        if buffer.data_ptr() != places[name]:
            yield f"buffer {name!r} is replaced; allowed: writing in place (copy_, fill_, add_)"
    yield from broken_attributes(before, attributes(strategy))
    restored.load_state_dict(strategy.state_dict())
    for step in range(5, 10):
        stats = some_stats(step)
        if not torch.equal(strategy(stats), restored(stats)):
            yield "saving and loading changes β; allowed: state in registered buffers alone"
            return
        for one in (strategy, restored):
            one.update(stats)
            one.observe(0.1)
    for key, value in strategy.state_dict().items():
        if not same(value, restored.state_dict()[key]):
            yield f"buffer {key!r} goes another way after loading; allowed: state in buffers alone"


def _broken_ends(make: Callable[[], Strategy]) -> Iterator[str]:
    """β after many updates at one extreme, and after as many at the other."""
    for first, second in ((0.0, 1e30), (1e30, 0.0)):
        strategy = make()
        for scale in (first, second):
            for step in range(UPDATES):
                strategy.update(some_stats(step % TOTAL, scale=scale))
            beta = strategy(some_stats(TOTAL - 1, scale=scale))
            yield from _broken_values(strategy, beta, f"after {UPDATES} updates at {scale:g} nats")
