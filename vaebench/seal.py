"""A seal on results: the SHA-256 of each file, kept by a file that is written after all of them.

``training.json`` and ``status.json`` seal the files of a cell (those of training, and all),
``card.json`` those of a split and ``seal.json`` what a study says (tables, figures, report) with
the seals of its cells, each under the key ``files``. What reads a file back checks it first, so
that a damaged one is named and never believed. Digests show accidents; whoever forges a file can
forge its digest too, and against that ``vaebench verify --rescore`` computes the results anew.
"""

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path, PurePosixPath

from vaebench.errors import DataError
from vaebench.files import digest, read_json

STUDY = "seal.json"
"""The file that seals a study."""

SHORT = 12
"""Digits of a digest in a message."""


def seal(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """Name → digest of the files ``names`` below ``folder``.

    Raises:
        DataError: one of them is missing.
    """
    return {name: digest(folder / name) for name in names}


def sealed(path: Path) -> dict[str, str]:
    """The digests that the JSON file ``path`` holds; none of a file that was written without.

    Raises:
        DataError: the file is damaged, or names something outside of its folder.
    """
    written = read_json(path)
    files = written.get("files", {}) if isinstance(written, dict) else None
    if not isinstance(files, dict) or not all(
        isinstance(value, str) and _below(name) for name, value in files.items()
    ):
        raise DataError(f"{path}: 'files' is damaged; allowed: file → SHA-256")
    return files


def check(folder: Path, sealed: Mapping[str, str], only: Collection[str] | None = None) -> None:
    """Nothing, if every file has the digest that it was sealed with.

    Args:
        folder: where the files are.
        sealed: name → digest, as :func:`seal` gave it.
        only: check these names alone, as far as they are sealed.

    Raises:
        DataError: the first file that is missing or another; the message says what to do.
    """
    for name in sealed:
        if only is None or name in only:
            check_file(folder / name, sealed[name])


def check_file(path: Path, wanted: str) -> None:
    """Nothing, if the file has the digest ``wanted``.

    Raises:
        DataError: it is missing or another.
    """
    if not path.is_file():
        raise DataError(
            f"{path}: is missing, but {path.parent} was sealed with it; bring it back from a copy, "
            f"or remove {path.parent} and run the study again"
        )
    found = digest(path)
    if found != wanted:
        raise DataError(
            f"{path}: is damaged or was changed after it was written (SHA-256 {found[:SHORT]}…, "
            f"sealed with {wanted[:SHORT]}…); bring it back from a copy, or remove {path.parent} "
            "and run the study again"
        )


def _below(name: str) -> bool:
    """Whether a name stays in its folder."""
    path = PurePosixPath(name)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts
