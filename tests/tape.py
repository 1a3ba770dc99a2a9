"""A recorder without a GPU: the tensor operations of an update, recorded and replayed one by one.

It is to Python what a CUDA graph is: the operations run again on the same tensors, with nothing of
the Python around them, and whatever asks for a tensor's value cannot be recorded.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from vaebench.training.cuda_graphs import Learned

WAITING = ("_local_scalar_dense", "nonzero", "masked_select", "unique", "equal")
"""Operations that wait for values of the device, or whose result's shape depends on them."""

FROM_HOST = ("lift_fresh",)
"""Memory of Python's that is copied to the device: torch.tensor([…])."""


class Tape(TorchDispatchMode):
    """Records every operation below autograd."""

    def __init__(self) -> None:
        super().__init__()
        self.operations: list[tuple[Any, Any, Any, Any]] = []
        self.replays = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        if name in WAITING + FROM_HOST:
            raise RuntimeError(f"{name} cannot be recorded")
        result = func(*args, **(kwargs or {}))
        self.operations.append((func, args, kwargs or {}, result))
        return result

    def replay(self) -> None:
        """Do everything again in the memory where it was done."""
        self.replays += 1
        with torch._C._AutoDispatchBelowAutograd():  # where they were recorded
            for func, args, kwargs, result in self.operations:
                again = func(*args, **kwargs)
                for old, new in zip(tensors(result), tensors(again), strict=True):
                    if old.data_ptr() != new.data_ptr():  # neither in place nor a view
                        old.copy_(new)


def tensors(result: Any) -> list[torch.Tensor]:
    """The tensors among an operation's results."""
    return [leaf for leaf in tree_leaves(result) if isinstance(leaf, torch.Tensor)]


class Tapes:
    """A recorder; counts what it did."""

    def __init__(self) -> None:
        self.tapes: list[Tape] = []

    @contextmanager
    def stream(self) -> Iterator[None]:
        yield

    def record(
        self,
        work: Callable[[], Learned],
        noise: torch.Generator,  # noqa: ARG002 (an operation keeps its generator)
    ) -> tuple[Learned, Callable[[], None]]:
        tape = Tape()
        with tape:
            learned = work()
        self.tapes.append(tape)
        return learned, tape.replay
