"""Follow a study: mirror it again and again, from its first epoch to its last table.

The follower is a process of its own beside the workflow, where the network is; it reads files and
asks nothing of those who write them. So no cell waits for a tracker or fails with one, and the
follower may be killed at any time: whoever mirrors the study next finds what is there and adds the
rest. Where MLflow does not answer it asks ever more rarely.
"""

import os
import select
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from vaebench.errors import VaebenchError
from vaebench.study.saved import Saved

if TYPE_CHECKING:
    from vaebench.sharing.tracking import Mirror

EVERY = 3.0
"""Seconds between two looks at the files, at least."""

SHARE = 20
"""And at least so many times as long as a look at them takes: of a large study on a slow disk."""

RARELY = 300.0
"""Seconds between two attempts, at most, where MLflow does not answer."""

PATIENCE = 60
"""Seconds that a workflow which has ended waits for the follower's last look."""

NICE = 5
"""The follower leaves the processor to those who train."""


class Follower:
    """Looks at the study in ``folder``, and mirrors what is new."""

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        """Errors are said to ``say``, each one once."""
        self.study = Saved(folder)
        self.say = say
        self.cells = [*self.study.cells(), *self.study.trials()]
        self.wait = EVERY
        self._mirror: Mirror | None = None
        self._said = ""

    def look(self, *, last: bool = False) -> dict[str, str]:
        """Mirror what is new; what is mirrored by now → run id.

        At the ``last`` look the study runs no more. An error is said, and makes the next look come
        later.
        """
        try:
            found = self._looked(last=last)
        except VaebenchError as error:
            found = {}
            self.wait = min(2 * self.wait, RARELY)
            if str(error) != self._said:
                self._said = str(error)
                self.say(self._said)
        else:
            self.wait = EVERY if self._mirror is None else max(EVERY, SHARE * self._mirror.looked)
            if self._said:
                self._said = ""
                self.say("MLflow is up to date again")
        return found

    def _looked(self, *, last: bool) -> dict[str, str]:
        if self._mirror is None:
            if not any(map(os.path.isdir, self.cells)):  # nothing has begun
                return {}
            from vaebench.sharing.tracking import Mirror  # noqa: PLC0415 (MLflow takes seconds)

            self._mirror = Mirror(self.study.config, self.cells)
        self._mirror.runs_on = not last
        return self._mirror.update(self.study.cards(), self.study.documents())


def follow(folder: Path, ended: Callable[[float], bool], say: Callable[[str], None]) -> int:
    """Follow a study until it has ``ended``, and look once more; how many runs there are then.

    Args:
        folder: of the study.
        ended: waits for so many seconds, or until the study has ended; whether it has.
        say: is told what goes wrong.

    Raises:
        DataError: it is no such folder.
        ConfigError: its configuration cannot be run.
    """
    follower = Follower(folder, say)
    while True:
        over = ended(0.0)
        found = follower.look(last=over)
        if over:
            return len(found)
        ended(follower.wait)


def closed(seconds: float) -> bool:
    """Wait for so many seconds, or until whoever started this process ends or closes its input."""
    readable, _, _ = select.select([0], [], [], seconds)
    return bool(readable) and not os.read(0, 4096)


def slept(seconds: float) -> bool:
    """Wait for so many seconds; a study that is followed by hand has no end."""
    time.sleep(seconds)
    return False


class Beside:
    """A follower in a process of its own, which ends when this process does, however it ends."""

    def __init__(self, folder: Path, log: Path) -> None:
        """Follow the study in ``folder``; what there is to say goes to ``log``."""
        log.parent.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "vaebench.sharing.sync", "--follow", "--until-closed"]
        with log.open("wb") as out:
            self.process = subprocess.Popen(  # noqa: S603
                [*command, str(folder)],
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=out,
                start_new_session=True,  # Ctrl-C is not for it: it has a last look to take
                preexec_fn=lambda: os.nice(NICE),  # noqa: PLW1509 (a call of the kernel alone)
            )

    def end(self, *, at_once: bool = False) -> None:
        """Let it take its last look; ``at_once``: nothing is left to be seen."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        if at_once:
            self.process.terminate()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
