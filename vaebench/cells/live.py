"""The live trace: the epochs of a cell while it trains, a line each, for whoever looks on.

``live.jsonl`` lies in the cell's folder until the cell has its ``trace.parquet``. Its first line is
the head: ``config``, ``started_at``, ``selecting`` and ``until``, the last epoch; every further
line is a row of the trace. Nobody needs it: no result depends on it, a disk that is full costs its
lines and not the training, and who reads it asks nothing of the training.

A training that goes on writes the file anew, with the epochs that it goes on from: the lines after
a checkpoint were written by a process that is gone, and will come again.
"""

import errno
import json
import logging
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

NAME = "live.jsonl"
"""Below the cell's folder; no declared output, so that a rerun does not lose it."""

Row = dict[str, float]
Watch = Callable[[Sequence[Row]], None]
"""Is shown the whole trace at the start of a training, and after every epoch."""

log = logging.getLogger(__name__)


class LiveTrace:
    """Writes the live trace of the cell in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        self._written: int | None = None
        self._warned = False

    def watch(self, head: Mapping[str, Any]) -> Watch:
        """Begin a training with this head; what it returns is to be shown the trace."""

        def look(trace: Sequence[Row]) -> None:
            try:
                self._write(head, trace)
                self._written = len(trace)
            except OSError as error:
                self._written = None  # whatever is there: the next time all of it
                if not self._warned:
                    log.warning("%s: not written (%s); the training goes on", self.path, error)
                self._warned = True

        return look

    def end(self) -> None:
        """The cell has its trace: this one goes."""
        with suppress(OSError):
            self.path.unlink(missing_ok=True)

    def _write(self, head: Mapping[str, Any], trace: Sequence[Row]) -> None:
        if self._written is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # another file, so that a reader in the middle of the old one sees it
            beside = self.path.with_suffix(".new")
            beside.write_bytes(_lines([head, *trace]))
            beside.replace(self.path)
            return
        new = _lines(trace[self._written :])
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND)
        try:
            if os.write(file, new) < len(new):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        finally:
            os.close(file)


def _lines(values: Iterable[Mapping[str, Any]]) -> bytes:
    return "".join(f"{json.dumps(each, separators=(',', ':'))}\n" for each in values).encode()


class Watched:
    """Reads the live trace of the cell in ``folder``, at every look only what is new.

    Attributes:
        head: of the training; None where there is none to see.
        rows: its epochs so far.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        self.head: dict[str, Any] | None = None
        self.rows: list[Row] = []
        self._file: tuple[int, int] | None = None
        self._read = 0

    def look(self) -> bool:
        """Read on; whether there was anything new."""
        try:
            with self.path.open("rb") as file:
                found = os.fstat(file.fileno())
                mark = found.st_dev, found.st_ino
                if mark != self._file or found.st_size < self._read:
                    self.head, self.rows, self._file, self._read = None, [], mark, 0
                elif found.st_size == self._read:
                    return False
                file.seek(self._read)
                new = file.read()
        except OSError:  # not yet, or no more
            gone = self.head is not None
            self.head, self.rows, self._file, self._read = None, [], None, 0
            return gone
        return self._take(new[: new.rfind(b"\n") + 1])

    def _take(self, new: bytes) -> bool:
        self._read += len(new)
        for line in new.splitlines():
            try:
                value = json.loads(line)
            except ValueError:  # a damaged disk: the trace ends before it
                return bool(self.head)
            if self.head is None:
                self.head = dict(value)
            else:
                self.rows.append(value)
        return bool(new)

    @property
    def seconds(self) -> float:
        """Of training so far, as far as it is written."""
        return sum(row["seconds"] for row in self.rows)
