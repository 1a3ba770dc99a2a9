"""Raw files: found in a local folder or downloaded, and verified before anything reads them."""

import gzip
import hashlib
import logging
import tarfile
import time
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any

import requests
import urllib3
from tqdm import tqdm

from vaebench.datasets import COUNTED, Dataset, RawFile
from vaebench.errors import DataError
from vaebench.files import digest

TIMEOUT = (10, 60)
"""Seconds to connect, and between two bytes."""

SLOWEST = 1024
"""Bytes a second, over TIMEOUT[1] seconds: a mirror that drips is as bad as one that hangs."""

BOMB = 100, 1 << 28
"""An archive that unpacks to more than 100 times its size and to more than 256 MiB is refused;
tables of ratings shrink to a fifth or so."""

FAILURES = (requests.RequestException, urllib3.exceptions.HTTPError, OSError)
"""What a download that fails may raise."""

log = logging.getLogger(__name__)


def places(
    dataset: Dataset, raw: RawFile, local: Path | None, beside: Sequence[Path]
) -> list[Path]:
    """Where ``raw`` may lie, in the order of looking.

    A file that is the user's own: beside the config files, then in the working folder. Every file:
    in the local folder's sub-folder of the data set, then in the local folder.
    """
    folders = [*beside, Path()] if raw.own else []
    folders += [local / dataset.raw_folder(), local] if local is not None else []
    return list(dict.fromkeys(folder / raw.name for folder in folders))


def lying_in(
    local: Path | None, dataset: Dataset, raw: RawFile, beside: Sequence[Path] = ()
) -> Path | None:
    """Where ``raw`` lies, if it does; see :func:`places`."""
    return next((path for path in places(dataset, raw, local, beside) if path.is_file()), None)


def local_file(
    dataset: Dataset, local: Path | None, beside: Sequence[Path] = ()
) -> tuple[RawFile, Path] | None:
    """The first raw file of ``dataset`` that is here; not yet verified."""
    for raw in dataset.raw_files():
        path = lying_in(local, dataset, raw, beside)
        if path is not None:
            return raw, path
    return None


def check(dataset: Dataset, local: Path | None, beside: Sequence[Path] = ()) -> None:
    """Before any job: is the file here or published, and does the data set take it?

    Raises:
        DataError: nobody could have the file, or its split would be refused.
    """
    found = local_file(dataset, local, beside)
    for raw in dataset.companions():
        path = lying_in(local, dataset, raw, beside)
        if path is None and not raw.urls:
            raise _nowhere(dataset, raw, local, beside)
        if path is not None and found is not None and raw.own:
            _refuse_apart(found[1], path)
    if found is not None:
        raw, path = found
        if path.stat().st_size <= COUNTED:
            verify(path, raw)
        dataset.check(path)
    elif dataset.raw_files() and not any(raw.urls for raw in dataset.raw_files()):
        raise _nowhere(dataset, dataset.raw_files()[0], local, beside)


def _nowhere(
    dataset: Dataset, raw: RawFile, local: Path | None, beside: Sequence[Path]
) -> DataError:
    """The error for a file that cannot be downloaded and is not here."""
    looked = [str(path.absolute()) for path in places(dataset, raw, local, beside)]
    return DataError(
        f"{raw.name} cannot be downloaded and it is not in "
        f"{' or '.join(looked) or 'a local folder, since none is named'}; allowed: a file there, "
        "or in the folder that local_files or VAEBENCH_RAW names"
    )


def fetch(
    dataset: Dataset, local: Path | None, downloads: Path, beside: Sequence[Path] = ()
) -> dict[str, Any]:
    """Find or download the raw file of ``dataset`` and its companions, and verify them.

    Args:
        dataset: names its raw files.
        local: a folder of files the user already has, or None.
        downloads: where downloaded files are kept.
        beside: the folders of the config files, for files that are the user's own.

    Returns:
        A receipt: ``path``, ``name`` and ``sha256`` of the verified file, all None if the data set
        is embedded; ``companions`` (name → sha256) if it has any.

    Raises:
        DataError: no form of a file can be had, or its checksum is wrong.
    """
    if not dataset.raw_files():
        return {"path": None, "name": None, "sha256": None}
    folder = downloads / dataset.raw_folder()
    found = local_file(dataset, local, beside)
    if found:
        raw, path = found
        verify(path, raw)
    else:
        raw, path = _downloaded(dataset, folder, local, beside)
    receipt: dict[str, Any] = {"name": raw.name, "sha256": digest(path)}
    if dataset.companions():
        others = [_had(dataset, other, local, folder, beside) for other in dataset.companions()]
        if any(other.parent != path.parent for other in others):
            if raw.own:
                _refuse_apart(path, *others)
            # some are the user's and some are downloaded: readers find them in one folder
            path, *others = (_linked(file, folder) for file in (path, *others))
        receipt["companions"] = {other.name: digest(other) for other in others}
    return {"path": str(path)} | receipt


def received(receipt: Mapping[str, Any]) -> Path | None:
    """The file of a receipt, and its companions, as they were when it was written.

    Raises:
        DataError: one of them has another content now, whatever its time says, or is gone.
    """
    if receipt["path"] is None:
        return None
    path = Path(receipt["path"])
    others = {path.parent / name: sha256 for name, sha256 in receipt.get("companions", {}).items()}
    for file, sha256 in {path: receipt["sha256"], **others}.items():
        found = digest(file)
        if found != sha256:
            raise DataError(
                f"{file}: sha256 checksum is {found}; allowed: {sha256}, which it had when it was "
                "fetched (remove the data set's raw.json to take the new file)"
            )
    return path


def _downloaded(
    dataset: Dataset, folder: Path, local: Path | None, beside: Sequence[Path]
) -> tuple[RawFile, Path]:
    """The first published form that can be had."""
    published = [raw for raw in dataset.raw_files() if raw.urls]
    if not published:
        raise _nowhere(dataset, dataset.raw_files()[0], local, beside)
    failures = []
    for raw in sorted(published, key=lambda raw: not (folder / raw.name).is_file()):
        try:
            return raw, download(raw, folder, local)
        except DataError as error:
            failures.append(str(error))
    raise DataError("; ".join(failures))


def _had(
    dataset: Dataset, raw: RawFile, local: Path | None, folder: Path, beside: Sequence[Path]
) -> Path:
    """``raw`` where the user has it, else downloaded; verified."""
    path = lying_in(local, dataset, raw, beside)
    if path is None:
        if not raw.urls:
            raise _nowhere(dataset, raw, local, beside)
        return download(raw, folder, local)
    verify(path, raw)
    return path


def _refuse_apart(*own: Path) -> None:
    """The user's own files of one data set lie together: readers look in one folder."""
    if len({path.parent for path in own}) > 1:
        raise DataError(
            f"{', '.join(map(str, own))} lie in different folders; allowed: all files of a given "
            "split in one folder"
        )


def _linked(file: Path, folder: Path) -> Path:
    """A link to ``file`` in ``folder``, unless it lies there."""
    target = folder / file.name
    if target.resolve() != file.resolve():
        folder.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        target.symlink_to(file.resolve())
    return target


def verify(path: Path, raw: RawFile) -> None:
    """Compare a file with the checksum of ``raw``, or else with that of its decoded content.

    A file with neither pinned passes.

    Raises:
        DataError: names the file, the expected and the found checksums.
    """
    said = []
    for pinned, what in ((raw.checksum, ""), (raw.content, " of its content")):
        if pinned is None:
            continue
        algorithm, _, expected = pinned.partition(":")
        found = digest(path, algorithm) if not what else _content_digest(path, raw, algorithm)
        if found == expected:
            return
        said.append(f"{algorithm} checksum{what} is {found}; allowed: {expected}")
    if said:
        raise DataError(f"{path}: {', and '.join(said)}")


def _content_digest(path: Path, raw: RawFile, algorithm: str) -> str:
    """Of what ``path`` decodes to; a word for it where it decodes to nothing."""
    found = hashlib.new(algorithm, usedforsecurity=False)
    try:
        with zip_member(path, raw.member) if raw.member else gzip.open(path) as file:
            while block := file.read(1 << 20):
                found.update(block)
    except (DataError, OSError, EOFError, zlib.error):
        return "unknown (not to be unpacked)"
    return found.hexdigest()


def download(raw: RawFile, folder: Path, local: Path | None = None) -> Path:
    """``raw`` in ``folder``: from the first of its URLs that gives the right file.

    An interrupted download goes on where it stopped, where the server allows it. A file with a
    wrong checksum is deleted, and the next mirror is asked. Where a SHA-256 is pinned it decides: a
    certificate that cannot be verified (of the official hosts, they expire) is a warning.

    Raises:
        DataError: no URL gave the file; says why for each.
    """
    target = folder / raw.name
    if target.is_file():
        verify(target, raw)
        return target
    failures = []
    for url in raw.urls:
        part = folder / f".{raw.name}.{hashlib.sha256(url.encode()).hexdigest()[:8]}.part"
        try:
            _resume(url, part, trusting=False)
        except requests.exceptions.SSLError as error:
            failures.append(f"{url}: {error}")
            if not any(str(pin).startswith("sha256:") for pin in (raw.checksum, raw.content)):
                continue
            log.warning("%s; going on without it, since the file's SHA-256 is pinned", failures[-1])
            try:
                _resume(url, part, trusting=True)
            except FAILURES as again:
                failures[-1] = f"{url}: {again}"
                continue
        except FAILURES as error:
            failures.append(f"{url}: {error}")
            log.warning("%s", failures[-1])
            continue
        try:
            verify(part, raw)
        except DataError as error:  # not to be resumed
            part.unlink()
            failures.append(f"{url}: {str(error).removeprefix(f'{part}: ')}")
            log.warning("%s", failures[-1])
            continue
        part.replace(target)
        return target
    looked = f" and it is not in {local}" if local else ""
    raise DataError(f"{raw.name} cannot be downloaded{looked}: {'; '.join(failures)}")


def _resume(url: str, part: Path, *, trusting: bool) -> None:
    """Download ``url`` into ``part``, which may hold the beginning of it already.

    ``trusting``: do without the server's certificate.
    """
    part.parent.mkdir(parents=True, exist_ok=True)
    have = part.stat().st_size if part.exists() else 0
    # no compression on the way: what is counted and resumed are the file's own bytes
    headers = {"Accept-Encoding": "identity"}
    headers |= {"Range": f"bytes={have}-"} if have else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", urllib3.exceptions.InsecureRequestWarning)
        answer = requests.get(
            url, headers=headers, stream=True, timeout=TIMEOUT, verify=not trusting
        )
    with answer as response:
        if response.status_code == requests.codes.requested_range_not_satisfiable:
            part.unlink()
            return _resume(url, part, trusting=trusting)
        response.raise_for_status()
        resumed = response.status_code == requests.codes.partial_content
        begins = response.headers.get("Content-Range", "").removeprefix("bytes ")
        if resumed and begins.partition("-")[0] != str(have):
            part.unlink()
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
        with part.open("ab" if resumed else "wb") as file, progress:
            for block in blocks(response):
                file.write(block)
                progress.update(len(block))
        size = part.stat().st_size
        if whole is not None and size < whole:
            raise requests.ConnectionError(f"the connection ended after {size} of {whole} bytes")
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


@contextmanager
def only_zip_member(archive: Path) -> Iterator[IO[bytes]]:
    """The one file in a zip archive; folders and what macOS adds do not count.

    Raises:
        DataError: see :func:`zip_member`; or there are several files, or none.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            names = [name for name in opened.namelist() if not name.startswith("__MACOSX/")]
    except (zipfile.BadZipFile, EOFError) as error:
        raise DataError(f"{archive}: not a whole zip archive ({error})") from error
    files = [name for name in names if not name.endswith("/")]
    if len(files) != 1:
        raise DataError(f"{archive}: there are {len(files)} files in it; allowed: one")
    with zip_member(archive, files[0]) as file:
        yield file


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
