"""``python -m vaebench archive results/NAME``: a study in one file, for another person to check.

The archive holds what results stand on (cells, cards of the data, the code as it is now), what was
made of them (tables, figures, report) and a manifest with the SHA-256 of each file. Raw data and
splits are not in it: their licences are their owners', and the cards have their checksums.
"""

import gzip
import hashlib
import io
import json
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import yaml

from vaebench.cells.folder import FILES, CellFolder
from vaebench.errors import DataError, VaebenchError
from vaebench.files import is_temporary, whole
from vaebench.machine import provenance
from vaebench.study.plan import Plan
from vaebench.study.saved import NAME, Saved

MANIFEST = "MANIFEST.json"
CODE = "code"
"""The folder of the sources in an archive."""

ROOT = Path(__file__).parents[2]


def pack(folder: Path, target: Path | None = None) -> Path:
    """Pack the study in ``folder``; the same files give the same bytes.

    Args:
        folder: ``…/NAME``.
        target: the archive; by default ``…/NAME.tar.gz``.

    Returns:
        The archive's path.

    Raises:
        DataError: the folder is no study, or the archive cannot be written.
    """
    study = Saved(folder)
    target = target or study.folder.parent / f"{study.folder.name}.tar.gz"
    files = {f"{study.folder.name}/{path.relative_to(study.folder)}": path for path in _of(study)}
    files |= {f"{study.folder.name}/{CODE}/{path}": ROOT / path for path in sources()}
    manifest = {
        "study": study.folder.name,
        **provenance.commit(),
        "versions": provenance.versions(),
        "machine": provenance.machine(),
        "files": {name: sha256(path) for name, path in sorted(files.items())},
    }
    content = (json.dumps(manifest, indent=2) + "\n").encode()
    with (
        whole(target) as temporary,
        temporary.open("wb") as raw,
        gzip.GzipFile("", "wb", mtime=0, fileobj=raw) as packed,
        tarfile.open(fileobj=packed, mode="w") as archive,
    ):
        _add(archive, f"{study.folder.name}/{MANIFEST}", content)
        for name, path in sorted(files.items()):
            _add(archive, name, path.read_bytes())
    return target


def sources() -> list[str]:
    """The files of the checkout that git knows, as they are now; without git, the package."""
    command = ["git", "--no-optional-locks", "-C", str(ROOT), "ls-files", "-z"]
    try:
        done = subprocess.run(command, capture_output=True, check=True)  # noqa: S603
        found = done.stdout.decode().strip("\0").split("\0")
    except (OSError, subprocess.CalledProcessError):
        found = [str(path.relative_to(ROOT)) for path in (ROOT / "vaebench").rglob("*.py")]
    return sorted(name for name in found if (ROOT / name).is_file())


def _of(study: Saved) -> Iterator[Path]:
    """The files of a study that go into its archive."""
    folder = study.folder
    yield folder / NAME
    for pattern in ("tables/*", "figures/*", "report.html", "verdict.txt", "data/*/card.json"):
        found = (path for path in folder.glob(pattern) if not is_temporary(path))
        yield from (path for path in found if path.is_file())
    for cell in study.cells():
        if (cell / "status.json").is_file():
            yield from (cell / name for name in FILES if (cell / name).is_file())
        else:  # why it has no result
            yield from sorted(CellFolder.parse(cell).log().parent.glob("*.log"))


def sha256(path: Path) -> str:
    """The checksum of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)  # no owner, no time
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))


def main(arguments: list[str]) -> None:
    """Pack each study, given by its folder or by its config file."""
    if not arguments:
        sys.exit("usage: python -m vaebench archive results/NAME | CONFIG.yaml …")
    try:
        for argument in arguments:
            folder = Path(argument)
            if folder.suffix in (".yaml", ".yml"):
                try:
                    config = yaml.safe_load(folder.read_text(encoding="utf-8"))
                except (OSError, yaml.YAMLError) as error:
                    raise DataError(f"cannot read {folder}: {error}") from error
                folder = Plan(config).folder
            print(pack(folder))  # noqa: T201
    except VaebenchError as error:
        sys.exit(f"vaebench: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
