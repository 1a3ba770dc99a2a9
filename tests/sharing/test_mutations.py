"""Two hundred archives with one mutation each: of a content, a name, a presence or the manifest."""

import gzip
import io
import json
import random
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from vaebench.errors import VaebenchError
from vaebench.sharing.container import MANIFEST, members, signed, unpack
from vaebench.sharing.verify import Verdict, _manifest, _seals, verify

ARCHIVES = 200
Files = dict[str, bytes]


@pytest.fixture(scope="module")
def files(packed: Path) -> Files:
    """The files of the archive; of its code, one."""
    found = {name: b"".join(content) for name, _, content in members(packed)}
    kept = {
        name: content
        for name, content in found.items()
        if "/code/" not in name or name.endswith("vaebench/seal.py")
    }
    manifest = json.loads(kept[f"small/{MANIFEST}"])
    manifest["files"] = {n: d for n, d in manifest["files"].items() if f"small/{n}" in kept}
    del manifest["manifest_sha256"]
    return kept | {f"small/{MANIFEST}": signed(manifest)}


def write(files: Files, path: Path) -> Path:
    """Files → archive, as :mod:`vaebench.sharing.archive` writes it."""
    with (
        path.open("wb") as file,
        gzip.GzipFile("", "wb", 1, file, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def content(draw: random.Random, files: Files, name: str) -> str:
    """Flip a bit, cut off, append, or put another file's content there."""
    old = files[name]
    ways: list[Callable[[], bytes]] = [lambda: old + b"\n", lambda: old + b"\0"]
    if old:
        place = draw.randrange(len(old))
        flipped = bytes([old[place] ^ (1 << draw.randrange(8))])
        ways += [lambda: old[:place] + flipped + old[place + 1 :], lambda: old[:place]]
    others = [other for other in files.values() if other != old]
    ways.append(lambda: draw.choice(others))
    files[name] = draw.choice(ways)()
    return name


def named(draw: random.Random, files: Files, name: str) -> str:
    """Rename a file: in its folder, into another, or by one letter."""
    folder, _, last = name.rpartition("/")
    other = draw.choice([each for each in files if each != name])
    new = draw.choice(
        [f"{folder}/x{last}", f"{other.rpartition('/')[0]}/{last}y", name.swapcase(), other]
    )
    files[new] = files.pop(name)
    return name


def presence(draw: random.Random, files: Files, name: str) -> str:
    """Remove a file, or add one."""
    if draw.random() < 0.5:
        del files[name]
        return name
    new = draw.choice(
        [
            "small/tables/more.csv",
            "small/evil.py",
            name + "~",
            "small/cells/planted/mult-vae/constant/seed-7/status.json",
            "small/code/vaebench/more.py",
        ]
    )
    files[new] = files[name]
    return new


def manifest(draw: random.Random, files: Files, name: str) -> str:
    """Change any byte of the manifest, or an entry of it."""
    where = f"small/{MANIFEST}"
    entry = name.removeprefix("small/")
    said = json.loads(files[where])
    way = draw.randrange(4)
    if way == 0 or entry == MANIFEST:
        return content(draw, files, where)
    if way == 1:
        del said["files"][entry]
    elif way == 2:
        said["files"][entry] = "0" * 64
    else:
        said["files"][f"{entry}.more"] = said["files"].pop(entry)
    if draw.random() < 0.5:  # by one who knows how a manifest is signed
        del said["manifest_sha256"]
        files[where] = signed(said)
    else:
        files[where] = json.dumps(said, indent=2).encode()
    return where


def test_one_mutation_is_noticed_each_time(files: Files, tmp_path: Path) -> None:
    draw, silent = random.Random(14), []  # noqa: S311 (no secret)
    for number in range(ARCHIVES):
        mutated = dict(files)
        kind = (content, named, presence, manifest)[number % 4]
        where = kind(draw, mutated, draw.choice(list(files)))
        try:
            said = verify(write(mutated, tmp_path / "mutated.tar.gz")).differences
        except VaebenchError as error:
            said = [str(error)]
        if not said:
            silent.append(f"{number}: {kind.__name__} of {where}")
        elif kind is content and where != f"small/{MANIFEST}":
            assert where.removeprefix("small/") in " ".join(said), (where, said)
    assert silent == []


def test_without_a_mutation_nothing_is_noticed(files: Files, tmp_path: Path) -> None:
    """What a manifest and digests can say of the archive of these tests."""
    same, verdict = write(files, tmp_path / "same.tar.gz"), Verdict()
    _manifest(verdict, same)
    _seals(verdict, unpack(same, tmp_path))
    assert verdict.differences == []
