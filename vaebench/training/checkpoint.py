"""Checkpoints: everything that training depends on, whole and verified, in one file."""

import hashlib
import io
import logging
import signal
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Self

import torch

from vaebench.errors import DataError, Interrupted
from vaebench.files import whole
from vaebench.training.loop import Epoch, Progress

NAME = "checkpoint.pt"
"""Below the cell's folder; no declared output, so that a rerun finds it."""

DIGEST = hashlib.sha256
log = logging.getLogger(__name__)


def save(path: Path, stamp: str, state: dict[str, Any]) -> None:
    """Write ``state`` (tensors, numbers, strings and containers of them) under its SHA-256."""
    buffer = io.BytesIO()
    torch.save({"stamp": stamp, "state": state}, buffer)
    content = buffer.getvalue()
    with whole(path) as temporary:
        temporary.write_bytes(DIGEST(content).digest() + content)


def load(path: Path, stamp: str) -> dict[str, Any] | None:
    """The state, or None where there is none to go on from.

    A damaged file is set aside as ``checkpoint.pt.damaged`` with a warning in the log; one of
    another ``stamp`` (other options, other code, other data) is removed.
    """
    if not path.exists():
        return None
    found = _read(path)
    if found is None:
        aside = path.with_suffix(".pt.damaged")
        path.replace(aside)
        log.warning("%s was damaged and is now %s; the cell starts over", path, aside.name)
        return None
    if found["stamp"] != stamp:
        path.unlink()
        log.info("%s was of other options, code or data; the cell starts over", path)
        return None
    return dict(found["state"])


def handed_over(path: Path, stamp: str) -> dict[str, Any] | None:
    """The state that another job left at ``path``, which is not touched; None if it is of no use.

    That is an empty file (the other job had nothing to go on from), a damaged one, or one of
    another ``stamp``; the log says which. The cell then starts over, with the same bits.

    Raises:
        DataError: there is no such file.
    """
    if not path.exists():
        raise DataError(f"{path}: no such state; allowed: a file that --state-out has written")
    if path.stat().st_size == 0:
        log.warning("%s holds no state; the cell starts over", path)
        return None
    found = _read(path)
    if found is None or found["stamp"] != stamp:
        what = "is damaged" if found is None else "is of other options, code or data"
        log.warning("%s %s; the cell starts over", path, what)
        return None
    return dict(found["state"])


def _read(path: Path) -> dict[str, Any] | None:
    """Stamp and state; None if the file is damaged."""
    content = path.read_bytes()
    size = DIGEST().digest_size
    if DIGEST(content[size:]).digest() != content[:size]:
        return None
    found: dict[str, Any] = torch.load(io.BytesIO(content[size:]), weights_only=True)
    return found


@dataclass
class Training:
    """What a checkpoint holds, as live objects.

    Attributes:
        stateful: model, strategy, update order and optimiser, by name: what has a ``state_dict``.
        streams: the random generators, by name.
        progress: where the loop is.
        results: lists and dictionaries that grow during training, by name: trace, selection.
    """

    stateful: Mapping[str, Any]
    streams: Mapping[str, torch.Generator]
    progress: Progress
    results: Mapping[str, Any]

    def state(self) -> dict[str, Any]:
        """Everything as tensors, numbers and containers of them."""
        progress, epoch = dict(vars(self.progress)), dict(vars(self.progress.epoch))
        epoch.pop("started")
        return {
            "stateful": {name: thing.state_dict() for name, thing in self.stateful.items()},
            "streams": {name: stream.get_state() for name, stream in self.streams.items()},
            "progress": progress | {"epoch": epoch},
            "results": dict(self.results),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Put everything into the state of a checkpoint, bit for bit."""
        for name, thing in self.stateful.items():
            thing.load_state_dict(state["stateful"][name])
        for name, stream in self.streams.items():
            stream.set_state(state["streams"][name])
        vars(self.progress).update(state["progress"])
        self.progress.epoch = Epoch(**state["progress"]["epoch"])
        for name, result in self.results.items():
            if isinstance(result, list):
                result[:] = state["results"][name]
            else:
                result.clear()
                result.update(state["results"][name])


class Keeper:
    """Saves now and then, and at once when the job is told to stop.

    By a scheduler (SIGTERM), from the keyboard (SIGINT), or because the terminal is gone (SIGHUP).
    """

    SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

    def __init__(self, seconds: float, write: Callable[[], None]) -> None:
        """Have ``write`` called after ``seconds`` since the last time."""
        self.seconds, self.write = seconds, write
        self.saved = time.monotonic()
        self.stop: str | None = None
        self.before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():  # others cannot handle signals
            self.before = {each: signal.signal(each, self._told_to_stop) for each in self.SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for each, handler in self.before.items():
            signal.signal(each, handler)

    def __call__(self) -> None:
        """Called after each update.

        Raises:
            Interrupted: the job was told to stop; the state is saved.
        """
        if self.stop or time.monotonic() - self.saved >= self.seconds:
            self.write()
            self.saved = time.monotonic()
        if self.stop:
            raise Interrupted(
                f"told to stop ({self.stop}); the checkpoint is written, run it again"
            )

    def _told_to_stop(self, number: int, _frame: FrameType | None) -> None:
        self.stop = signal.Signals(number).name
