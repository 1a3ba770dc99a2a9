"""Mine keeps the contract of an update order."""

from vaebench.command.templates.update_order import Mine
from vaebench.contracts import check_update_order


def test_it_keeps_the_contract() -> None:
    check_update_order(Mine)
