"""Locks between processes: a file that one process holds at a time.

The kernel frees a lock when its process ends, however it ends, so a killed process leaves none
behind. The file goes with the lock. Other machines are kept out where the file system hands flock
on to its server (NFS from Linux 2.6.12 on, Lustre mounted with ``flock``); where it cannot lock at
all, work goes on with a warning.
"""

import errno
import fcntl
import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from vaebench.errors import DataError

POLL = 0.5
"""Seconds between two looks at locks that others hold."""

UNABLE = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}
"""What a file system without locks answers."""

log = logging.getLogger(__name__)


def take(path: Path) -> int | None:
    """The open file of a lock taken on ``path``; None if another process has it.

    Raises:
        OSError: the file cannot be made, or its file system has no locks.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # the holder before us may have removed the file between our two calls: then what we
            # have locked is no longer what others find under this name
            if _same(file, path):
                return file
        except BlockingIOError:
            os.close(file)
            return None
        except OSError:
            os.close(file)
            raise
        os.close(file)


def give(file: int, path: Path) -> None:
    """Free a lock that :func:`take` took; its file is removed while it is still ours."""
    try:
        if _same(file, path):
            path.unlink()
    finally:
        os.close(file)


@contextmanager
def one_of(paths: Sequence[Path], waiting: Callable[[], None] = lambda: None) -> Iterator[Path]:
    """Hold the lock of one of ``paths``, the first that is free; wait for one if none is.

    Args:
        paths: lock files.
        waiting: called once before the wait, to say so.

    Yields:
        The path whose lock is held.

    Raises:
        DataError: the file of a lock cannot be made.
    """
    said = False
    while True:
        for path in paths:
            try:
                file = take(path)
            except OSError as error:
                if error.errno not in UNABLE:
                    reason = f"{error.strerror}; allowed: a folder that can be written"
                    raise DataError(f"cannot lock {path}: {reason}") from error
                log.warning("%s: no locks here (%s); going on without", path, error)
                yield path
                return
            if file is not None:
                try:
                    yield path
                finally:
                    give(file, path)
                return
        if not said:
            waiting()
            said = True
        time.sleep(POLL)


@contextmanager
def alone(cell: Path) -> Iterator[None]:
    """Let no other process train the cell whose folder this is; wait for one that does.

    A workflow run that was killed leaves its jobs behind, on a cluster for hours, and the next run
    starts them anew: they would write the same files.
    """

    def waiting() -> None:
        print(f"{cell}: waiting for another process that trains this cell", flush=True)  # noqa: T201

    with one_of([_lock_of(cell)], waiting):
        yield


def is_held(cell: Path) -> bool:
    """Whether some process trains or tests the cell; where the file system has no locks: perhaps.

    The lock is looked at and not taken, but for an instant in which nobody has it.
    """
    try:
        file = os.open(_lock_of(cell), os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:  # another process has it, or there are no locks
        return True
    finally:
        os.close(file)
    return False


def _lock_of(cell: Path) -> Path:
    return cell.with_name(f".{cell.name}.lock")


def _same(file: int, path: Path) -> bool:
    """Whether the open file is the one that lies at ``path``."""
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False
