"""``vaebench archive results/NAME``: a study in one file, for another person to check.

The archive holds what results depend on (cells, trials without their weights, cards of the data,
the code as it is now), what was made of them (tables, figures, report), a manifest with the SHA-256
of each file, and what programs of others read: the metadata of an RO-Crate
(:mod:`vaebench.sharing.crate`). Raw data and splits are not in it: their licences are their
owners', and the cards have their checksums. :mod:`vaebench.sharing.container` says which files
there may be.
"""

import argparse
import gzip
import hashlib
import io
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vaebench.cells.folder import FILES, SEALS, CellFolder
from vaebench.errors import DataError
from vaebench.files import digest, whole
from vaebench.machine import provenance
from vaebench.seal import STUDY, check, sealed
from vaebench.sharing.container import (
    CODE,
    MANIFEST,
    MOST_FILES,
    TRIAL,
    documents,
    most_bytes,
    plain,
    signed,
    trials,
)
from vaebench.sharing.crate import CRATE, metadata
from vaebench.sharing.terminal import command, say
from vaebench.study.plan import Plan
from vaebench.study.saved import NAME, Saved
from vaebench.study.written import read

ROOT = Path(__file__).parents[2]


def pack(folder: Path, target: Path | None = None) -> Path:
    """Pack the study in ``folder``; the same files give the same bytes.

    Args:
        folder: ``…/NAME``.
        target: the archive; by default ``…/NAME.tar.gz``.

    Returns:
        The archive's path.

    Raises:
        DataError: the folder is no study, a file of it is damaged or too large, or the archive
            cannot be written.
    """
    study = Saved(folder)
    target = target or study.folder.parent / f"{study.folder.name}.tar.gz"
    files = {str(path.relative_to(study.folder)): path for path in _of(study)}
    files |= {f"{CODE}/{path}": ROOT / path for path in sources()}
    for name, path in files.items():
        most = most_bytes(name)
        if most is None or path.stat().st_size > most:
            raise DataError(f"{path}: is too large for an archive; allowed: {most} bytes")
    if len(files) >= MOST_FILES:
        raise DataError(f"{folder}: has {len(files)} files; allowed in an archive: {MOST_FILES}")
    manifest: dict[str, Any] = {
        "study": study.folder.name,
        **provenance.commit(),
        "versions": provenance.versions(),
        "machine": provenance.machine(),
        "files": {name: digest(path) for name, path in sorted(files.items())},
    }
    described = metadata(study.folder, manifest)
    found = hashlib.sha256(described).hexdigest()
    content = signed({**manifest, "files": {**manifest["files"], CRATE: found}})
    with (
        whole(target) as temporary,
        temporary.open("wb") as raw,
        gzip.GzipFile("", "wb", mtime=0, fileobj=raw) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for name, text in ((MANIFEST, content), (CRATE, described)):
            _add(archive, f"{study.folder.name}/{name}", io.BytesIO(text), len(text))
        for name, path in sorted(files.items()):
            with path.open("rb") as file:
                _add(archive, f"{study.folder.name}/{name}", file, path.stat().st_size)
    return target


def sources() -> list[str]:
    """The files of the checkout that git knows, as they are now; without git, the package."""
    command = ["git", "--no-optional-locks", "-C", str(ROOT), "ls-files", "-z"]
    try:
        done = subprocess.run(command, capture_output=True, check=True)  # noqa: S603
        found = done.stdout.decode().strip("\0").split("\0")
    except (OSError, subprocess.CalledProcessError):
        found = []
    if found in ([], [""]):  # no git, or an installation inside somebody else's checkout
        found = [str(path.relative_to(ROOT)) for path in (ROOT / "vaebench").rglob("*.py")]
    return sorted(name for name in found if (ROOT / name).is_file())


def _of(study: Saved) -> Iterator[Path]:
    """The files of a study that go into its archive, each as it was sealed."""
    folder = study.folder
    yield folder / NAME
    if (folder / STUDY).is_file():
        check(folder, sealed(folder / STUDY))
    yield from (folder / name for name in documents(folder))
    yield from (folder / name for name in (STUDY, "verdict.txt") if (folder / name).is_file())
    for cell in study.cells():
        if (cell / "status.json").is_file():
            yield from _whole(cell, FILES)
        else:  # why it has no result
            yield from sorted(CellFolder.parse(cell).log().parent.glob("*.log"))
    for seal in trials(folder):
        yield from _whole(seal.parent, TRIAL)


def _whole(cell: Path, names: tuple[str, ...]) -> Iterator[Path]:
    """The files ``names`` of a cell, after their digests.

    Raises:
        DataError: one of them is damaged.
    """
    for seal in set(SEALS) & set(names):
        check(cell, sealed(cell / seal), names)
    yield from (cell / name for name in names if (cell / name).is_file())


def _add(archive: tarfile.TarFile, name: str, file: io.BufferedIOBase, size: int) -> None:
    try:
        archive.addfile(plain(name, size), file)
    except ValueError as error:  # more than the 255 characters of a plain tar
        raise DataError(f"{name}: cannot be packed: {error}") from error


def main(arguments: list[str]) -> None:
    """Pack each study, given by its folder or by its config file."""
    parser = argparse.ArgumentParser(
        "vaebench archive",
        description="Pack studies, each into one file beside its folder.",
        epilog="example: vaebench archive results/default",
    )
    parser.add_argument(
        "study", nargs="+", type=Path, help="results/NAME, or the study's config file"
    )
    with command():
        for folder in parser.parse_args(arguments).study:
            say([str(pack(_folder(folder)))])


def _folder(given: Path) -> Path:
    """The folder of a study that was given by its folder or by its config file."""
    if given.suffix not in (".yaml", ".yml"):
        return given
    return Plan(read(given)).folder


if __name__ == "__main__":
    main(sys.argv[1:])
