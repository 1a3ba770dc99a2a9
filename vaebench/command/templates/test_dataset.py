"""Mine keeps the contract of a data set, and has the users that were asked for."""

from pathlib import Path

from vaebench.command.templates.dataset import Mine
from vaebench.contracts import check_dataset


def test_it_keeps_the_contract() -> None:
    check_dataset(Mine)


def test_users_and_items_are_as_many_as_were_asked_for() -> None:
    ratings = Mine(users=200, items=110).read(Path())
    assert set(ratings.users.tolist()) == set(range(200))
    assert set(ratings.items.tolist()) == set(range(110))
