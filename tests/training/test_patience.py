"""Early stopping on constructed validation curves."""

import pytest

from vaebench.training.patience import best, spent, still_from

FALLING = [0.5, 0.4, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3]


def ends_at(curve: list[float], patience: int | None, still: int = 0) -> int:
    """The epoch after which a training with this curve ends; its length if it never does."""
    return next(
        (e for e in range(1, len(curve) + 1) if spent(curve[:e], patience, still)), len(curve)
    )


@pytest.mark.parametrize(
    ("curve", "patience", "still", "end"),
    [
        (FALLING, 1, 0, 2),
        (FALLING, 3, 0, 4),
        (FALLING, None, 0, 8),
        (FALLING, 8, 0, 8),
        ([0.1, 0.2, 0.3, 0.4, 0.5], 1, 0, 5),  # each epoch is better
        ([0.1, 0.3, 0.2, 0.4, 0.3, 0.3, 0.3], 2, 0, 6),  # a valley shorter than patience
        ([0.1, 0.3, 0.2, 0.2, 0.4, 0.5], 2, 0, 4),  # and one as long
        ([0.3, 0.3, 0.3, 0.3], 2, 0, 3),  # a tie is no better epoch
        (FALLING, 2, 4, 6),  # best 1, still from 4
        ([0.1, 0.2, 0.3, 0.4, 0.6, 0.5, 0.5, 0.5], 2, 3, 7),  # best 5, after the schedule
        (FALLING, 2, 8, 8),  # a schedule that moves to the end
        ([0.9, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7], 3, 4, 7),  # rises, but never to its best
    ],
)
def test_patience_counts_from_the_best_epoch_or_the_end_of_schedules(
    curve: list[float], patience: int | None, still: int, end: int
) -> None:
    assert ends_at(curve, patience, still) == end


def test_the_best_epoch_is_the_first_of_ties() -> None:
    assert best([0.1, 0.4, 0.2, 0.4]) == 2


@pytest.mark.parametrize("epochs", [1, 7, 100, 200])
def test_still_is_the_first_epoch_that_ends_after_the_schedule(epochs: int) -> None:
    """Exact arithmetic: percent · epochs / 100, rounded up."""
    for percent in range(101):
        assert still_from(percent / 100, epochs) == -(-percent * epochs // 100)
