"""Mine keeps the contract of a metric, and two users have the values of a count by hand."""

import torch

from vaebench.command.templates.metric import Mine
from vaebench.contracts import check_metric
from vaebench.metrics import Lists


def test_it_keeps_the_contract() -> None:
    check_metric(Mine, k=5)


def test_two_users_by_hand() -> None:
    hits = torch.tensor([[1, 0, 1, 0], [0, 0, 0, 1]]).double()
    ranked = torch.ones_like(hits).bool()
    lists = Lists(torch.arange(4).expand(2, 4), hits, ranked, torch.tensor([2, 1]))
    assert Mine(k=2).values(lists).tolist() == [0.5, 0.0]
