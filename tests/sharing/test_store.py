"""Stores that are down, hang, drip, refuse, are half made or killed: one sentence, then mended."""

import base64
import os
import random
import shutil
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import sqlalchemy
from mlflow import MlflowClient
from mlflow.store.tracking.dbmodels.initial_models import Base as FirstTables

from vaebench.errors import TrackingError
from vaebench.sharing import store as store_
from vaebench.sharing.store import store
from vaebench.sharing.tracking import sync

CONFIG = {
    "name": "mirror",
    "control": "linear",
    "datasets": {"digits": {}},
    "strategies": {"linear": {}},
    "tracking": {"enabled": True, "uri": None, "experiment": None},
}


def mirror(home: Path) -> dict[str, str]:
    """A study without a cell, with one document."""
    (home / "results.md").write_text("all is well\n")
    return sync(CONFIG | {"results": str(home)}, [], {}, [home / "results.md"])


Behaviour = Callable[[BaseHTTPRequestHandler], None]


def answers(status: int, body: bytes = b"", **headers: str) -> Behaviour:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def hangs(handler: BaseHTTPRequestHandler) -> None:
    handler.server.ended.wait(60)  # type: ignore[attr-defined]


def drips(handler: BaseHTTPRequestHandler) -> None:
    """A byte each tenth of a second: no single wait for a byte is ever too long."""
    handler.send_response(200)
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    while not handler.server.ended.wait(0.1):  # type: ignore[attr-defined]
        handler.wfile.write(b" ")


def breaks_off(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    handler.wfile.write(b"{")


@contextmanager
def serving(behaviour: Behaviour) -> Iterator[tuple[str, list[str | None]]]:
    """A server on loopback that behaves so; its address, and the passwords that it was given."""
    seen: list[str | None] = []

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            seen.append(self.headers.get("Authorization"))
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            try:
                behaviour(self)
            except OSError:
                self.close_connection = True  # the client has gone

        do_GET = do_POST = _answer  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.ended = threading.Event()  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}", seen
        finally:
            server.ended.set()  # type: ignore[attr-defined]
            server.shutdown()
            thread.join()


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("MLFLOW")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        (hangs, "no whole answer within 2 s"),
        (drips, "no whole answer within 2 s"),
        (answers(429, Retry_After="3600"), "429"),
        (answers(503, Retry_After="3600"), "503"),
        (answers(500, b"<html>\nsorry</html>"), "500"),
        (answers(403, b'{"error_code": "PERMISSION_DENIED", "message": "\x1b[2Jno"}'), "no"),
        (answers(200, b"<html>\nwelcome</html>"), ""),
        (answers(200, b"[]"), ""),
        (answers(404, b"x" * 100_000), "404"),
        (answers(302, Location="/elsewhere"), "redirects"),
        (breaks_off, ""),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_server_in_trouble_is_one_sentence(
    behaviour: Behaviour,
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "2")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    with serving(behaviour) as (place, _):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://{place}")
        with pytest.raises(TrackingError) as caught:
            mirror(tmp_path)
    sentence = str(caught.value)
    assert sentence.startswith(f"MLflow at http://{place}: ")
    assert words in sentence
    assert sentence.isprintable()
    assert len(sentence) < 1_000
    assert "Traceback" not in capfd.readouterr().err


def refuse(listening: socket.socket) -> None:
    """Take a call and end it."""
    listening.accept()[0].close()


DATABASE = "postgresql://me:open%2Fsesame@127.0.0.1:{}/mlflow?application_name=tok-en"


@pytest.mark.parametrize("state", ["down", "hangs", "talks"])
def test_a_database_in_trouble_is_one_sentence_without_a_secret(
    state: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """MLflow by itself tries ten times, for 100 s."""
    monkeypatch.setattr(store_, "PATIENCE", 2)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        if state == "down":
            listening.close()
        else:
            listening.listen()
        if state == "talks":  # it is no database
            threading.Thread(target=refuse, args=[listening], daemon=True).start()
        monkeypatch.setenv("MLFLOW_TRACKING_URI", DATABASE.format(port))
        with pytest.raises(TrackingError) as caught:
            mirror(tmp_path)
    sentence = str(caught.value)
    assert sentence.startswith(f"MLflow at postgresql://127.0.0.1:{port}/mlflow: ")
    assert "\n" not in sentence
    said = capfd.readouterr()
    everything = sentence + caplog.text + said.out + said.err
    assert "Traceback" not in everything
    for secret in ("sesame", "tok-en"):
        assert secret not in everything


@pytest.mark.parametrize("uri", ["mysql://server/mlflow", "nonsense://server", "postgresql://[::"])
def test_a_store_that_cannot_be_is_one_sentence(
    uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    with pytest.raises(TrackingError):
        mirror(tmp_path)


def test_a_password_in_the_address_goes_to_the_server_and_nowhere_else(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "false")
    with serving(answers(401, b"open/sesame is wrong")) as (place, seen):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://me:open%2Fsesame@{place}")
        before = dict(os.environ)
        with pytest.raises(TrackingError, match=f"^MLflow at http://{place}: .*401") as caught:
            mirror(tmp_path)
    assert seen == ["Basic " + base64.b64encode(b"me:open/sesame").decode()]
    assert dict(os.environ) == before
    said = capfd.readouterr()
    everything = str(caught.value) + caplog.text + said.out + said.err
    everything += "".join(file.read_text() for file in tmp_path.rglob("*") if file.is_file())
    assert "sesame" not in everything


@pytest.mark.parametrize(
    "uri",
    [
        "http://me:open/sesame@127.0.0.1:9",
        "http://me:open#sesame@127.0.0.1:9",
        "http://me:open?sesame@127.0.0.1:9",
        "http://me:open@sesame@127.0.0.1:9",
        "http://sesame@127.0.0.1:9",
        "http://127.0.0.1:9/?token=sesame",
        "postgresql://me:open@sesame@127.0.0.1:9/mlflow",
    ],
)
def test_an_address_that_is_read_in_two_ways_is_refused(
    uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some library would take a part of the password for the host, and say so."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    with pytest.raises(TrackingError, match=r"^MLFLOW_TRACKING_URI: .*allowed: ") as caught:
        sync(CONFIG | {"results": str(tmp_path)}, [], {}, [])
    assert "sesame" not in str(caught.value)
    assert not list(tmp_path.iterdir())


KILLED = """
import os, signal, sys, time
from pathlib import Path
from tests.sharing.test_store import mirror

def sync(home, seconds=None):
    child = os.fork()
    if not child:
        try:
            mirror(home)
        finally:
            os._exit(0)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)

home = Path(sys.argv[1])
(home / "whole").mkdir()
begun = time.monotonic()
sync(home / "whole")
needed = time.monotonic() - begun
for number, moment in enumerate(sys.argv[2:]):
    folder = home / f"killed-{number}"
    folder.mkdir()
    sync(folder, float(moment) * needed)
"""


def test_a_first_sync_that_is_killed_at_any_moment_is_mended_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No store that is left behind lacks a table, and nothing else is left."""
    rest = tmp_path / "temporary"
    rest.mkdir()
    monkeypatch.setenv("TMPDIR", str(rest))
    draw = random.Random(14)  # noqa: S311
    moments = [f"{(number + draw.random()) / 4}" for number in range(4)]
    program = [sys.executable, "-c", KILLED, str(tmp_path), *moments]
    subprocess.run(program, check=True, cwd=Path(__file__).parents[2])
    for folder in sorted(tmp_path.glob("killed-*")):
        assert len(mirror(folder)) == 1
        assert {path.name for path in folder.iterdir()} <= {
            ".mlflow.lock",  # of the one that was killed
            "mirror",
            "mlartifacts",
            "mlflow.db",
            "mlflow.db-journal",
            "results.md",
        }


def test_a_store_that_another_version_left_half_made_is_set_aside(tmp_path: Path) -> None:
    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'mlflow.db'}")
    FirstTables.metadata.create_all(engine)
    engine.dispose()
    assert len(mirror(tmp_path)) == 1
    assert (tmp_path / "mlflow.db.damaged").stat().st_size


def test_an_empty_file_is_no_store_yet(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").touch()
    assert len(mirror(tmp_path)) == 1


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_bytes(b"the user's own " * 100)
    with pytest.raises(TrackingError, match="not a database"):
        mirror(tmp_path)
    assert (tmp_path / "mlflow.db").read_bytes() == b"the user's own " * 100


def test_a_locked_store_is_one_sentence(
    empty_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(empty_store, tmp_path)
    monkeypatch.setattr(store_, "PATIENCE", 1)
    holding = sqlite3.connect(tmp_path / "mlflow.db")
    try:
        holding.execute("BEGIN EXCLUSIVE")
        monkeypatch.setattr(store_, "MAKING", 2)
        with pytest.raises(TrackingError, match="no whole answer within"):
            mirror(tmp_path)
    finally:
        holding.close()
    assert len(mirror(tmp_path)) == 1


def test_a_second_sync_asks_little(
    empty_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many runs of others the experiment has."""
    shutil.copy(empty_store, tmp_path)
    mirror(tmp_path)
    client = MlflowClient(store(CONFIG | {"results": str(tmp_path)})[0])
    home = client.get_experiment_by_name("vaebench mirror").experiment_id
    for _ in range(30):
        client.create_run(home, tags={"study": "another"})
    asked: list[str] = []
    within = store_.within

    def count(seconds: float, call: Callable[..., object], *args: object, **options: object):  # noqa: ANN202
        asked.append(call.__name__)
        return within(seconds, call, *args, **options)

    monkeypatch.setattr(store_, "within", count)
    mirror(tmp_path)
    asking = ["MlflowClient", "get_experiment_by_name", "search_runs", "get_experiment"]
    assert asked == asking, "the last one for the description"
