"""The learning rate over training."""

import math


def factor(update: int, total: int, cycles: int | None) -> float:
    """What the learning rate is multiplied with at update t of T, in (0, 1].

    Without ``cycles`` 1. With M cycles the cosine with warm restarts, ½(1 + cos(π·τ)), τ = (t mod
    ⌈T/M⌉)/⌈T/M⌉: Loshchilov & Hutter 2017, arXiv:1608.03983, eq. 5, with minimum 0 and cycles of
    equal length. Cyclical annealing was published with a learning rate that restarts with β; beside
    it belongs a constant β with this learning rate alone.
    """
    if cycles is None:
        return 1.0
    period = math.ceil(total / cycles)
    return 0.5 * (1 + math.cos(math.pi * (update % period) / period))


def moves_until(cycles: int | None) -> float:
    """The share of training until which the learning rate moves: a cosine falls to its end."""
    return 0.0 if cycles is None else 1.0
