"""Files appear whole or not at all: written beside their place, then renamed into it."""

import errno
import fcntl
import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaebench.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

TEMPORARY = re.compile(r"\..+\.[a-z0-9_]{8}\.part(\.[^.]*)?")
"""``.NAME.RANDOM.part`` and the ending of NAME: what :func:`whole` writes before it is whole."""

NO_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.ENOSYS}
"""What a file system answers that cannot bring a folder to the disk."""


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A temporary path in the folder of ``path``; it becomes ``path`` if the block succeeds.

    Its bytes are on the disk before it has its name, and its name is when the block ends: after a
    loss of power there is the old file or the new one. A killed process leaves the temporary
    behind; :func:`sweep` removes it.

    Raises:
        DataError: the file system refuses (full, read-only); nothing is left behind.
    """
    temporary: Path | None = None
    held: int | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        held, temporary = _temporary(path)
        yield temporary
        temporary.chmod(0o644)
        _to_disk(temporary)
        temporary.replace(path)
        _to_disk(path.parent)
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        if temporary is not None and held is not None:
            temporary.unlink(missing_ok=True)
            os.close(held)


def sweep(folder: Path) -> list[Path]:
    """Remove from ``folder`` (not from those below) what killed writers left; return what it was.

    A writer holds a lock on its temporary for as long as it lives, on whatever machine, so what it
    writes is left alone. So is everything where the file system has no locks.
    """
    swept = []
    for path in sorted(folder.glob(".*.part*")):
        if is_temporary(path):
            with suppress(OSError):  # its writer lives, another one sweeps, or there are no locks
                file = os.open(path, os.O_RDWR)
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    path.unlink()
                    swept.append(path)
                finally:
                    os.close(file)
    return swept


def is_temporary(path: Path) -> bool:
    """Whether ``path`` has the name of a file that is being written, or was when its job died."""
    return TEMPORARY.fullmatch(path.name) is not None


def _temporary(path: Path) -> tuple[int, Path]:
    """A new file beside ``path``, open and locked by this process."""
    while True:
        file, name = tempfile.mkstemp(
            dir=path.parent, prefix=f".{path.name}.", suffix=f".part{path.suffix}"
        )
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError:  # no locks here: nobody can sweep
            return file, Path(name)
        if os.fstat(file).st_nlink:
            return file, Path(name)
        os.close(file)  # swept between the two calls


def _to_disk(path: Path) -> None:
    """Bring a file's bytes, or a folder's names, from the system's memory to the disk."""
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    except OSError as error:
        if not (path.is_dir() and error.errno in NO_SYNC):
            raise
    finally:
        os.close(file)


def write_text(path: Path, text: str) -> None:
    """Write ``text`` as UTF-8, whole or not at all."""
    with whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:  # noqa: ANN401
    """Write strict JSON, indented, keys in the order given.

    Raises:
        DataError: a number is not finite, which JSON has no word for; or see :func:`whole`.
    """
    try:
        text = json.dumps(value, indent=2, allow_nan=False)
    except ValueError as error:
        raise DataError(f"cannot write {path}: {error}; allowed: finite numbers") from error
    write_text(path, text + "\n")


def write_frame(path: Path, frame: "pd.DataFrame") -> None:
    """Write a data frame as CSV or Parquet, by the ending of ``path``."""
    with whole(path) as temporary:
        if path.suffix == ".parquet":
            frame.to_parquet(temporary, index=False)
        else:
            frame.to_csv(temporary, index=False)


def read_json(path: Path) -> Any:  # noqa: ANN401
    """Read JSON.

    Raises:
        DataError: the file is missing or damaged.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"cannot read {path}: {error}") from error


def digest(path: Path, algorithm: str = "sha256") -> str:
    """The hexadecimal digest of a file's content, read as a stream.

    Raises:
        DataError: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(
                file, lambda: hashlib.new(algorithm, usedforsecurity=False)
            ).hexdigest()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error
