"""Until when a strategy's β moves by schedule: what it says against β(t) at fixed statistics."""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace

import torch
from torch import Tensor

from vaebench.contracts.examples import some_stats
from vaebench.strategies import Stats, Strategy

TOTALS = (30, 100)
"""T of the trainings that are tried."""

SCALES = (0.0625, 0.25, 1.0, 4.0, 16.0, 64.0, 256.0)
"""Factors of rate and distortion: a set-point that crosses one of them moves β there."""

NEAR_AIM = (0.5, 0.9, 0.97)
"""Where a strategy says what it aims at: shares of it, for a set-point that is about to arrive."""

STILL = 0.01
"""β that changes by less than this share of its largest value does not move."""

UPDATES = 20
"""Updates after which closed-loop state is no longer what it was at the start."""


def broken_schedule(make: Callable[[], Strategy]) -> Iterator[str]:
    """What :meth:`Strategy.moves_until` says and β(t) does not keep."""
    for total in TOTALS:
        share = make().moves_until(total)
        if not isinstance(share, int | float) or not 0 <= share <= 1:
            yield f"moves_until({total}) is {share!r}; allowed: a share of training, 0 … 1"
            return
        if share < 1 and type(make()).observe is not Strategy.observe:
            yield (
                f"moves_until({total}) is {share:g}, but observe may move β after any epoch; "
                "allowed: 1 for a strategy that goes by validation"
            )
        still = math.ceil(share * total - 1e-9)
        for scale in (*SCALES, *_near_aim(make())):
            stats = replace(some_stats(1, scale=scale), total=total)
            for strategy in (make(), _updated(make(), stats)):
                for what, betas in (
                    ("β", [strategy(at(stats, step)) for step in range(total)]),
                    ("what update does to β", _next(strategy, stats)),
                ):
                    moved = last_move(betas)
                    if moved >= still:
                        yield (
                            f"{what} moves by schedule at update {moved + 1} of {total}, but "
                            f"moves_until({total}) is {share:g}; allowed: the share of training "
                            "until which it moves"
                        )


def _near_aim(strategy: Strategy) -> list[float]:
    aim = strategy.aim()
    one = aim.measure(some_stats(1)).item() if aim else 0.0
    return [share * aim.nats / one for share in NEAR_AIM] if aim and one else []


def last_move(betas: list[Tensor]) -> int:
    """The last update whose β differs from that of the end; −1 if there is none."""
    found = torch.stack([beta.double() for beta in betas]).reshape(len(betas), -1)
    off = (found - found[-1]).abs().amax(1) > STILL * found.abs().max()
    return int(off.nonzero().max()) if off.any() else -1


def at(stats: Stats, step: int) -> Stats:
    """The same statistics at another update."""
    return replace(stats, step=torch.tensor(step))


def _updated(strategy: Strategy, stats: Stats) -> Strategy:
    for step in range(UPDATES):
        strategy.update(at(stats, step))
    return strategy


def _next(strategy: Strategy, stats: Stats) -> list[Tensor]:
    """β after one more update, from the same state, at each t."""
    before, betas = {k: v.clone() for k, v in strategy.state_dict().items()}, []
    if not before:  # no state to move
        return [torch.zeros(())]
    for step in range(stats.total):
        strategy.update(at(stats, step))
        betas.append(strategy(at(stats, stats.total - 1)))
        strategy.load_state_dict(before)
    return betas
