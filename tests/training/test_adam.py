"""The optimiser is torch's, without what torch loads for a compiler that is not used."""

from typing import Any

import pytest
import torch

from vaebench.training.adam import Adam


def trained(kind: type[torch.optim.Adam], *, fused: bool, break_at: int | None = None) -> Any:
    """Weights and state after some updates, with a learning rate that changes on the way."""
    stream = torch.Generator().manual_seed(0)
    weight = torch.nn.Parameter(torch.randn(7, 5, generator=stream))
    bias = torch.nn.Parameter(torch.randn(5, generator=stream))

    def optimizer() -> torch.optim.Adam:
        groups = [{"params": [weight], "weight_decay": 0.1}, {"params": [bias]}]
        return kind(groups, 1e-2, fused=fused)

    adam = optimizer()
    for update in range(12):
        if update == break_at:
            state = adam.state_dict()
            adam = optimizer()
            adam.load_state_dict(state)
        adam.param_groups[0]["lr"] = 1e-2 / (1 + update)
        adam.zero_grad()
        x = torch.randn(3, 7, generator=stream)
        ((x @ weight + bias) ** 2).sum().backward()
        adam.step()
    return weight.detach(), bias.detach(), adam.state_dict()


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("break_at", [None, 5])
def test_the_same_bits_as_torch(*, fused: bool, break_at: int | None) -> None:
    ours = trained(Adam, fused=fused, break_at=break_at)
    theirs = trained(torch.optim.Adam, fused=fused)
    assert torch.equal(ours[0], theirs[0])
    assert torch.equal(ours[1], theirs[1])
    assert str(ours[2]) == str(theirs[2])
    assert set(ours[2]["state"]) == {0, 1}
