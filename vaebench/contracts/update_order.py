"""The contract of an update order as a check."""

import copy
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import torch
from torch import Tensor

from vaebench.contracts.broken import (
    attributes,
    broken_attributes,
    broken_options,
    differing,
    global_streams_left_alone,
    report,
    same,
)
from vaebench.models import VAE
from vaebench.models.image_mlp import ImageMLP
from vaebench.seeds import torch_stream
from vaebench.training.loop import Batches
from vaebench.training.orders import PARTS, Update, UpdateOrder

EXAMPLES, BATCH = 11, 4
"""The last batch of a pass is smaller."""

PASS = math.ceil(EXAMPLES / BATCH)
EPOCHS = 4
ENDLESS = 10_000
"""An epoch of three batches that has more updates than this does not end."""

ALLOWED = "the order that the draw gives"
"""Instead of global random numbers."""


def check_update_order(order_class: type[UpdateOrder], **options: Any) -> None:  # noqa: ANN401
    """Check an update order against all that training relies on.

    - Options are keyword-only and annotated; ``passes`` is an integer ≥ 1.
    - In every epoch ``passes`` · ⌈N/B⌉ updates count, so that T is what strategies are told; an
      example stands at most once in those of one pass.
    - A batch holds training examples, at most B; its parts are known, and each part learns in some
      update.
    - It leaves the model's weights, the losses that it observes and global random streams alone.
    - The same draws and losses give the same updates, also after saving and loading between two
      epochs or in the middle of one, whose beginning is then drawn and observed again: state lies
      in buffers, which change before the first update of an epoch or after its last.

    Args:
        order_class: the update order.
        options: of its constructor.

    Raises:
        ContractBroken: the first promise that is not kept.
    """
    report(order_class.__name__, _broken(order_class, lambda: order_class(**options)))


@dataclass
class Run:
    """Epochs of an update order on a model that does not learn, with losses that are made up.

    Attributes:
        order: the update order.
        model: what it is called with.
        stream: the order of the examples.
        number: the epoch under way.
        done: its updates so far.
    """

    order: UpdateOrder
    model: VAE
    stream: torch.Generator = field(default_factory=lambda: torch_stream("order"))
    number: int = 0
    done: list[Update] = field(default_factory=list)

    def epoch(self) -> Iterator[Update]:
        """The updates of the next epoch, each given after its loss was observed."""
        self.number, self.done = self.number + 1, []
        draw = Batches(some_pictures(), BATCH, self.stream)
        for update in islice(self.order.epoch(self.model, draw), ENDLESS):
            self.done.append(update)
            self.order.observe(some_loss(self.number, len(self.done)))
            yield update


def some_pictures() -> Tensor:
    """Eleven different pictures: row i is i in binary digits, twice over."""
    digits = torch.arange(EXAMPLES)[:, None] >> torch.arange(4) & 1
    return digits.repeat(1, 2).float()


def some_loss(epoch: int, update: int) -> Tensor:
    """Falls at first, then goes up and down; as training gives it, shape ()."""
    return torch.tensor(100 / (epoch + update) + math.sin(update))


def _model() -> VAE:
    model = ImageMLP(some_pictures().shape[1], hidden=[4], latents=2)
    model.initialise(torch_stream("weights"))
    return model


def _broken(order_class: type[UpdateOrder], make: Callable[[], UpdateOrder]) -> Iterator[str]:
    yield from broken_options(order_class)
    order = make()
    if type(order.passes) is not int or order.passes < 1:
        yield f"passes is {order.passes!r}; allowed: an integer ≥ 1"
    with global_streams_left_alone("the update order", ALLOWED):
        yield from _broken_epochs(order)
    yield from _broken_resume(make)


def _broken_epochs(order: UpdateOrder) -> Iterator[str]:
    run, before, learnt = Run(order, _model()), attributes(order), set[str]()
    weights = copy.deepcopy(run.model)
    for _ in range(EPOCHS):
        for update in run.epoch():
            yield from _broken_update(update)
            learnt |= set(update.parts)
        for name in differing(weights, run.model):
            yield f"it writes the model's {name!r}; allowed: saying what learns from which batch"
        if len(run.done) == ENDLESS:
            yield f"an epoch has {ENDLESS} updates and goes on; allowed: epochs that end"
        counting = [update for update in run.done if update.counts]
        if len(counting) != order.passes * PASS:
            yield (
                f"{len(counting)} updates of epoch {run.number} count; allowed: passes · ⌈N/B⌉ = "
                f"{order.passes * PASS}"
            )
        for first in range(0, len(counting), PASS):
            seen = torch.cat([_numbers(update.x) for update in counting[first : first + PASS]])
            if len(seen.unique()) < len(seen):
                yield "an example comes twice in a pass; allowed: once, or not at all"
        yield from broken_attributes(before, attributes(order))
    for part in set(PARTS) - learnt:
        yield f"the {part} never learns; allowed: orders in which each part does"
    loss = some_loss(1, 1)
    order.observe(loss)
    if not same(loss, some_loss(1, 1)):
        yield "observe writes to the loss; allowed: reading"


def _numbers(x: Any) -> Tensor:  # noqa: ANN401 (whatever came)
    """The numbers of the pictures of a batch."""
    return (x[:, :4] @ (2.0 ** torch.arange(4))).long()


def _broken_update(update: Any) -> Iterator[str]:  # noqa: ANN401 (whatever came)
    if not isinstance(update, Update):
        yield f"epoch gives a {type(update).__name__}; allowed: Update"
    unknown = set(update.parts) - set(PARTS)
    if unknown or not update.parts:
        yield f"parts are {update.parts}; allowed: some of {', '.join(PARTS)}"
    if not isinstance(update.x, Tensor) or not 0 < len(update.x) <= BATCH:
        yield f"a batch is no batch of the draw; allowed: 1 to B = {BATCH} examples"
    known = some_pictures()
    if not same(update.x, known[_numbers(update.x).clamp(max=EXAMPLES - 1)]):
        yield "a batch holds what is no training example; allowed: examples of the draw"


def _broken_resume(make: Callable[[], UpdateOrder]) -> Iterator[str]:
    """From some updates of every epoch a copy goes on by way of the saved state."""
    run = Run(make(), _model())
    for _ in range(EPOCHS):
        begin, saved = run.stream.get_state(), dict[int | str, dict[str, Any]]()
        for _ in run.epoch():
            number = len(run.done)
            state = copy.deepcopy(run.order.state_dict())
            saved[number if number in (1, 2, PASS) else "the last"] = state
        for done, state in saved.items():
            other = Run(make(), _model(), number=run.number - 1)
            other.stream.set_state(begin)
            other.order.load_state_dict(state)
            if not _alike(list(other.epoch()), run.done):
                yield (
                    f"saved after update {done} of epoch {run.number}, it goes another way; "
                    "allowed: state in buffers, which an epoch changes at its ends alone"
                )
            for name in differing(run.order, other.order):
                yield (
                    f"buffer {name!r} differs after update {done} was saved and restored; "
                    "allowed: buffers that an epoch changes at its ends alone"
                )


def _alike(one: list[Update], other: list[Update]) -> bool:
    return len(one) == len(other) and all(
        same(a.x, b.x) and (a.parts, a.counts) == (b.parts, b.counts)
        for a, b in zip(one, other, strict=True)
    )
