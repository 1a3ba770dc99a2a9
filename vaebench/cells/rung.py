"""A part of a training: up to an epoch, and on from where another job ended.

A rung stops early and rescales nothing: specification, T and all schedules are those of the whole
training, and so is the mark of the state that one job leaves and the next goes on from. Jobs in
a chain therefore end with the bits of one that was never cut.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vaebench.errors import ConfigError
from vaebench.machine import provenance
from vaebench.training import checkpoint

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Rung:
    """What part of a training a job does; by default all of it.

    Attributes:
        until: the last epoch.
        state_in: the state that another job left; it is only read.
        state_out: where to leave the state after the last epoch, whatever the end was. It is an
            empty file if there is nothing to go on from.
    """

    until: int | None = None
    state_in: Path | None = None
    state_out: Path | None = None

    def check(self, epochs: int) -> None:
        """Refuse an end outside of the training's ``epochs``.

        Raises:
            ConfigError: there is no such epoch.
        """
        if self.until is not None and not 1 <= self.until <= epochs:
            raise ConfigError(
                f"until: {self.until} is not allowed; it should be an epoch, 1 … {epochs} "
                "(training.epochs)"
            )

    def load(self, own: Path, mark: str) -> dict[str, Any] | None:
        """The state to go on from: of this job's own checkpoint, else of the job before; or None.

        Raises:
            DataError: there is no file ``state_in``.
        """
        state = checkpoint.load(own, mark)
        if state is None and self.state_in is not None:
            state = checkpoint.handed_over(self.state_in, mark)
        if state is None or self.until is None:
            return state
        progress = state["progress"]
        if (progress["epoch"]["number"] - 1, progress["done"]) > (self.until, 0):
            log.warning("the state is of a later epoch than %d; the cell starts over", self.until)
            return None
        return state

    def leave(self, mark: str, state: dict[str, Any]) -> None:
        """Write the state in which training ended."""
        if self.state_out is not None:
            checkpoint.save(self.state_out, mark, state)

    def leave_nothing(self) -> None:
        """Where training did not begin, or ran out of memory: the next job begins."""
        if self.state_out is not None:
            self.state_out.write_bytes(b"")


def mark_of(spec: Mapping[str, Any], stamp: Any) -> str:  # noqa: ANN401 (JSON)
    """What a state belongs to: the whole training, wherever this job's part of it ends.

    ``spec`` is the resolved one: with all that the study asks for and other jobs found, so that it
    does not matter which of them said it.
    """
    if isinstance(stamp, Mapping):
        others = ("spec", "found", "until")
        stamp = {name: value for name, value in stamp.items() if name not in others}
    return provenance.config_hash({"spec": dict(spec), "stamp": stamp})
