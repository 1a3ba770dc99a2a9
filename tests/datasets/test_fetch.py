"""Raw files from a real HTTP server on this machine, and archives that are not to be trusted."""

import datetime as dt
import gzip
import hashlib
import io
import logging
import os
import ssl
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from vaebench.datasets import Dataset, RawFile
from vaebench.datasets.digits import Digits
from vaebench.datasets.fetch import (
    check,
    download,
    fetch,
    received,
    tar_members,
    verify,
    zip_member,
)
from vaebench.errors import DataError

CONTENT = np.random.default_rng(0).bytes(5 << 19)  # half of it is more than one block
NAME = "ratings.bin"


def sha256(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


def md5(content: bytes) -> str:
    return "md5:" + hashlib.md5(content, usedforsecurity=False).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """Serves ``server.site.files``; misbehaves as the site says."""

    server: "Server"

    def do_GET(self) -> None:
        """Answer, and write down what was asked."""
        site = self.server.site
        asked = self.headers.get("Range")
        site.requests.append((self.path, asked))
        content = site.files.get(self.path)
        if content is None:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        if site.hangs == "before":
            site.enough.wait(30)
            return
        start = 0
        if asked is not None and site.ranges:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            if start >= len(content):
                self.send_error(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
                return
            start += site.shift
            self.send_response(HTTPStatus.PARTIAL_CONTENT)
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(HTTPStatus.OK)
        rest = content[start:]
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        if site.cuts > 0:
            site.cuts -= 1
            rest = rest[: len(rest) // 2]
        if site.hangs == "drips":
            for byte in rest:
                if site.enough.wait(0.05):
                    return
                self.wfile.write(bytes([byte]))
        if site.hangs == "within":
            self.wfile.write(rest[: len(rest) // 2])
            site.enough.wait(30)
            return
        site.sent.append(len(rest))
        self.wfile.write(rest)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@dataclass
class Site:
    """What the server serves, how it misbehaves, and what it was asked.

    Attributes:
        files: path → content; anything else is 404.
        ranges: whether Range is honoured.
        cuts: how many answers still to break off in the middle.
        hangs: where it falls silent with the connection open: ``before`` or ``within`` an answer;
            or it ``drips``, twenty bytes a second.
        shift: bytes by which a part begins too late.
        enough: ends all silence.
        requests: (path, Range header) of every request.
        sent: bytes of every body.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    ranges: bool = True
    cuts: int = 0
    hangs: str = ""
    shift: int = 0
    enough: threading.Event = field(default_factory=threading.Event)
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    sent: list[int] = field(default_factory=list)
    address: str = ""

    def url(self, path: str) -> str:
        """The address of ``path``."""
        return f"http://{self.address}{path}"


class Server(ThreadingHTTPServer):
    """A server on a free port of the loopback interface."""

    def __init__(self, site: Site) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.site = site


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
    site = Site()
    with Server(site) as server:
        site.address = f"127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield site
        site.enough.set()
        server.shutdown()
        thread.join()


class OneFile(Dataset):
    """A data set of one raw file of which only the fetching is of interest."""

    kind = "images"

    def __init__(self, *raw: RawFile) -> None:
        self.raw = list(raw)

    def raw_files(self) -> list[RawFile]:
        """As given."""
        return self.raw

    def raw_folder(self) -> str:
        """``one``."""
        return "one"

    def split_seed(self, raw: Path | None = None) -> str | None:  # noqa: ARG002
        """None: nothing is split."""
        return None

    def write_split(self, raw: Path | None, out: Path, source: dict[str, Any]) -> None:
        """Nobody asks."""
        raise NotImplementedError


def everything_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("checksum", [sha256(CONTENT), md5(CONTENT), None])
def test_a_right_file_is_downloaded_once(site: Site, tmp_path: Path, checksum: str | None) -> None:
    site.files["/a"] = CONTENT
    raw = RawFile(NAME, checksum, (site.url("/a"),))
    target = download(raw, tmp_path / "new")
    assert target == tmp_path / "new" / NAME
    assert target.read_bytes() == CONTENT
    assert everything_in(tmp_path) == [f"new/{NAME}"]
    assert download(raw, tmp_path / "new") == target
    assert site.requests == [("/a", None)]


def test_a_lying_mirror_is_left_for_the_next(site: Site, tmp_path: Path) -> None:
    site.files |= {"/lie": b"<html>moved</html>", "/truth": CONTENT}
    raw = RawFile(NAME, sha256(CONTENT), (site.url("/lie"), site.url("/truth")))
    assert download(raw, tmp_path).read_bytes() == CONTENT
    assert [path for path, _ in site.requests] == ["/lie", "/truth"]
    assert everything_in(tmp_path) == [NAME]


def test_a_mirror_without_the_file_is_left_for_the_next(site: Site, tmp_path: Path) -> None:
    site.files["/truth"] = CONTENT
    raw = RawFile(NAME, sha256(CONTENT), (site.url("/gone"), site.url("/truth")))
    assert download(raw, tmp_path).read_bytes() == CONTENT
    assert everything_in(tmp_path) == [NAME]


def test_an_error_page_never_becomes_the_file(site: Site, tmp_path: Path) -> None:
    """Also where no checksum would find it out."""
    with pytest.raises(DataError, match="404"):
        download(RawFile(NAME, None, (site.url("/gone"),)), tmp_path)
    assert everything_in(tmp_path) == []


def test_an_unreachable_mirror_is_left_for_the_next(site: Site, tmp_path: Path) -> None:
    with Server(Site()) as closed:
        port = closed.server_port
    site.files["/truth"] = CONTENT
    raw = RawFile(NAME, sha256(CONTENT), (f"http://127.0.0.1:{port}/", site.url("/truth")))
    assert download(raw, tmp_path).read_bytes() == CONTENT


def test_all_mirrors_wrong(site: Site, tmp_path: Path) -> None:
    lies = [b"one lie", b"another lie"]
    site.files |= {"/1": lies[0], "/2": lies[1]}
    raw = RawFile(NAME, sha256(CONTENT), (site.url("/1"), site.url("/2"), site.url("/gone")))
    with pytest.raises(DataError) as caught:
        download(raw, tmp_path)
    message = str(caught.value)
    assert "\n" not in message
    for part in (NAME, *raw.urls, "404", sha256(CONTENT).removeprefix("sha256:")):
        assert part in message
    for lie in lies:
        assert sha256(lie).removeprefix("sha256:") in message
    assert everything_in(tmp_path) == []


def test_a_cut_download_goes_on_where_it_stopped(site: Site, tmp_path: Path) -> None:
    site.files["/a"], site.cuts = CONTENT, 1
    raw = RawFile(NAME, sha256(CONTENT), (site.url("/a"),))
    with pytest.raises(DataError, match=NAME):
        download(raw, tmp_path)
    assert not (tmp_path / NAME).exists()
    assert download(raw, tmp_path).read_bytes() == CONTENT
    (_, first), (_, second) = site.requests
    assert first is None
    assert second is not None
    start = int(second.removeprefix("bytes=").removesuffix("-"))
    assert 0 < start <= len(CONTENT) // 2
    assert site.sent == [len(CONTENT) // 2, len(CONTENT) - start]
    assert everything_in(tmp_path) == [NAME]


def test_a_cut_download_is_never_taken_for_the_file(site: Site, tmp_path: Path) -> None:
    """Without a checksum only the length can tell."""
    site.files["/a"], site.cuts = CONTENT, 3
    raw = RawFile(NAME, None, (site.url("/a"),))
    for _ in range(3):
        with pytest.raises(DataError):
            download(raw, tmp_path)
        assert not (tmp_path / NAME).exists()
    assert download(raw, tmp_path).read_bytes() == CONTENT


def test_a_server_without_ranges_sends_the_whole_again(site: Site, tmp_path: Path) -> None:
    site.files["/a"], site.cuts, site.ranges = CONTENT, 1, False
    raw = RawFile(NAME, sha256(CONTENT), (site.url("/a"),))
    with pytest.raises(DataError):
        download(raw, tmp_path)
    assert download(raw, tmp_path).read_bytes() == CONTENT
    assert [bool(asked) for _, asked in site.requests] == [False, True]
    assert site.sent[-1] == len(CONTENT)
    assert everything_in(tmp_path) == [NAME]


def test_a_file_that_became_shorter_is_downloaded_anew(site: Site, tmp_path: Path) -> None:
    """The server answers 416: what we have is more than the file."""
    shorter = CONTENT[:1000]
    site.files["/a"], site.cuts = CONTENT, 1
    raw = RawFile(NAME, sha256(shorter), (site.url("/a"),))
    with pytest.raises(DataError):
        download(raw, tmp_path)
    site.files["/a"] = shorter
    assert download(raw, tmp_path).read_bytes() == shorter
    assert everything_in(tmp_path) == [NAME]


def test_halves_of_different_files_are_not_joined(site: Site, tmp_path: Path) -> None:
    """The file changed between the two requests: the checksum refuses, the next call is clean."""
    site.files["/a"], site.cuts = b"x" * len(CONTENT), 1
    raw = RawFile(NAME, sha256(CONTENT), (site.url("/a"),))
    with pytest.raises(DataError):
        download(raw, tmp_path)
    site.files["/a"] = CONTENT
    with pytest.raises(DataError, match="sha256 checksum is"):
        download(raw, tmp_path)
    assert everything_in(tmp_path) == []
    assert download(raw, tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize("hangs", ["before", "within", "drips"])
def test_a_hanging_mirror_is_left_for_the_next(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hangs: str
) -> None:
    """It accepts, and then says nothing or next to nothing; patience is cut short for the test."""
    monkeypatch.setattr("vaebench.datasets.fetch.TIMEOUT", (0.2, 0.2))
    site.files["/truth"] = CONTENT
    silent = Site(files={"/silent": CONTENT}, hangs=hangs)
    with Server(silent) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}/silent"
        raw = RawFile(NAME, sha256(CONTENT), (url, site.url("/truth")))
        try:
            assert download(raw, tmp_path).read_bytes() == CONTENT
        finally:
            silent.enough.set()
            server.shutdown()
            thread.join()
    assert [path for path, _ in silent.requests] == ["/silent"]


def test_another_part_than_asked_for_is_not_joined(site: Site, tmp_path: Path) -> None:
    """Where no checksum is known, nothing else would find it out."""
    site.files["/a"], site.cuts, site.shift = CONTENT, 1, 7
    raw = RawFile(NAME, None, (site.url("/a"),))
    with pytest.raises(DataError):
        download(raw, tmp_path)
    with pytest.raises(DataError, match=r"asked for bytes from \d+ on, got \d+-"):
        download(raw, tmp_path)
    assert everything_in(tmp_path) == []
    assert download(raw, tmp_path).read_bytes() == CONTENT


def expired(folder: Path) -> Path:
    """Key and certificate of 127.0.0.1, signed by itself and out of date."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    long_ago = dt.datetime(2024, 6, 1, tzinfo=dt.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(long_ago)
        .not_valid_after(long_ago + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    pem = serialization.Encoding.PEM
    path = folder / "expired.pem"
    path.write_bytes(key.private_bytes(pem, *form) + certificate.public_bytes(pem))
    return path


@pytest.fixture
def secure(site: Site, tmp_path: Path) -> Iterator[Site]:
    """A site like ``site`` behind TLS, whose certificate nobody can believe."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(expired(tmp_path))
    behind = Site(ranges=site.ranges)
    with Server(behind) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        behind.address = f"127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield behind
        server.shutdown()
        thread.join()


def test_an_expired_certificate_is_no_obstacle_where_a_digest_is_pinned(
    secure: Site, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    secure.files |= {"/lie": b"a lie", "/truth": CONTENT}
    urls = tuple(secure.url(path).replace("http:", "https:") for path in secure.files)
    for raw in (
        RawFile(NAME, sha256(CONTENT), urls),
        RawFile(f"{NAME}.gz", md5(CONTENT), urls, content=sha256(b"no such content")),
    ):
        with caplog.at_level(logging.WARNING):
            assert download(raw, tmp_path / "new").read_bytes() == CONTENT
        assert "going on without it, since the file's SHA-256 is pinned" in caplog.text
    assert {path for path, _ in secure.requests} == {"/lie", "/truth"}
    assert everything_in(tmp_path / "new") == [NAME, f"{NAME}.gz"]


@pytest.mark.parametrize("checksum", [None, md5(CONTENT)])
def test_an_expired_certificate_ends_what_nothing_else_vouches_for(
    secure: Site, tmp_path: Path, checksum: str | None
) -> None:
    secure.files["/a"] = CONTENT
    raw = RawFile(NAME, checksum, (secure.url("/a").replace("http:", "https:"),))
    with pytest.raises(DataError, match="certificate"):
        download(raw, tmp_path / "new")
    assert secure.requests == []
    assert everything_in(tmp_path / "new") == []


@pytest.mark.parametrize("kind", [".gz", ".zip"])
def test_a_copy_that_was_packed_again_is_known_by_its_content(
    site: Site, tmp_path: Path, kind: str
) -> None:
    copies = []
    for text, level in ((TEXT, 1), (TEXT, 9), (TEXT[:-1], 9)):
        path = tmp_path / "made"
        if kind == ".gz":
            path.write_bytes(gzip.compress(text, level, mtime=level))
        else:
            zipped(path, {"a/README": bytes([level]), "a/x": text})
        copies.append(path.read_bytes())
        path.unlink()
    published, again, another = copies
    assert published != again
    site.files |= {"/another": another, "/again": again}
    raw = RawFile(
        f"x{kind}",
        sha256(published),
        (site.url("/another"), site.url("/again")),
        sha256(TEXT),
        None if kind == ".gz" else "a/x",
    )
    assert download(raw, tmp_path).read_bytes() == again
    for wrong in (another, b"no archive", again[:-20]):
        (tmp_path / raw.name).write_bytes(wrong)
        with pytest.raises(DataError, match=r"checksum is .*, and sha256 checksum of its content"):
            verify(tmp_path / raw.name, raw)


def test_a_second_form_is_downloaded_where_the_first_cannot_be(site: Site, tmp_path: Path) -> None:
    site.files["/b"] = CONTENT
    dataset = OneFile(
        RawFile("a.bin", sha256(b"gone"), (site.url("/a"),)),
        RawFile("b.bin", sha256(CONTENT), (site.url("/b"),)),
    )
    for _ in range(2):
        assert fetch(dataset, None, tmp_path)["name"] == "b.bin"
    assert [path for path, _ in site.requests] == ["/a", "/b"], "the second time it is there"


def test_a_file_that_changed_with_its_time_kept_is_not_split(tmp_path: Path) -> None:
    names = ("a.bin", "b.bin")
    for name in names:
        (tmp_path / name).write_bytes(CONTENT)
    receipt = fetch(TwoFiles(*map(RawFile, names)), tmp_path, tmp_path / "downloads")
    assert received(receipt) == tmp_path / "a.bin"
    for name in names:
        path = tmp_path / name
        times = (path.stat().st_atime_ns, path.stat().st_mtime_ns)
        path.write_bytes(CONTENT[:-1] + b"!")
        os.utime(path, ns=times)
        with pytest.raises(DataError) as caught:
            received(receipt)
        assert str(path) in str(caught.value)
        assert "which it had when it was fetched" in str(caught.value)
        path.write_bytes(CONTENT)
    assert received({"path": None, "name": None, "sha256": None}) is None
    (tmp_path / "b.bin").unlink()
    with pytest.raises(DataError, match=r"cannot read .*b\.bin"):
        received(receipt)


def test_a_users_own_file_is_looked_for_beside_the_config_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then in the working folder, then in the local one; the message names every place."""
    here, beside, local = (tmp_path / name for name in ("here", "beside", "local"))
    found = [here / NAME, beside / NAME, local / "one" / NAME, local / NAME]
    for path in found:
        path.parent.mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(here)
    own = OneFile(RawFile(NAME, own=True))
    with pytest.raises(DataError) as caught:
        check(own, local, [beside])
    assert all(str(path) in str(caught.value) for path in found)
    for path in (local / NAME, local / "one" / NAME, here / NAME, beside / NAME):
        path.write_bytes(CONTENT)
        check(own, local, [beside])
        assert Path(fetch(own, local, tmp_path / "d", [beside])["path"]).samefile(path)
    assert Path(fetch(OneFile(RawFile(NAME)), local, tmp_path, [beside])["path"]) == found[2], (
        "a published file is no matter of the working folder"
    )


@pytest.mark.parametrize("place", ["one", "."])
def test_a_local_file_is_taken_without_network(site: Site, tmp_path: Path, place: str) -> None:
    site.files["/a"] = CONTENT
    path = tmp_path / "local" / place / NAME
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    dataset = OneFile(RawFile(NAME, sha256(CONTENT), (site.url("/a"),)))
    receipt = fetch(dataset, tmp_path / "local", tmp_path / "downloads")
    assert Path(receipt["path"]).samefile(path)
    assert receipt["name"] == NAME
    assert "sha256:" + receipt["sha256"] == sha256(CONTENT)
    assert site.requests == []
    assert not (tmp_path / "downloads").exists()


def test_a_wrong_local_file_is_refused(site: Site, tmp_path: Path) -> None:
    """It is the user's: neither replaced by a download nor deleted."""
    site.files["/a"] = CONTENT
    (tmp_path / NAME).write_bytes(b"wrong")
    dataset = OneFile(RawFile(NAME, sha256(CONTENT), (site.url("/a"),)))
    with pytest.raises(DataError) as caught:
        fetch(dataset, tmp_path, tmp_path / "downloads")
    message = str(caught.value)
    assert "\n" not in message
    assert str(tmp_path / NAME) in message
    assert sha256(CONTENT).removeprefix("sha256:") in message
    assert sha256(b"wrong").removeprefix("sha256:") in message
    assert (tmp_path / NAME).read_bytes() == b"wrong"
    assert site.requests == []


def test_the_other_form_of_a_file_is_accepted(site: Site, tmp_path: Path) -> None:
    (tmp_path / "inner.csv").write_bytes(CONTENT)
    archive = RawFile("archive.zip", sha256(b"archive"), (site.url("/a"),))
    dataset = OneFile(archive, RawFile("inner.csv", sha256(CONTENT)))
    assert fetch(dataset, tmp_path, tmp_path / "downloads")["name"] == "inner.csv"
    assert site.requests == []


def test_without_a_local_file_the_archive_is_downloaded(site: Site, tmp_path: Path) -> None:
    site.files["/a"] = CONTENT
    dataset = OneFile(RawFile("inner.csv"), RawFile(NAME, sha256(CONTENT), (site.url("/a"),)))
    receipt = fetch(dataset, tmp_path, tmp_path / "downloads")
    assert receipt["path"] == str(tmp_path / "downloads" / "one" / NAME)
    assert "sha256:" + receipt["sha256"] == sha256(CONTENT)


def test_a_file_that_only_the_user_can_have(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"{NAME} cannot be downloaded and it is not in .*RAW"):
        fetch(OneFile(RawFile(NAME)), tmp_path, tmp_path / "downloads")


def test_a_kept_download_is_verified_again(site: Site, tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"rotten")
    raw = RawFile(NAME, sha256(CONTENT), (site.url("/a"),))
    with pytest.raises(DataError, match="checksum"):
        download(raw, tmp_path)


def test_an_embedded_data_set_needs_no_file(tmp_path: Path) -> None:
    receipt = fetch(Digits(), None, tmp_path)
    assert receipt == {"path": None, "name": None, "sha256": None}


def test_verify_knows_the_algorithm(tmp_path: Path) -> None:
    path = tmp_path / NAME
    path.write_bytes(CONTENT)
    verify(path, RawFile(NAME, md5(CONTENT)))
    with pytest.raises(DataError, match=r"md5 checksum is \w{32}; allowed: 0"):
        verify(path, RawFile(NAME, "md5:0"))


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def tarred(path: Path, members: dict[str, bytes], mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def read_zip(path: Path, name: str) -> bytes:
    with zip_member(path, name) as file:
        return file.read()


def read_tar(path: Path) -> dict[str, bytes]:
    return {name: file.read() for name, file in tar_members(path, path.name)}


TEXT = "".join(f"{i},{i * i}\n" for i in range(20_000)).encode()
OUTSIDE = ["../evil", "/abs", "a/../../evil", "..\\evil", "C:\\evil", "C:evil"]


def test_archives_are_read(tmp_path: Path) -> None:
    members = {"a/x": TEXT, "a/y": b""}
    assert read_zip(zipped(tmp_path / "a.zip", members), "a/x") == TEXT
    assert read_tar(tarred(tmp_path / "a.tar.gz", members)) == members
    assert read_tar(tarred(tmp_path / "a.tar", members, "w")) == members
    assert everything_in(tmp_path) == ["a.tar", "a.tar.gz", "a.zip"]


@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.99])
def test_a_truncated_zip_is_refused_in_one_sentence(tmp_path: Path, share: float) -> None:
    path = zipped(tmp_path / "a.zip", {"x": TEXT})
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(DataError, match="not a whole zip archive") as caught:
        read_zip(path, "x")
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("damage", ["byte", "block", "start"])
def test_a_damaged_zip_is_refused_in_one_sentence(tmp_path: Path, damage: str) -> None:
    """The list of members is whole; the member itself is not."""
    path = zipped(tmp_path / "a.zip", {"x": TEXT})
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    if damage == "byte":
        content[middle] ^= 1
    elif damage == "start":
        content[31] = 0xFF  # after the local header of 30 bytes and the name: no such block type
    else:
        content[middle : middle + 4096] = b"\xff" * 4096
    path.write_bytes(content)
    with pytest.raises(DataError, match="not a whole zip archive") as caught:
        read_zip(path, "x")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.9])
@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_a_truncated_tar_is_refused_in_one_sentence(
    tmp_path: Path, share: float, mode: str
) -> None:
    path = tarred(tmp_path / "a.tar", {"x": TEXT, "y": TEXT}, mode)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(DataError, match="not a whole tar archive") as caught:
        read_tar(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("member", OUTSIDE)
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_a_member_outside_the_folder_is_refused(tmp_path: Path, kind: str, member: str) -> None:
    folder = tmp_path / "inner"
    folder.mkdir()
    members = {member: b"evil", "x": TEXT}
    path = (zipped if kind == "zip" else tarred)(folder / "a", members)
    with pytest.raises(DataError, match="leaves the folder; nothing was unpacked"):
        read_zip(path, "x") if kind == "zip" else read_tar(path)
    assert everything_in(tmp_path) == ["inner/a"]


@pytest.mark.parametrize("form", ["zip", "tar", "tar in tar"])
def test_a_bomb_is_refused_before_it_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    """Zeros in a thousandth of their size; a small bomb, for which the limit is lowered."""
    monkeypatch.setattr("vaebench.datasets.fetch.BOMB", (100, 1 << 20))
    size, block = 8 << 20, bytes(1 << 20)
    path, inner = tmp_path / "bomb", tmp_path / "inner.tar.gz"

    def read() -> None:
        if form == "zip":
            read_zip(path, "x")
        for name, file in tar_members(path, path.name):
            list(tar_members(file, name))

    if form == "zip":
        with (
            zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
            archive.open("x", "w") as member,
        ):
            for _ in range(size >> 20):
                member.write(block)
    else:
        with gzip.open(inner if form == "tar in tar" else path, "wb", compresslevel=1) as file:
            header = tarfile.TarInfo("x")
            header.size = size
            file.write(header.tobuf())
            for _ in range(size >> 20):
                file.write(block)
    if form == "tar in tar":
        tarred(path, {"inner.tar.gz": inner.read_bytes()})
    assert path.stat().st_size < size >> 7
    with pytest.raises(DataError, match=rf"x unpacks \d+ bytes to {size}; allowed: 100 times"):
        read()


def test_a_zip_that_lies_about_its_size_gives_no_more_than_it_says(tmp_path: Path) -> None:
    """The size in the list of members is set from 100,000 to 10."""
    path = zipped(tmp_path / "a.zip", {"x": bytes(100_000)})
    content = bytearray(path.read_bytes())
    for place in (content.find(b"PK\x03\x04") + 22, content.find(b"PK\x01\x02") + 24):
        content[place : place + 4] = (10).to_bytes(4, "little")
    path.write_bytes(content)
    with pytest.raises(DataError, match="not a whole zip archive"):
        read_zip(path, "x")


def test_links_of_a_tar_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as archive:
        link = tarfile.TarInfo("x")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
        archive.addfile(link)
    assert read_tar(path) == {}


def test_a_zip_without_the_member(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"x": TEXT})
    with pytest.raises(DataError, match=r"there is no y in it$"):
        read_zip(path, "y")


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_bytes(b"<html>not found</html>" * 100)
    with pytest.raises(DataError, match="not a whole zip"):
        read_zip(path, "x")
    with pytest.raises(DataError, match="not a whole tar"):
        read_tar(path)


class TwoFiles(OneFile):
    """A data set whose first file needs the others beside it."""

    def companions(self) -> list[RawFile]:
        """All but the first."""
        return self.raw[1:]

    def raw_files(self) -> list[RawFile]:
        """The first."""
        return self.raw[:1]


def test_companions_lie_beside_the_raw_file(site: Site, tmp_path: Path) -> None:
    """Both local: used in place. One local: it is linked to beside the one downloaded."""
    site.files["/b"] = b"second"
    first = RawFile("a.bin", sha256(b"first"))
    second = RawFile("b.bin", sha256(b"second"), (site.url("/b"),))
    local = tmp_path / "local"
    local.mkdir()
    (local / "a.bin").write_bytes(b"first")
    for _ in range(2):
        receipt = fetch(TwoFiles(first, second), local, tmp_path / "downloads")
        path = Path(receipt["path"])
        assert path == tmp_path / "downloads" / "one" / "a.bin"
        assert (path.read_bytes(), (path.parent / "b.bin").read_bytes()) == (b"first", b"second")
        assert "sha256:" + receipt["companions"]["b.bin"] == sha256(b"second")
    (local / "b.bin").write_bytes(b"second")
    assert Path(fetch(TwoFiles(first, second), local, tmp_path)["path"]) == local / "a.bin"
    (local / "b.bin").write_bytes(b"wrong")
    with pytest.raises(DataError, match=r"b\.bin: sha256 checksum"):
        fetch(TwoFiles(first, second), local, tmp_path)
