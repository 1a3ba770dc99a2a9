"""The archive of a study, read as if an enemy had packed it.

A strict reader of what ``vaebench archive`` writes, and of nothing else: gzip around a plain tar of
plain files, each of a name that a study has and of a size that such a file may have. Python's
own ``tarfile`` follows extended headers, sparse maps and links, and reads the first into memory
whatever their size; here their mere presence ends the reading. The code that an archive brings is
read for its digest and never written to disk.
"""

import hashlib
import json
import os
import re
import tarfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from vaebench.cells.folder import FILES, TRAINED
from vaebench.errors import DataError
from vaebench.files import write_json
from vaebench.seal import STUDY, seal

MANIFEST = "MANIFEST.json"
CODE = "code"
"""The folder of the sources in an archive."""

SIGNED = "manifest_sha256"
"""The key of a manifest's own digest."""

KIB, MIB, GIB = 2**10, 2**20, 2**30
BLOCK = 512
PIECE = MIB
GZIP = b"\x1f\x8b\x08" + bytes(5)
"""How an archive begins: gzip, with no name and no time."""

MOST_FILES = 100_000
RATIO, FREE = 20, 64 * MIB
"""All files together may have ``FREE`` bytes and ``RATIO`` times those of the archive."""

_WORD = r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}"
_TRIAL = r"(?:trial-\d+|rung-\d+/place-\d+)"
_CELL = rf"cells/{_WORD}/{_WORD}/{_WORD}/seed-\d+"
TRIAL = tuple(name for name in TRAINED if not name.endswith(".safetensors"))
"""The files of a trial that are packed: its weights are used for nothing."""


_BY_ENDING = {".json": MIB, ".parquet": 64 * MIB, ".safetensors": 16 * GIB}

SIZES: dict[str, int] = {
    MANIFEST: 16 * MIB,
    r"(?:study|opened)\.json": MIB,
    r"ro-crate-metadata\.json": 4 * MIB,
    r"(?:seal|verdict)\.(?:json|txt)": 16 * MIB,
    r"report\.html": 128 * MIB,
    r"paper/(?:paper|numbers)\.tex": 16 * MIB,
    rf"tables/{_WORD}\.(?:csv|md|tex|json|parquet)": 64 * MIB,
    rf"figures/{_WORD}\.(?:pdf|png)": 32 * MIB,
    rf"images/(?:index\.json|{_WORD}\.(?:pdf|png))": 32 * MIB,
    rf"images/{_CELL}/(?:metrics\.json|values\.npz)": 64 * MIB,
    rf"data/{_WORD}/(?:replicate-\d+/)?card\.json": MIB,
    rf"tuning/(?:rung-\d+/places/)?{_WORD}/{_WORD}/{_WORD}(?:/seed-\d+)?\.json": 4 * MIB,
    rf"logs/{_CELL}/{_WORD}\.log": 16 * MIB,
    **{rf"{_CELL}/{re.escape(name)}": _BY_ENDING[Path(name).suffix] for name in FILES},
    **{rf"tuning/{_TRIAL}/{_CELL}/{re.escape(name)}": 64 * MIB for name in TRIAL},
    rf"{CODE}/.+": 16 * MIB,
}
"""Pattern of a file's path in a study → the most bytes that it may have."""

_KNOWN = {re.compile(pattern): most for pattern, most in SIZES.items()}

DOCUMENTS = (
    *("report.html", "tables/*", "figures/*", "paper/*", "images/*", "images/cells/*/*/*/*/*"),
    *("data/*/card.json", "data/*/*/card.json", "tuning/*/*/*.json", "tuning/*/*/*/seed-*.json"),
    *("tuning/rung-*/places/*/*/*.json", "tuning/rung-*/places/*/*/*/seed-*.json"),
    "opened.json",
)
"""What a study says, and what it says it of; its cells and trials are further files."""

KINDS = {
    tarfile.SYMTYPE: "a symbolic link",
    tarfile.LNKTYPE: "a hard link",
    tarfile.CHRTYPE: "a device",
    tarfile.BLKTYPE: "a device",
    tarfile.FIFOTYPE: "a pipe",
    tarfile.DIRTYPE: "a folder",
    tarfile.XHDTYPE: "an extended header",
    tarfile.XGLTYPE: "an extended header",
    tarfile.SOLARIS_XHDTYPE: "an extended header",
    tarfile.GNUTYPE_LONGNAME: "an extended header",
    tarfile.GNUTYPE_LONGLINK: "an extended header",
    tarfile.GNUTYPE_SPARSE: "a sparse file",
}
"""What a tar may hold and an archive of a study does not."""


def most_bytes(name: str) -> int | None:
    """The most bytes that a study's file ``name`` may have; None if no study has such a file."""
    parts = name.split("/")
    if {"", ".", ".."} & {*parts} or "\\" in name or not name.isprintable():
        return None
    return next((most for known, most in _KNOWN.items() if known.fullmatch(name)), None)


def documents(folder: Path) -> list[str]:
    """The paths of all :data:`DOCUMENTS` in a study's folder; temporary files are none."""
    found = [path for pattern in DOCUMENTS for path in folder.glob(pattern) if path.is_file()]
    names = [str(path.relative_to(folder)) for path in found]
    return sorted(name for name in names if most_bytes(name) is not None)


def trials(folder: Path) -> list[Path]:
    """The seals of all trials of a study."""
    stages = ("trial-*", "rung-*/place-*")
    found = (folder.glob(f"tuning/{each}/cells/*/*/*/*/training.json") for each in stages)
    return sorted(path for paths in found for path in paths)


def signed(manifest: Mapping[str, Any]) -> bytes:
    """A manifest as it stands in an archive, with the digest of all that it says."""
    content = json.dumps(manifest, indent=2, ensure_ascii=True)
    found = hashlib.sha256(content.encode()).hexdigest()
    return (json.dumps({**manifest, SIGNED: found}, indent=2) + "\n").encode()


def seal_study(folder: Path, cells: Iterable[Path]) -> None:
    """Write ``seal.json``: digests of all documents, and of the seals of cells and trials.

    Args:
        folder: the study.
        cells: those of its grid, finished or not.

    Raises:
        DataError: a file cannot be read or written.
    """
    seals = [cell / "status.json" for cell in cells]
    seals += trials(folder)
    names = [str(path.relative_to(folder)) for path in seals if path.is_file()]
    files = seal(folder, sorted({*documents(folder), *names}))
    write_json(folder / STUDY, {"files": files})


@dataclass
class Content:
    """What an archive holds.

    Attributes:
        study: its name.
        digests: path in the study → SHA-256, of every file.
        manifest: the manifest, as it stands there.
    """

    study: str
    digests: dict[str, str] = field(default_factory=dict)
    manifest: bytes = b""


def read(archive: Path) -> Content:
    """Names and digests of all files of a study's archive; nothing is written.

    Raises:
        DataError: not a whole archive, or anything in it that an archive of a study does not have;
            the message names it.
    """
    found: Content | None = None
    for member, size, content in members(archive):
        study, _, name = member.partition("/")
        found = found or Content(study)
        most = most_bytes(name) if study == found.study and re.fullmatch(_WORD, study) else None
        if most is None:
            raise _refused(archive, member, "is no file of a study")
        if size > most:
            raise _refused(archive, member, f"has {size} bytes; allowed for it: {most}")
        if name in found.digests:
            raise _refused(archive, member, "is there twice")
        if len(found.digests) >= MOST_FILES:
            raise DataError(f"{archive}: has too many files; allowed: {MOST_FILES}")
        pieces = iter([b"".join(content)]) if name == MANIFEST else content
        digest = hashlib.sha256()
        for piece in pieces:
            digest.update(piece)
            if name == MANIFEST:
                found.manifest = piece
        found.digests[name] = digest.hexdigest()
    if found is None or not found.manifest:
        raise DataError(
            f"{archive}: there is no study in it; allowed: what vaebench archive packed"
        )
    return found


def unpack(archive: Path, home: Path) -> Path:
    """Unpack an archive that :func:`read` has read into the empty folder ``home``.

    Returns:
        The study's folder, without its code.

    Raises:
        DataError: it cannot be written.
    """
    try:
        for member, _, content in members(archive):
            code = member.split("/")[1] == CODE
            target = Path(os.devnull) if code else home / member
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb" if code else "xb") as file:
                file.writelines(content)
    except OSError as error:
        raise DataError(f"{archive}: cannot be unpacked: {error.strerror or error}") from error
    return next(home.iterdir())


def members(archive: Path) -> Iterator[tuple[str, int, Iterator[bytes]]]:
    """Name, size and content (in pieces, to be used up) of each file of a ``.tar.gz``.

    Raises:
        DataError: see :func:`read`.
    """
    try:
        with archive.open("rb") as file:
            most = FREE + RATIO * archive.stat().st_size
            if file.read(len(GZIP)) != GZIP:
                raise DataError(f"{archive}: is not as vaebench archive packs it; allowed: as sent")
            file.seek(0)
            stream = _Unzipped(file, archive, most)
            while any(header := stream.read(BLOCK)):
                member = _header(header, archive)
                if member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE):
                    what = KINDS.get(member.type, "of an unknown kind")
                    raise _refused(archive, member.name, f"is {what}; allowed: plain files")
                if member.size < 0 or stream.unpacked + member.size > most:
                    raise _refused(archive, member.name, f"has {member.size} bytes: too many")
                if header != plain(member.name, member.size).tobuf(tarfile.USTAR_FORMAT, "utf-8"):
                    raise _refused(archive, member.name, "is not as vaebench archive packs it")
                yield member.name, member.size, stream.pieces(member.size)
                if any(stream.read(-member.size % BLOCK)):
                    raise _refused(archive, member.name, "is not as vaebench archive packs it")
            stream.end()
    except (OSError, zlib.error) as error:
        raise DataError(f"{archive}: not a whole tar.gz archive ({error})") from error


def plain(name: str, size: int) -> tarfile.TarInfo:
    """A file as it stands in an archive: no owner, no time."""
    member = tarfile.TarInfo(name)
    member.size = size
    return member


class _Unzipped:
    """The content of a gzip file, piece by piece; no more is in memory than was asked for."""

    def __init__(self, file: IO[bytes], archive: Path, most: int) -> None:
        self.file, self.archive, self.most = file, archive, most
        self.unpacked = 0
        self._inflate = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
        self._packed = b""

    def read(self, size: int) -> bytes:
        """The next ``size`` bytes."""
        return b"".join(self.pieces(size))

    def pieces(self, size: int) -> Iterator[bytes]:
        """The next ``size`` bytes, in pieces."""
        while size:
            piece = self._some(min(size, PIECE))
            if not piece:
                raise DataError(f"{self.archive}: not a whole tar.gz archive (it ends too early)")
            size -= len(piece)
            yield piece

    def end(self) -> None:
        """Nothing but zeros and the checksum may follow."""
        while piece := self._some(PIECE):
            if any(piece):
                raise DataError(
                    f"{self.archive}: something follows the last file; allowed: nothing"
                )
        if not self._inflate.eof or self._inflate.unused_data or self.file.read(1):
            raise DataError(f"{self.archive}: not a whole tar.gz archive (its end is damaged)")

    def _some(self, most: int) -> bytes:
        """Up to ``most`` bytes; none at the end."""
        while not self._inflate.eof:
            self._packed = self._packed or self.file.read(64 * KIB)
            over = not self._packed
            piece = self._inflate.decompress(self._packed, most)
            self._packed = self._inflate.unconsumed_tail
            self.unpacked += len(piece)
            if self.unpacked > self.most:
                raise DataError(
                    f"{self.archive}: unpacks to more than {self.most} bytes; allowed: {RATIO} "
                    f"times its own and {FREE // MIB} MiB"
                )
            if piece or over:
                return piece
        return b""


def _header(block: bytes, archive: Path) -> tarfile.TarInfo:
    try:
        return tarfile.TarInfo.frombuf(block, "utf-8", "strict")
    except (tarfile.TarError, ValueError) as error:
        raise DataError(f"{archive}: not a whole tar.gz archive ({error})") from error


def _refused(archive: Path, member: str, why: str) -> DataError:
    return DataError(f"{archive}: {member!r} {why}; nothing of the archive was kept")
