"""Until when each shipped strategy moves: not too soon (the contract) and not too late (here)."""

from dataclasses import replace
from typing import Any

import pytest

import vaebench.strategies
from tests.variants import variants
from vaebench.components import create
from vaebench.contracts.examples import some_stats
from vaebench.contracts.schedule import at, last_move
from vaebench.strategies import Strategy

TOTAL = 1000
CASES: dict[str, tuple[dict[str, Any], float]] = {
    "linear.Linear warmup": ({"warmup": 0.3}, 0.3),
    "linear.Linear slope": ({"cap": 0.7, "start": 0.2, "updates_per_unit": 500}, 0.25),
    "linear.Linear slope that never arrives": ({"updates_per_unit": 5000}, 1.0),
    "cosine.Cosine": ({"warmup": 0.4}, 0.4),
    "step.Step": ({"at": 0.6}, 0.6),
    "decreasing.Decreasing": ({"horizon": 0.35}, 0.35),
    "cyclical.Cyclical": ({"cycles": 4, "ramp": 0.5}, 0.875),
    "cyclical.Cyclical seven": ({"cycles": 7, "ramp": 0.2}, 0.858 + 0.2 / 7),
    "cyclical.Cyclical to the end": ({"cycles": 3, "ramp": 1.0}, 1.0),
    "sigmoid.Sigmoid": ({"midpoint": 0.25, "width": 0.05}, 0.25 + 0.05 * 4.59512),
    "sigmoid.Sigmoid in updates": ({"threshold": 300, "slope": 0.02}, 0.3 + 0.05 * 4.59512),
    "tanh.Tanh": ({"midpoint": 0.25, "width": 0.1}, 0.25 + 0.05 * 4.59512),
    "exponential.Exponential early": ({"warmup": 0.8, "curvature": 4}, 0.8 * 0.89271),
    "exponential.Exponential late": ({"warmup": 0.8, "curvature": -4}, 0.8),
    "dynamic_pid.DynamicPID": (
        {"warmup": 0.8, "stages": 4, "ramp": 0.5, "integral": 1, "start": 1},
        0.7,
    ),
    "rate_target.RateTarget": ({}, 0.0),
    "capacity.Capacity": ({"warmup": 0.5, "target": 25}, 0.5),
    "constant.Constant": ({}, 0.0),
    "per_layer.PerLayer": ({}, 0.0),
    "free_bits.FreeBits": ({}, 0.0),
    "example_floor.ExampleFloor": ({}, 0.0),
    "example_free_bits.ExampleFreeBits": ({}, 0.0),
    "user_scaled.UserScaled": ({}, 0.0),
    "log_uniform.LogUniform": ({}, 0.0),
    "per_interaction.PerInteraction": ({}, 0.0),
    "soft_free_bits.SoftFreeBits": ({}, 0.0),
    "pid.PID": ({}, 0.0),
    "geco.GECO": ({"hold": 0.2}, 0.2),
    "cap_search.CapSearch": ({}, 1.0),
}
WITHOUT_SCHEDULE_IN_BETA = {"geco.GECO"}  # the hold: see the contract


@pytest.mark.parametrize("case", CASES)
def test_a_schedule_ends_where_it_says(case: str) -> None:
    options, share = CASES[case]
    path = case.partition(" ")[0]
    strategy = create("vaebench.strategies", {"class": path} | options)
    assert strategy.moves_until(TOTAL) == pytest.approx(share, abs=2e-3)
    stats = replace(some_stats(1), total=TOTAL)
    if path in {"capacity.Capacity", "dynamic_pid.DynamicPID"}:  # C(t) passes it at its very end
        stats = replace(stats, rate=stats.rate * (24.9 / stats.rate.sum(1).mean()))
    moved = last_move([strategy(at(stats, step)) for step in range(TOTAL)])
    if path not in WITHOUT_SCHEDULE_IN_BETA:
        end = round(share * TOTAL)
        tolerance = max(10, 0.07 * end)  # the last per cent of a ramp counts as none
        assert end - tolerance <= moved + 1 <= end + 1


def test_every_shipped_strategy_is_here() -> None:
    shipped = {c.__name__ for c in variants(vaebench.strategies, Strategy)}
    assert {case.partition(" ")[0].partition(".")[2] for case in CASES} == shipped
