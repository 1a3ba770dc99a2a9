"""Pictures with known factors: each combination once, and the same bits everywhere."""

import hashlib

import numpy as np
import pytest

from vaebench.datasets import NO_FILE
from vaebench.datasets.shapes import FACTORS, SIDE, Shapes, combinations, drawn

DRAWN = drawn(combinations()).reshape(-1, SIDE, SIDE)


def test_every_combination_is_there_once_and_no_two_pictures_are_equal() -> None:
    assert len(np.unique(combinations(), axis=0)) == 14_400
    assert combinations().max(0).tolist() == [count - 1 for count in FACTORS.values()]
    assert len(np.unique(DRAWN.reshape(14_400, -1), axis=0)) == 14_400


def test_the_bits_are_those_that_were_published() -> None:
    bits = np.packbits(DRAWN.astype(bool)).tobytes()
    assert hashlib.sha256(bits).hexdigest() == (
        "6d82a46501954848dc08b8331a753ef73875f35d7ada864eec9c1e3934cc2774"
    )


def test_no_shape_touches_the_border() -> None:
    assert not DRAWN[:, [0, -1]].any()
    assert not DRAWN[:, :, [0, -1]].any()


@pytest.mark.parametrize(("kind", "area"), [(0, 2.0), (1, np.pi / 2), (2, 3.6619 * 0.49)])
def test_a_shape_has_its_area_where_its_position_says(kind: int, area: float) -> None:
    """Square 2r², ellipse πr²/2, heart 3.662 sizes²; the middle of mass moves with x and y."""
    wanted = combinations()[:, 0] == kind
    found, factors = DRAWN[wanted], combinations()[wanted]
    for scale, radius in enumerate((5, 6, 7, 8)):
        areas = found[factors[:, 1] == scale].sum((1, 2))
        assert areas.mean() == pytest.approx(area * radius**2, rel=0.03)
    rows, columns = np.indices((SIDE, SIDE)) + 0.5
    mass = found.sum((1, 2))
    for of, column, sign in ((columns, 3, 1), (rows, 4, 1)):
        middle = (found * of).sum((1, 2)) / mass
        steps = [middle[factors[:, column] == value].mean() for value in range(10)]
        assert np.diff(steps) == pytest.approx(np.full(9, sign * 1.5), abs=0.1)


def test_parts_share_no_picture_and_carry_their_factors() -> None:
    data = Shapes(validation=100, test=200, seed=3)
    pictures, factors, rows = data.read(NO_FILE), data.factors(NO_FILE), data.rows(NO_FILE)
    assert [len(pictures[part]) for part in ("train", "validation", "test")] == [14_100, 100, 200]
    assert len(np.unique(np.concatenate(list(rows.values())))) == 14_400
    for part, values in factors.items():
        assert (drawn(values) == pictures[part]).all()
    assert (Shapes(seed=4).rows(NO_FILE)["test"][:200] != rows["test"]).any()
