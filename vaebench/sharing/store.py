"""The store behind the mirror: where it lies, how it is made, and that it answers in time.

A local SQLite store appears whole or not at all. Every call of a client ends within ``PATIENCE``
seconds, with its answer or with an error, whatever a server or a database does: refuse, hang, drip,
or ask to be called again in an hour. A secret of an address is in no message and in no log.
"""

import logging
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, wait
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any, cast
from urllib.parse import unquote

import sqlalchemy
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from vaebench import credentials
from vaebench.errors import DataError, TrackingError
from vaebench.files import sweep, whole
from vaebench.machine.leases import one_of

PATIENCE = 25
"""Seconds that one call may take; of a server MLFLOW_HTTP_REQUEST_TIMEOUT, where it is set."""

MAKING = 600
"""Seconds that a database on a server may take for its first tables."""

SLOWEST = 2**18
"""Bytes a second: so much more time has an artifact."""

DATABASES = ("postgresql", "mysql", "mssql")
NAME = "mlflow.db"
LONGEST = 500
"""Characters of an error that a message repeats: a server may send a whole page."""

UNCLEAR = (
    "MLFLOW_TRACKING_URI: programs do not agree on where user, password and host end (it is not "
    "shown here); allowed: scheme://user:password@host:port/path, where / # ? @ : % of a user or "
    "password are %2F %23 %3F %40 %3A %25, without ?… for a server (a token goes into "
    "MLFLOW_TRACKING_TOKEN)"
)


def store(config: Mapping[str, Any]) -> tuple[str, str | None]:
    """Tracking URI and artifact folder: MLFLOW_TRACKING_URI, else the study's, else a local SQLite.

    A server says itself where artifacts lie (None); those of a database lie in ``results``.

    Raises:
        TrackingError: it cannot be told what in MLFLOW_TRACKING_URI is a secret.
    """
    given = os.environ.get("MLFLOW_TRACKING_URI")
    if given:
        _check(given)
    uri = given or config["tracking"]["uri"]
    if uri and _is_server(uri):
        return uri, None
    home = Path(config["results"]).resolve()
    return uri or f"sqlite:///{home / NAME}", (home / "mlartifacts").as_uri()


@contextmanager
def opened(uri: str, home: Path, advice: str) -> Iterator[MlflowClient]:
    """A client of the store at ``uri``, which is made if need be, by one process of ``home``.

    Args:
        uri: as :func:`store` gives it.
        home: the folder of all studies.
        advice: what to do after an error, the end of its sentence.

    Raises:
        TrackingError: the store cannot be made or does not answer: one sentence.
        DataError: the folder of a local store cannot be written.
    """
    with _environment(uri) as public, _discreet(uri), _in_words(uri, advice):
        with one_of([home / ".mlflow.lock"]):
            client: MlflowClient = within(make(public), MlflowClient, public)
        yield cast("MlflowClient", Bounded(client, patience(public)))


def make(uri: str) -> float:
    """Make a local store if there is none, reach that of a database; seconds for its first call.

    Raises:
        DataError: the file of a local store cannot be written.
        MlflowException: the database does not answer.
    """
    if _is_server(uri):
        return patience(uri)
    file = _file(uri)
    if file is None:
        return PATIENCE if _is_made(uri) else MAKING
    sweep(file.parent)
    if file.name == NAME and _is_half(file):
        # an older version, or another program, was killed while it made the tables
        file.replace(file.with_name(f"{NAME}.damaged"))
    if not (file.exists() and file.stat().st_size):
        _build(file)
    return MAKING  # another version may have to look at its tables


def patience(uri: str) -> float:
    """Seconds that a call may take."""
    own = os.environ.get("MLFLOW_HTTP_REQUEST_TIMEOUT") if _is_server(uri) else None
    return float(own) if own else PATIENCE


class Bounded:
    """An ``MlflowClient`` whose calls end in time, and fail with MlflowException alone."""

    def __init__(self, client: MlflowClient, seconds: float) -> None:
        self._client, self._seconds = client, seconds

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return partial(within, self._seconds, getattr(self._client, name))

    def log_artifact(self, run: str, file: str, artifact_path: str | None = None) -> None:
        """Copy a file; a large one may take longer."""
        seconds = self._seconds + Path(file).stat().st_size / SLOWEST
        within(seconds, self._client.log_artifact, run, file, artifact_path)

    def log_model_artifact(self, model: str, file: str) -> None:
        """Copy a file of a model; weights are large."""
        seconds = self._seconds + Path(file).stat().st_size / SLOWEST
        within(seconds, self._client.log_model_artifact, model, file)


def within(seconds: float, call: Callable[..., Any], *args: Any, **options: Any) -> Any:  # noqa: ANN401
    """The answer of ``call``.

    A thread of its own waits for it: neither a driver written in C nor a server that drips can be
    interrupted otherwise. One that never ends is left behind and ends with the process.

    Raises:
        MlflowException: it failed, or took longer than ``seconds``.
    """
    answer: Future[Any] = Future()

    def work() -> None:
        try:
            answer.set_result(call(*args, **options))
        except BaseException as error:  # noqa: BLE001 (it is raised again where it is waited for)
            answer.set_exception(error)

    Thread(target=work, daemon=True).start()
    if not wait([answer], seconds).done:
        raise MlflowException(f"no whole answer within {seconds:g} s")
    error = answer.exception()
    if error is None or isinstance(error, MlflowException):
        return answer.result()
    raise MlflowException(f"{error}" if f"{error}".strip() else type(error).__name__) from error


def _check(uri: str) -> None:
    """Refuse an address whose secrets cannot be told apart from its host."""
    parts = credentials.SECRET.fullmatch(uri)
    clear = credentials.is_public(uri) or parts is not None
    if parts and _is_server(uri):
        clear = parts["query"] is None and (parts["user"] is None or bool(parts["password"]))
    if not clear:
        raise TrackingError(UNCLEAR)


def _is_server(uri: str) -> bool:
    return uri.lower().startswith(("http://", "https://"))


def _file(uri: str) -> Path | None:
    """The file of a local store; None if the store is anything else."""
    if not credentials.FILE.fullmatch(uri) or not uri.startswith("sqlite"):
        return None
    path = uri.partition(":///")[2]
    return Path(path).absolute() if path not in ("", ":memory:") else None


def _build(file: Path) -> None:
    """Make a store elsewhere, and bring it to its place when it is whole.

    Its tables are made in some hundred steps, each for itself: a store that was left in the middle
    can neither be used nor finished.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="vaebench-") as folder, whole(file) as temporary:
            built = Path(folder) / NAME
            MlflowClient(tracking_uri=f"sqlite:///{built}").search_experiments(max_results=1)
            copy = built.with_name("copy.db")  # without what a connection still holds
            with closing(sqlite3.connect(built)) as one, closing(sqlite3.connect(copy)) as two:
                one.backup(two)
            shutil.copyfile(copy, temporary)
            file.with_name(f"{file.name}-journal").unlink(missing_ok=True)  # of a file that is gone
    except OSError as error:
        raise DataError(f"cannot make {file}: {error.strerror or error}") from error


def _is_half(file: Path) -> bool:
    """Whether tables were begun and not finished: MLflow's own experiment comes last."""
    if not file.is_file():
        return False
    with suppress(sqlite3.Error), closing(sqlite3.connect(file)) as opened_:
        tables = {name for (name,) in opened_.execute("SELECT name FROM sqlite_master")}
        used = [name for name in ("experiments", "registered_models") if name in tables]
        rows = (opened_.execute(f"SELECT 1 FROM {name}").fetchone() for name in used)  # noqa: S608
        return bool(tables) and not any(rows)
    return False  # no database, or locked: MLflow has the word for it


def _is_made(uri: str) -> bool:
    """Reach the database once (MLflow itself would try for 100 s): has it tables?"""

    def look() -> bool:
        engine = sqlalchemy.create_engine(uri, poolclass=sqlalchemy.NullPool)
        return bool(sqlalchemy.inspect(engine).has_table("alembic_version"))

    return within(PATIENCE, look) if uri.startswith(DATABASES) else True


@contextmanager
def _environment(uri: str) -> Iterator[str]:
    """MLflow's settings for as long as it is used; yields the address without user and password.

    MLflow sends those of the environment just the same, and shows them nowhere.
    """
    before = dict(os.environ)
    defaults = {
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
        "MLFLOW_HTTP_REQUEST_TIMEOUT": str(PATIENCE),
        "MLFLOW_HTTP_RESPECT_RETRY_AFTER_HEADER": "false",  # it may ask for an hour
    }
    os.environ |= defaults | before
    os.environ["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] = "true"  # two lines a cell
    parts = credentials.SECRET.fullmatch(uri)
    if _is_server(uri) and parts and parts["password"]:
        os.environ["MLFLOW_TRACKING_USERNAME"] = unquote(parts["user"])
        os.environ["MLFLOW_TRACKING_PASSWORD"] = unquote(parts["password"])
        uri = f"{parts['scheme']}://{parts['place']}"
    try:
        yield uri
    finally:
        for name in set(os.environ) - set(before):
            del os.environ[name]
        os.environ.update(before)


@contextmanager
def _discreet(uri: str) -> Iterator[None]:
    """No log record of any library holds a secret or a traceback, and MLflow makes none."""
    make_record, mlflow = logging.getLogRecordFactory(), logging.getLogger("mlflow")

    def record(*args: Any, **options: Any) -> logging.LogRecord:  # noqa: ANN401
        made = make_record(*args, **options)
        made.msg, made.args = credentials.redact_known(made.getMessage(), os.environ, uri), ()
        made.exc_info = None
        return made

    level = mlflow.level
    logging.setLogRecordFactory(record)
    mlflow.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        mlflow.setLevel(level)
        logging.setLogRecordFactory(make_record)


@contextmanager
def _in_words(uri: str, advice: str) -> Iterator[None]:
    """What MLflow raises, as one sentence without a secret."""
    try:
        yield
    except MlflowException as error:
        line = next((line for line in str(error).splitlines() if line.strip()), "no reason given")
        words = "".join(sign if sign.isprintable() else " " for sign in line.strip())
        words = credentials.redact_known(words, os.environ, uri)[:LONGEST]
        raise TrackingError(f"MLflow at {credentials.shown(uri)}: {words}; {advice}") from None
