"""Forty hostile archives: nothing of them runs, nothing is written outside, and all is bounded."""

import gzip
import io
import lzma
import os
import shutil
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from tests.sharing.conftest import edit, reseal
from vaebench.files import digest
from vaebench.sharing.container import most_bytes, signed

ROOT = Path(__file__).parents[2]
MOST_KB, MOST_SECONDS = 512 * 1024, 60
CELL = "small/cells/planted/mult-vae/constant/seed-0"
EVIL = "from pathlib import Path\nPath({!r}).touch()\nclass Evil: pass\n"

MEASURED = """
import os, subprocess, sys
process = subprocess.Popen(sys.argv[1:])
_, status, usage = os.wait4(process.pid, 0)
sys.stderr.write(f"peak {usage.ru_maxrss}")
sys.exit(os.waitstatus_to_exitcode(status))
"""
"""A small process around the command: a process begins with the peak of the one that made it."""


def verify(path: Path, home: Path, *more: str) -> str:
    """What the command says of a hostile archive, after all that it must not do.

    The working folder holds modules that leave a mark when they are imported.
    """
    work, mark = home / "work", home / "ran"
    work.mkdir()
    for name in ("evil", "json", "pandas", "cells", "halves"):
        (work / f"{name}.py").write_text(EVIL.format(str(mark)))
    for folder in ("temporary", "outside"):
        (home / folder).mkdir()
    before = sorted(home.rglob("*"))
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "TMPDIR": str(home / "temporary"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    started = time.monotonic()
    command = [sys.executable, "-P", "-m", "vaebench", "verify", str(path), *more]
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", MEASURED, *command],
        cwd=work,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    error, _, peak = done.stderr.rpartition("peak ")
    assert done.returncode == 1, error
    assert time.monotonic() - started < MOST_SECONDS
    assert int(peak) < MOST_KB
    assert not mark.exists(), "code of a stranger was run"
    assert sorted(home.rglob("*")) == before, "something was written"
    lines = error.splitlines()
    assert len(lines) == 1, error
    assert lines[0].startswith("vaebench: ")
    return done.stdout + error


class Tar:
    """An archive, member by member."""

    def __init__(self) -> None:
        self.raw = io.BytesIO()

    def add(self, name: str, content: bytes = b"", **more: Any) -> "Tar":
        member = tarfile.TarInfo(name)
        member.size = len(content)
        for key, value in more.items():
            setattr(member, key, value)
        kind = more.get("format", tarfile.USTAR_FORMAT)
        self.raw.write(member.tobuf(kind, "utf-8"))
        return self.block(content + b"\0" * (-len(content) % 512))

    def block(self, content: bytes) -> "Tar":
        self.raw.write(content)
        return self

    def packed(self, end: bytes = b"\0" * 10240) -> bytes:
        return gzip.compress(self.raw.getvalue() + end, 1, mtime=0)


def manifest(**more: Any) -> Tar:
    """An archive that begins well."""
    return Tar().add("small/MANIFEST.json", signed({"study": "small", "files": {}} | more))


def kind(name: str, **more: Any) -> Callable[[], bytes]:
    return lambda: manifest().add(name, **more).packed()


def header(change: Callable[[bytearray], None]) -> Callable[[], bytes]:
    """A member whose header is changed, with the right checksum."""

    def make() -> bytes:
        block = bytearray(tarfile.TarInfo("small/report.html").tobuf(tarfile.USTAR_FORMAT))
        change(block)
        block[148:156] = b" " * 8
        block[148:156] = b"%06o\0 " % sum(block)
        return manifest().block(bytes(block)).block(b"\0" * 512).packed()

    return make


def big(kind: bytes) -> Callable[[], bytes]:
    """A header of ``kind`` that brings 150 MB."""
    return lambda: manifest().add("small/x", b"\0" * 150_000_000, type=kind).packed()


def said(text: bytes) -> Callable[[], bytes]:
    """An archive whose manifest is ``text``."""
    return lambda: Tar().add("small/MANIFEST.json", text).packed()


def sparse() -> bytes:
    """An old sparse file whose map goes on and on."""
    block = bytearray(512)
    block[504] = 1
    more = manifest().add("small/report.html", type=tarfile.GNUTYPE_SPARSE)
    return more.block(bytes(block) * 200_000).packed()


def size(value: bytes) -> Callable[[bytearray], None]:
    def change(block: bytearray) -> None:
        block[124:136] = value

    return change


def name(value: bytes) -> Callable[[bytearray], None]:
    def change(block: bytearray) -> None:
        block[: len(value)] = value

    return change


def fifty(value: str) -> bytes:
    """A JSON of 12 MB that takes a hundred times as much in memory."""
    return (f'{{"files": [{value}' + f",{value}" * (12_000_000 // (len(value) + 1)) + "]}").encode()


good = manifest().packed
LIGHT: dict[str, tuple[Callable[[], bytes], str]] = {
    "absolute": (kind("/small/report.html"), "is no file of a study"),
    "climbs out": (kind("small/../../outside/report.html"), "is no file of a study"),
    "climbs out of cells": (kind(f"{CELL}/../../../../../../../x.json"), "is no file of a study"),
    "backslash": (kind("small/tables\\..\\..\\x.csv"), "is no file of a study"),
    "terminal": (kind("small/tables/\x1b[2Jx.csv"), r"'small/tables/\x1b[2Jx.csv' is no file"),
    "not UTF-8": (header(name(b"small/\xff\xfe")), "not a whole tar.gz archive"),
    "code": (kind("small/evil.py"), "is no file of a study"),
    "code of a cell": (kind(f"{CELL}/evil.py", content=b"boom"), "is no file of a study"),
    "checkpoint": (kind(f"{CELL}/checkpoint.pt", content=b"boom"), "is no file of a study"),
    "other study": (kind("other/report.html"), "is no file of a study"),
    "hidden": (kind("small/tables/.cells.csv"), "is no file of a study"),
    "twice": (kind("small/MANIFEST.json"), "is there twice"),
    "symbolic link": (
        kind("small/tables/x.csv", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
        "is a symbolic link",
    ),
    "linked folder": (
        lambda: (
            manifest()
            .add("small/tables", type=tarfile.SYMTYPE, linkname="../../outside")
            .add("small/tables/x.csv", b"x")
            .packed()
        ),
        "is a symbolic link",
    ),
    "hard link": (
        kind("small/tables/x.csv", type=tarfile.LNKTYPE, linkname="/etc/passwd"),
        "is a hard link",
    ),
    "device": (kind("small/tables/x.csv", type=tarfile.CHRTYPE), "is a device"),
    "disk": (kind("small/tables/x.csv", type=tarfile.BLKTYPE), "is a device"),
    "pipe": (kind("small/tables/x.csv", type=tarfile.FIFOTYPE), "is a pipe"),
    "folder": (kind("small/tables", type=tarfile.DIRTYPE), "is a folder"),
    "owner": (
        kind("small/tables/x.csv", uid=0, mode=0o4755),
        "is not as vaebench archive packs",
    ),
    "PAX bomb": (big(tarfile.XHDTYPE), "is an extended header"),
    "global PAX bomb": (big(tarfile.XGLTYPE), "is an extended header"),
    "long name bomb": (big(tarfile.GNUTYPE_LONGNAME), "is an extended header"),
    "sparse": (sparse, "is a sparse file"),
    "gzip bomb": (
        lambda: manifest().add("small/tables/x.csv", b"\0" * 150_000_000).packed(),
        "too many",
    ),
    "bomb behind the end": (lambda: manifest().packed(b"\0" * 150_000_000), "unpacks to more than"),
    "negative size": (header(size(b"\xff" * 12)), "has -1 bytes"),
    "endless size": (header(size(b"\x80" + b"\xff" * 11)), "too many"),
    "cut off": (lambda: good()[:-20], "not a whole tar.gz"),
    "checksum": (lambda: good()[:-8] + b"\0" * 8, "not a whole tar.gz"),
    "two in one": (lambda: good() + good(), "not a whole tar.gz"),
    "other compression": (
        lambda: lzma.compress(b"\0" * 10240),
        "is not as vaebench archive packs",
    ),
    "deep manifest": (said(b"[" * 10_000_000), "MANIFEST.json is damaged"),
    "wide manifest": (said(fifty("[]")), "vaebench: "),
    "other manifest": (said(b"[1, 2]"), "MANIFEST.json is damaged"),
}


@pytest.mark.parametrize("what", LIGHT)
def test_a_hostile_container_is_refused_before_anything_is_unpacked(
    what: str, tmp_path: Path
) -> None:
    make, wanted = LIGHT[what]
    path = tmp_path / "small.tar.gz"
    path.write_bytes(make())
    assert wanted in verify(path, tmp_path)


def table_bomb(study: Path) -> None:
    """1.5 GB of zeros in a few kilobytes."""
    column = pa.table({"ndcg@100": np.zeros(3_000_000)})
    path = study / "cells/planted/mult-vae/constant/seed-0/test.parquet"
    with pyarrow.parquet.ParquetWriter(path, column.schema) as writer:
        for _ in range(60):
            writer.write_table(column)


def chosen_class(study: Path) -> None:
    """A tuning stage that chose a class."""
    edit(
        study / "tuning/planted/mult-vae/constant.json",
        lambda choice: choice["chosen"]["strategy"].update({"class": "evil.Evil"}),
    )


def trained_order(config: dict[str, Any]) -> None:
    config["grid"][0]["training"] = {"update_order": {"class": "evil.Evil"}}


def of_study(change: Callable[[dict[str, Any]], Any]) -> Callable[[Path], None]:
    return lambda study: edit(study / "study.json", change)


def escape(study: Path) -> None:
    """What was measured of a cell says another name of its data set."""
    path = study / "images/cells/digits/mlp/constant/seed-0/metrics.json"
    edit(path, lambda metrics: metrics.update(dataset="../../../outside"))


DEEP: dict[str, tuple[Callable[[Path], Any], str]] = {
    "class": (
        of_study(lambda c: c["strategies"]["constant"].update({"class": "evil.Evil"})),
        "strategies.constant.class: 'evil.Evil' is not a class of vaebench",
    ),
    "class of the standard library": (
        of_study(lambda c: c["models"]["mlp"].update({"class": "subprocess.Popen"})),
        "models.mlp.class: 'subprocess.Popen' is not a class of vaebench",
    ),
    "update order": (
        of_study(trained_order),
        "training.update_order.class: 'evil.Evil' is not a class",
    ),
    "chosen class": (chosen_class, "does not follow from the trials"),
    "endless seeds": (of_study(lambda c: c.update(seeds=10**12)), "needs more memory"),
    "wide network": (
        of_study(lambda c: c["models"]["mult-vae"].update(hidden=2 * 10**9)),
        "vaebench: ",
    ),
    "table bomb": (table_bomb, "test.parquet: unpacks "),
    "written elsewhere": (escape, "metrics.json: dataset is no measure"),
}


@pytest.mark.parametrize("what", DEEP)
def test_a_hostile_study_is_refused_whatever_its_digests(
    what: str, study: Path, tmp_path: Path
) -> None:
    """Digests that fit, and something in the files for which they were forged."""
    forge, wanted = DEEP[what]
    forge(study)
    reseal(study)
    packed = tmp_path / "small.tar.gz"
    write(study, packed)
    shutil.rmtree(study)
    assert wanted in verify(packed, tmp_path)


def write(study: Path, target: Path) -> None:
    """Pack a study that :func:`vaebench.sharing.archive.pack` might refuse."""
    names = (str(path.relative_to(study)) for path in sorted(study.rglob("*")) if path.is_file())
    files = [name for name in names if most_bytes(name)]
    digests = {name: digest(study / name) for name in files}
    tar = manifest(commit=None, files=digests)
    for each in files:
        tar.add(f"small/{each}", (study / each).read_bytes())
    target.write_bytes(tar.packed())


def test_forty_of_them() -> None:
    assert len(LIGHT) + len(DEEP) >= 40
