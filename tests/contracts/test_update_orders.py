"""Update orders that break one promise each, and the sentence that says which."""

from collections.abc import Iterator
from itertools import chain, repeat

import pytest
import torch
from torch import Tensor

import vaebench.training.orders
from tests.variants import variants
from vaebench.contracts import ContractBroken, check_update_order
from vaebench.models import VAE
from vaebench.training.orders import Draw, Update, UpdateOrder
from vaebench.training.orders.alternating import Alternating, Passes
from vaebench.training.orders.joint import Joint
from vaebench.training.orders.lagging import Lagging

SHIPPED = variants(vaebench.training.orders, UpdateOrder)


@pytest.mark.parametrize("order", SHIPPED, ids=lambda c: c.__name__)
def test_every_shipped_order_keeps_its_contract(order: type[UpdateOrder]) -> None:
    check_update_order(order)


def test_with_options() -> None:
    check_update_order(Alternating, encoder_passes=1, decoder_passes=3)
    check_update_order(Lagging, inner=3, window=1, examples=5)


class Positional(Joint):
    def __init__(self, passes: Passes = 1) -> None:
        super().__init__()
        self.passes = passes


class HalfAPass(Joint):
    passes = 0.5  # type: ignore[assignment]


class Uncounted(Joint):
    """Says one pass and makes two."""

    def epoch(self, model: VAE, draw: Draw) -> Iterator[Update]:
        return chain(super().epoch(model, draw), super().epoch(model, draw))


class NothingCounts(Joint):
    def epoch(self, model: VAE, draw: Draw) -> Iterator[Update]:
        for update in super().epoch(model, draw):
            yield Update(update.x, counts=False)


class Endless(Joint):
    def epoch(self, model: VAE, draw: Draw) -> Iterator[Update]:
        return chain.from_iterable(super(Endless, self).epoch(model, draw) for _ in repeat(None))


class Repeating(Joint):
    """Its first batch again and again, ⌈N/B⌉ times."""

    def epoch(self, model: VAE, draw: Draw) -> Iterator[Update]:
        updates = list(super().epoch(model, draw))
        yield from [updates[0]] * len(updates)


class Everything(Joint):
    def epoch(self, model: VAE, draw: Draw) -> Iterator[Update]:
        for _ in super().epoch(model, draw):
            yield Update(draw.examples)


class Smoothed(Joint):
    def epoch(self, model: VAE, draw: Draw) -> Iterator[Update]:
        for update in super().epoch(model, draw):
            assert isinstance(update.x, Tensor)
            yield Update(0.9 * update.x)


class OfThePrior(Joint):
    def epoch(self, model: VAE, draw: Draw) -> Iterator[Update]:
        for update in super().epoch(model, draw):
            yield Update(update.x, ("encoder", "prior"))


class EncoderAlone(Joint):
    def epoch(self, model: VAE, draw: Draw) -> Iterator[Update]:
        for update in super().epoch(model, draw):
            yield Update(update.x, ("encoder",))


class Learning(Joint):
    """Does what the loop is there for."""

    def epoch(self, model: VAE, draw: Draw) -> Iterator[Update]:
        with torch.no_grad():
            next(model.parameters()).mul_(0.9)
        return super().epoch(model, draw)


class GlobalOrder(Joint):
    def epoch(self, model: VAE, draw: Draw) -> Iterator[Update]:
        updates = list(super().epoch(model, draw))
        for number in torch.randperm(len(updates)).tolist():
            yield updates[number]


class Remembering(Joint):
    """The number of the epoch, which no checkpoint keeps."""

    number = 0

    def epoch(self, model: VAE, draw: Draw) -> Iterator[Update]:
        self.number += 1
        return super().epoch(model, draw)


class Shared(Joint):
    """State that lies in the class, out of sight of attributes and buffers."""

    seen: list[float] = []  # noqa: RUF012 (the fault)

    def observe(self, loss: Tensor) -> None:
        self.seen.append(loss.item())

    def epoch(self, model: VAE, draw: Draw) -> Iterator[Update]:
        for update in super().epoch(model, draw):
            yield Update(update.x, *([("encoder",)] if len(self.seen) % 2 else []))


class InTheMiddle(Joint):
    """A buffer that moves with every loss, so that its beginning cannot be observed twice."""

    def __init__(self) -> None:
        super().__init__()
        self.worst: Tensor
        self.register_buffer("worst", torch.zeros(()))

    def observe(self, loss: Tensor) -> None:
        self.worst.add_(loss)


class Clamping(Joint):
    def observe(self, loss: Tensor) -> None:
        loss.clamp_(max=1)


class Bare(Joint):
    def epoch(self, model: VAE, draw: Draw) -> Iterator[Update]:
        return iter(update.x for update in super().epoch(model, draw))  # type: ignore[misc]


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (Positional, "keyword-only"),
        (HalfAPass, "passes is 0.5"),
        (Uncounted, "6 updates of epoch 1 count"),
        (NothingCounts, "0 updates of epoch 1 count"),
        (Endless, "10000 updates and goes on"),
        (Repeating, "an example comes twice in a pass"),
        (Everything, "a batch is no batch of the draw"),
        (Smoothed, "no training example"),
        (OfThePrior, r"parts are \('encoder', 'prior'\)"),
        (EncoderAlone, "the decoder never learns"),
        (Learning, "it writes the model's 'encoder"),
        (GlobalOrder, "a global random stream"),
        (Remembering, "attribute 'number' is state"),
        (Shared, "saved after update 1 of epoch 1, it goes another way"),
        (InTheMiddle, "buffer 'worst' differs after update 1"),
        (Clamping, "observe writes to the loss"),
        (Bare, "epoch gives a Tensor"),
    ],
)
def test_a_broken_order_is_named(broken: type[UpdateOrder], sentence: str) -> None:
    with pytest.raises(ContractBroken, match=rf"^{broken.__name__}: .*{sentence}.*allowed"):
        check_update_order(broken)
