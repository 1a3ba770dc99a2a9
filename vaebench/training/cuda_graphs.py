"""Updates as CUDA graphs: recorded once per shape, then replayed with one launch.

An update of a small network is a few hundred short kernels, and a GPU waits for Python between
them. A graph runs them without Python: on the same tensors, with fresh numbers from the same random
stream. What changes between updates therefore goes through tensors that are written in place: the
batch, the number of the update, the learning rate.

Nothing is taken on trust. The update at which a shape is recorded is made twice, once by Python and
once by the graph, from the same state; if the two differ, or the GPU refuses to record, a warning
says so and training goes on by Python.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import fields, replace
from typing import Protocol

import torch
from torch import Tensor

from vaebench.sparse import Batch, Labelled, SparseRows
from vaebench.training.loop import Learn, Learned, Learner
from vaebench.training.orders import Update

RECORDINGS = 32
"""At most so many shapes are recorded; further ones are made by Python."""

TOLERANCE, ROUNDING = 1e-2, 1e-6
"""How far a replayed update may be from Python's, relative to the step and to the value."""

log = logging.getLogger(__name__)


class Recorder(Protocol):
    """What can record an update and replay it."""

    def stream(self) -> AbstractContextManager[None]:
        """Within it updates are made, recorded and replayed."""

    def record(
        self, work: Callable[[], Learned], noise: torch.Generator
    ) -> tuple[Learned, Callable[[], None]]:
        """Record ``work``, which draws from ``noise``.

        Returns:
            Its result, and a function that does the work again and writes over this result.

        Raises:
            RuntimeError: there is something in it that cannot be recorded.
        """


class CUDAGraphs:
    """Recorder of an NVIDIA GPU; all graphs share their memory, since one runs at a time."""

    def __init__(self) -> None:
        self._stream = torch.cuda.Stream()
        self._pool = torch.cuda.graph_pool_handle()

    @contextmanager
    def stream(self) -> Iterator[None]:
        """A stream of its own: the default one cannot be recorded."""
        self._stream.wait_stream(torch.cuda.current_stream())
        try:
            with torch.cuda.stream(self._stream):
                yield
        finally:
            torch.cuda.current_stream().wait_stream(self._stream)

    def record(
        self, work: Callable[[], Learned], noise: torch.Generator
    ) -> tuple[Learned, Callable[[], None]]:
        """See :meth:`Recorder.record`."""
        graph = torch.cuda.CUDAGraph()
        graph.register_generator_state(noise)
        with torch.cuda.graph(graph, pool=self._pool, stream=self._stream):
            learned = work()
        return learned, graph.replay


class Recorded:
    """A function of an update, made by replaying recordings of it wherever that is possible."""

    def __init__(
        self,
        learn: Learn,
        learner: Learner,
        noise: torch.Generator,
        recorder: Recorder,
    ) -> None:
        """``learner`` and ``noise`` are everything that ``learn`` changes."""
        self.learn, self.noise, self.recorder = learn, noise, recorder
        self.model, self.strategy = learner.model, learner.strategy
        self.optimizer = learner.optimizer
        self.refused = False
        self.seen: set[object] = set()
        self.recordings: dict[object, tuple[Batch, Learned, Callable[[], None]]] = {}

    def __call__(self, update: Update) -> Learned:
        """``learn(update)``."""
        with self.recorder.stream():
            return self._replayed(update)

    def _replayed(self, update: Update) -> Learned:
        x = update.x.padded() if isinstance(update.x, SparseRows) else update.x
        update = replace(update, x=x)
        key = (update.parts, update.counts, self.model.training, _shape(x))
        if key in self.recordings:
            fixed, learned, replay = self.recordings[key]
            _write(fixed, x)
            replay()
            return _copy(learned)
        if key in self.seen and len(self.recordings) < RECORDINGS and not self.refused:
            return self._record(key, update)
        self.seen.add(key)  # what is made at the first time, as Adam's moments, is not recorded
        return self.learn(update)

    def _record(self, key: object, update: Update) -> Learned:
        """Make this update by Python, record it, and see whether the recording does the same."""
        before, noise_before = self._snapshot(), self.noise.get_state()
        learned = self.learn(update)
        after, noise_after = self._snapshot(), self.noise.get_state()
        places = [tensor.data_ptr() for tensor in self._state()]
        fixed = _fixed(update.x)
        try:
            self._put(before, noise_before)
            again, replay = self.recorder.record(
                lambda: self.learn(replace(update, x=fixed)), self.noise
            )
            self._put(before, noise_before)
            replay()
            problem = self._problem(places, before, after, learned, again)
        except RuntimeError as error:
            problem = str(error).partition("\n")[0]
        self._put(after, noise_after)
        if problem:
            log.warning("updates are not recorded as CUDA graphs: %s", problem)
            self.refused = True
            self.recordings.clear()
        else:
            self.recordings[key] = fixed, again, replay
        return learned

    def _problem(
        self,
        places: list[int],
        before: list[Tensor],
        after: list[Tensor],
        learned: Learned,
        again: Learned,
    ) -> str:
        """How the recording differs from Python; empty if it does not."""
        if places != [tensor.data_ptr() for tensor in self._state()]:
            return "a parameter or buffer is replaced in an update instead of written in place"
        outcomes = [(getattr(learned, f.name), getattr(again, f.name)) for f in fields(Learned)]
        moved = [(one, two, torch.zeros_like(one)) for one, two in outcomes]
        moved += zip(after, self._state(), before, strict=True)
        if not all(_same(*ends) for ends in moved):
            return "a replayed update differs from the same update made by Python"
        return ""

    def _state(self) -> Iterator[Tensor]:
        """All tensors that an update writes."""
        yield from self.model.parameters()
        yield from self.model.buffers()
        yield from self.strategy.buffers()
        for state in self.optimizer.state.values():
            yield from (value for value in state.values() if isinstance(value, Tensor))

    def _snapshot(self) -> list[Tensor]:
        return [tensor.detach().clone() for tensor in self._state()]

    @torch.no_grad()
    def _put(self, values: list[Tensor], noise: Tensor) -> None:
        for tensor, value in zip(self._state(), values, strict=True):
            tensor.copy_(value)
        self.noise.set_state(noise)


def _same(expected: Tensor, found: Tensor, start: Tensor) -> bool:
    """Whether both went the same way from ``start``; sums on a GPU may differ in their last digits.

    ‖found − expected‖ ≤ 1 % of ‖expected − start‖ + 10⁻⁶‖expected‖; what is infinite is the same.
    """
    one, two, origin = expected.double(), found.double(), start.double()
    error, moved = (torch.where(one == other, 0, one - other).norm() for other in (two, origin))
    return bool(error <= TOLERANCE * moved + ROUNDING * one.nan_to_num(0, 0, 0).norm())


def _shape(x: Batch) -> object:
    if isinstance(x, Labelled):
        return ("labelled", *x.x.shape)
    return (len(x), len(x.indices)) if isinstance(x, SparseRows) else tuple(x.shape)


def _fixed(x: Batch) -> Batch:
    """A batch in memory of its own, to be overwritten by those that follow."""
    if isinstance(x, SparseRows):
        return SparseRows(x.indices.clone(), x.offsets.clone(), x.values.clone(), x.columns)
    return Labelled(x.x.clone(), x.y.clone()) if isinstance(x, Labelled) else x.clone()


def _write(fixed: Batch, x: Batch) -> None:
    """Write ``x`` over a batch of the same shape."""
    if isinstance(x, SparseRows) and isinstance(fixed, SparseRows):
        fixed.indices.copy_(x.indices)
        fixed.offsets.copy_(x.offsets)
        fixed.values.copy_(x.values)
    elif isinstance(x, Labelled) and isinstance(fixed, Labelled):
        fixed.x.copy_(x.x)
        fixed.y.copy_(x.y)
    elif isinstance(x, Tensor) and isinstance(fixed, Tensor):
        fixed.copy_(x)


def _copy(learned: Learned) -> Learned:
    """Out of the memory that the next replay overwrites."""
    return Learned(*(getattr(learned, field.name).clone() for field in fields(Learned)))
