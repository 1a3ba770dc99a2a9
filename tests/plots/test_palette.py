"""Strategies can be told apart in colour, in grey and with three kinds of colour blindness."""

import importlib.util
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from vaebench.plots.palette import COLOURS, DASHES, LINES, MARKERS, SHAPES, Look

ROOT = Path(__file__).parents[2]
LEAST = {"colour": 25, "protanopia": 15, "deuteranopia": 15, "tritanopia": 15}
"""View → the smallest ΔE*ab of two colours; 2.3 is just noticeable side by side."""


def sheets() -> Any:
    """The script that shows figures as readers see them; measurements are no package."""
    path = ROOT / "benchmarks/sheets.py"
    found = importlib.util.spec_from_file_location("sheets", path)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def test_the_views_are_what_their_names_say() -> None:
    of = sheets()
    white, red, green = np.ones(3), np.array([1.0, 0, 0]), np.array([0, 1.0, 0])
    for view in of.VIEWS:
        assert of.seen(white, view) == pytest.approx(white, abs=2e-3)
    assert of.lab(white) == pytest.approx([100, 0, 0], abs=0.01)
    assert of.lab(red) == pytest.approx([53.24, 80.09, 67.20], abs=0.02)

    def apart(view: str, one: np.ndarray, two: np.ndarray) -> float:
        return float(np.linalg.norm(of.lab(of.seen(one, view)) - of.lab(of.seen(two, view))))

    orange, olive = np.array([0.85, 0.45, 0.0]), np.array([0.5, 0.55, 0.0])
    assert apart("deuteranopia", orange, olive) < apart("tritanopia", orange, olive) / 2
    assert apart("grey", red, 0.5 * red) > 10
    assert np.ptp(of.seen(green, "grey")) == pytest.approx(0)


@pytest.mark.parametrize("view", LEAST)
def test_any_two_colours_are_apart(view: str) -> None:
    of = sheets()
    places = {name: of.lab(of.seen(np.array(to_rgb(name)), view)) for name in COLOURS}
    apart = {
        (one, two): float(np.linalg.norm(places[one] - places[two]))
        for one, two in combinations(COLOURS, 2)
    }
    closest = min(apart, key=lambda pair: apart[pair])
    assert apart[closest] >= LEAST[view], (closest, apart[closest])


def test_colours_are_dark_enough_on_white() -> None:
    """In grey too: a contrast of 1.9 or more; marks are large, and each has a form of its own."""
    of = sheets()
    for colour in COLOURS:
        light = float(of.linear(np.array(to_rgb(colour))) @ of.TO_XYZ[1])
        assert 1.05 / (light + 0.05) >= 1.9, colour


def test_without_colour_the_first_strategies_differ_by_marker_and_line() -> None:
    look = Look([f"s{i}" for i in range(len(MARKERS))])
    assert len({look.marker(name) for name in look.order}) == len(MARKERS)
    assert len({str(look.line(name)) for name in look.order}) == len(LINES)
    assert len(set(SHAPES.values())) == len(MARKERS) == len(SHAPES)
    assert len({str(dash) for dash in DASHES.values()}) == len(LINES)
    assert set(DASHES) == set(LINES)
