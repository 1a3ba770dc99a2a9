"""Raw files: found in a local folder or downloaded, and verified before anything reads them."""

import hashlib
import logging
import tarfile
import time
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any

import pooch
import requests
import urllib3
from tqdm import tqdm

from vaebench.datasets import Dataset, RawFile
from vaebench.errors import DataError

TIMEOUT = (10, 60)
"""Seconds to connect, and between two bytes."""

SLOWEST = 1024
"""Bytes a second, over TIMEOUT[1] seconds: a mirror that drips is as bad as one that hangs."""

BOMB = 100, 1 << 28
"""An archive that unpacks to more than 100 times its size and to more than 256 MiB is refused;
tables of ratings shrink to a fifth or so."""

log = logging.getLogger(__name__)


def local_file(dataset: Dataset, local: Path | None) -> tuple[RawFile, Path] | None:
    """The first raw file of ``dataset`` that lies in ``local``; not yet verified."""
    for raw in dataset.raw_files():
        path = lying_in(local, dataset, raw)
        if path is not None:
            return raw, path
    return None


def lying_in(local: Path | None, dataset: Dataset, raw: RawFile) -> Path | None:
    """Where ``raw`` lies in the local folder or its sub-folder of the data set, if it does."""
    if local is not None:
        for path in (local / dataset.raw_folder() / raw.name, local / raw.name):
            if path.is_file():
                return path
    return None


def fetch(dataset: Dataset, local: Path | None, downloads: Path) -> dict[str, Any]:
    """Find or download the raw file of ``dataset`` and its companions, and verify them.

    Args:
        dataset: names its raw files.
        local: a folder of files the user already has, or None.
        downloads: where downloaded files are kept.

    Returns:
        A receipt: ``path``, ``name`` and ``sha256`` of the verified file, all None if the data set
        is embedded; ``companions`` (name → sha256) if it has any.

    Raises:
        DataError: no form of a file can be had, or its checksum is wrong.
    """
    if not dataset.raw_files():
        return {"path": None, "name": None, "sha256": None}
    folder = downloads / dataset.raw_folder()
    found = local_file(dataset, local)
    if found:
        raw, path = found
        verify(path, raw.checksum)
    else:
        raw = next((raw for raw in dataset.raw_files() if raw.urls), dataset.raw_files()[0])
        path = download(raw, folder, local)
    receipt = {"name": raw.name, "sha256": pooch.file_hash(str(path))}
    if dataset.companions():
        others = [_had(dataset, other, local, folder) for other in dataset.companions()]
        if any(other.parent != path.parent for other in others):
            # some are the user's and some are downloaded: readers find them in one folder
            path, *others = (_linked(file, folder) for file in (path, *others))
        receipt["companions"] = {other.name: pooch.file_hash(str(other)) for other in others}
    return {"path": str(path)} | receipt


def _had(dataset: Dataset, raw: RawFile, local: Path | None, folder: Path) -> Path:
    """``raw`` where the user has it, else downloaded; verified."""
    path = lying_in(local, dataset, raw)
    if path is None:
        return download(raw, folder, local)
    verify(path, raw.checksum)
    return path


def _linked(file: Path, folder: Path) -> Path:
    """A link to ``file`` in ``folder``, unless it lies there."""
    target = folder / file.name
    if target.resolve() != file.resolve():
        folder.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        target.symlink_to(file.resolve())
    return target


def verify(path: Path, checksum: str | None) -> None:
    """Compare a file with its checksum ``algorithm:digest``; None passes.

    Raises:
        DataError: names the file, the expected and the found checksum.
    """
    if checksum is None:
        return
    algorithm, _, expected = checksum.partition(":")
    found = pooch.file_hash(str(path), alg=algorithm)
    if found != expected:
        raise DataError(f"{path}: {algorithm} checksum is {found}; allowed: {expected}")


def download(raw: RawFile, folder: Path, local: Path | None = None) -> Path:
    """``raw`` in ``folder``: from the first of its URLs that gives the right file.

    An interrupted download goes on where it stopped, where the server allows it. A file with a
    wrong checksum is deleted, and the next mirror is asked.

    Raises:
        DataError: no URL gave the file; says why for each.
    """
    target = folder / raw.name
    if target.is_file():
        verify(target, raw.checksum)
        return target
    failures = []
    for url in raw.urls:
        part = folder / f".{raw.name}.{hashlib.sha256(url.encode()).hexdigest()[:8]}.part"
        try:
            # pooch verifies before it moves the file to its place, and leaves no wrong file
            pooch.retrieve(url, raw.checksum, raw.name, folder, downloader=_Resuming(part))
            return target  # noqa: TRY300
        except ValueError as error:  # pooch's word for a wrong checksum
            failures.append(f"{url}: {error}")
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            failures.append(f"{url}: {error}")
        log.warning("%s", failures[-1])
    looked = f" and it is not in {local}" if local else ""
    raise DataError(
        f"{raw.name} cannot be downloaded{looked}: "
        + ("; ".join(failures) or "no URL is known; put it into the local folder (VAEBENCH_RAW)")
    )


class _Resuming:
    """A pooch downloader that keeps what it has in ``part`` and asks the server for the rest."""

    def __init__(self, part: Path) -> None:
        self.part = part

    def __call__(self, url: str, output_file: str, _: object) -> None:
        self.part.parent.mkdir(parents=True, exist_ok=True)
        have = self.part.stat().st_size if self.part.exists() else 0
        # no compression on the way: what is counted and resumed are the file's own bytes
        headers = {"Accept-Encoding": "identity"}
        headers |= {"Range": f"bytes={have}-"} if have else {}
        with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as response:
            if response.status_code == requests.codes.requested_range_not_satisfiable:
                self.part.unlink()
                return self(url, output_file, _)
            response.raise_for_status()
            resumed = response.status_code == requests.codes.partial_content
            begins = response.headers.get("Content-Range", "").removeprefix("bytes ")
            if resumed and begins.partition("-")[0] != str(have):
                self.part.unlink()
                raise requests.ConnectionError(
                    f"asked for bytes from {have} on, got {begins or 'another part'}"
                )
            have = have if resumed else 0
            length = response.headers.get("Content-Length")
            whole = have + int(length) if length else None
            progress = tqdm(
                total=whole,
                initial=have,
                unit="B",
                unit_scale=True,
                desc=Path(url).name,
                disable=None,
            )
            with self.part.open("ab" if resumed else "wb") as file, progress:
                for block in blocks(response):
                    file.write(block)
                    progress.update(len(block))
            size = self.part.stat().st_size
            if whole is not None and size < whole:
                raise requests.ConnectionError(
                    f"the connection ended after {size} of {whole} bytes"
                )
        self.part.replace(output_file)
        return None


def blocks(response: requests.Response) -> Iterator[bytes]:
    """The body as it comes.

    Raises:
        requests.ConnectionError: it comes more slowly than ``SLOWEST``.
    """
    since, came = time.monotonic(), 0
    while block := response.raw.read1(1 << 20):
        yield block
        came += len(block)
        seconds = time.monotonic() - since
        if seconds > TIMEOUT[1]:
            if came < SLOWEST * seconds:
                raise requests.ConnectionError(
                    f"{came} bytes in {seconds:.0f} seconds; allowed: {SLOWEST} a second or more"
                )
            since, came = time.monotonic(), 0


@contextmanager
def zip_member(archive: Path, name: str) -> Iterator[IO[bytes]]:
    """The member ``name`` of a zip archive, read as a stream; nothing is unpacked to disk.

    Raises:
        DataError: not a whole zip, a member that leaves the folder or is far too large, or no such
            member.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            for member in opened.namelist():
                check_inside(archive, member)
            info = opened.getinfo(name)  # nothing beyond the size it declares is ever read
            packed = min(info.compress_size, archive.stat().st_size)
            check_size(archive, info.filename, info.file_size, packed)
            with opened.open(info) as file:
                yield file
    except KeyError as error:
        raise DataError(f"{archive}: there is no {name} in it") from error
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise DataError(f"{archive}: not a whole zip archive ({error})") from error


class TarMember:
    """The stream of one file of a tar archive."""

    def __init__(self, file: IO[bytes], label: str, size: int) -> None:
        self.file, self.label, self.size = file, label, size

    def read(self, size: int = -1) -> bytes:
        """The next ``size`` bytes, all of them if negative.

        Raises:
            DataError: the archive ends too early.
        """
        with _whole_tar(self.label):
            return self.file.read(size)


def tar_members(archive: Path | TarMember, label: str) -> Iterator[tuple[str, TarMember]]:
    """Name and stream of each file of a (compressed) tar archive, in its order, one pass.

    Raises:
        DataError: not a whole tar, or a member that leaves the folder or is far too large.
    """
    source: dict[str, Any] = (
        {"name": archive} if isinstance(archive, Path) else {"fileobj": archive}
    )
    packed = archive.stat().st_size if isinstance(archive, Path) else archive.size
    unpacked = 0
    with _whole_tar(label), tarfile.open(**source, mode="r|*") as opened:
        for member in opened:
            check_inside(label, member.name)
            unpacked += member.size
            check_size(label, member.name, unpacked, packed)
            if member.isfile():
                file = opened.extractfile(member)
                assert file is not None  # noqa: S101 (isfile)
                yield member.name, TarMember(file, label, member.size)


@contextmanager
def _whole_tar(label: str) -> Iterator[None]:
    """What reading a damaged tar archive raises, as a sentence."""
    try:
        yield
    except (tarfile.TarError, EOFError, zipfile.BadZipFile, OSError) as error:
        raise DataError(f"{label}: not a whole tar archive ({error})") from error


def check_inside(archive: Path | str, member: str) -> None:
    """Refuse a member whose path leaves the archive's folder.

    Raises:
        DataError: the path is absolute or climbs out with ``..``.
    """
    path = PurePosixPath(member.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in (path.parts or ("",))[0]:
        raise DataError(f"{archive}: member {member!r} leaves the folder; nothing was unpacked")


def check_size(archive: Path | str, member: str, unpacked: int, packed: int) -> None:
    """Refuse an archive that is small on disk and fills the memory when read.

    Raises:
        DataError: so many bytes from so few are more than ``BOMB`` allows.
    """
    ratio, least = BOMB
    if unpacked > max(ratio * packed, least):
        raise DataError(
            f"{archive}: {member} unpacks {packed} bytes to {unpacked}; allowed: {ratio} times"
        )
