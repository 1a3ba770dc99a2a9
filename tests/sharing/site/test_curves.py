"""β(t) of the pictures, and the axis of the intervals, against what is known of them."""

import math

import pandas as pd
import pytest
import torch

from vaebench.sharing.site import curves, drawn
from vaebench.sharing.site.words import said
from vaebench.strategies.geco import GECO


def test_schedules_are_drawn_as_their_formulas_say() -> None:
    cyclical = curves.curve("cyclical.Cyclical")
    assert cyclical.mean[25] == pytest.approx(0.5)  # half of the first ramp of T/8 updates
    assert cyclical.mean[75] == 1
    assert cyclical.low == cyclical.mean == cyclical.high
    linear = curves.curve("linear.Linear")
    assert linear.mean[171] == pytest.approx(0.1)
    assert linear.mean[-1] == pytest.approx(0.2)


def test_a_user_s_weight_has_a_band() -> None:
    scaled = curves.curve("user_scaled.UserScaled")
    assert scaled.low[0] == pytest.approx(0.005 * 10)
    assert scaled.high[0] == pytest.approx(0.005 * 300)


def test_a_closed_loop_meets_the_world_s_own_answer() -> None:
    """The world's rate at β is water-filling; the loop that seeks a rate ends at that β."""
    signal = curves._signal()
    soft = curves.curve("soft_free_bits.SoftFreeBits")
    beta = torch.tensor(soft.mean[-1])
    assert curves._best_rate(signal, beta).sum(1).mean().item() == pytest.approx(10, rel=0.06) or (
        soft.mean[-1] == pytest.approx(1)
    )


def test_the_world_minimises_d_plus_beta_r() -> None:
    """R* against the minimum over a fine grid of rates."""
    signal, rates = torch.tensor([[0.3, 2.0, 50.0]]), torch.linspace(0, 6, 60_001)
    for beta in (0.1, 1.0, 4.0):
        best = curves._best_rate(signal, torch.tensor(beta))
        for place, s in enumerate(signal[0]):
            loss = 0.5 * s * torch.exp(-2 * rates) + beta * rates
            assert rates[loss.argmin()].item() == pytest.approx(best[0, place].item(), abs=2e-3)


def test_an_interval_lies_where_its_numbers_say() -> None:
    bar = str(drawn.bar(-1.0, 0.5, 2.0, 4.0))
    assert 'class="range" x1="37.50" x2="75.00"' in bar
    assert 'class="value" x1="56.25"' in bar
    assert "more" not in bar
    assert str(drawn.bar(-9.0, 0.5, 2.0, 4.0)).count('class="more"') == 1
    assert drawn.bar(math.nan, math.nan, math.nan, 1.0) == ""
    few = pd.DataFrame({"low": [-1.0, -1.2, -40.0], "high": [1.0, 1.1, -20.0]})
    assert drawn.reach(few, "low", "high") == pytest.approx(4 * 1.15)
    assert drawn.reach(few[:2], "low", "high") == pytest.approx(1.2)


def test_a_docstring_becomes_a_formula_and_plain_text() -> None:
    formula, text = said(GECO)
    assert formula == "Minimise R subject to D̄ ≤ κ: R + λ·(D̄ − κ), that is D + βR with β = 1/λ."
    assert "<code>target</code> is κ" in text
    assert "Example" not in text
    assert ">>>" not in text
