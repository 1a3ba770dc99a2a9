"""A real MLflow server on PostgreSQL: down at first, killed in the middle, back again."""

import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from mlflow import MlflowClient

from tests.cluster.services import PASSWORD, Database, Server, missing
from tests.cluster.slurm import wait_for
from tests.sharing.test_tracking import CONFIG, spec
from tests.trained import run
from vaebench.components import create

SEEDS = range(8)
SYNC = """
import json, sys
from pathlib import Path
from vaebench.errors import VaebenchError
from vaebench.sharing.tracking import sync
home = Path(sys.argv[1])
config = json.loads(sys.argv[2]) | {"results": str(home)}
cells = sorted(home.glob("cells/digits/mlp/linear/seed-*"))
try:
    runs = sync(config, cells, [home / "data/digits/card.json"], [home / "results.md"])
except VaebenchError as error:
    sys.exit(f"vaebench: {error}")
print(json.dumps(runs))
"""


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    reason = missing()
    if reason:
        pytest.skip(reason)
    database = Database()
    try:
        database.start()
        yield database
    finally:
        database.stop()


@pytest.fixture(scope="module")
def server(database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Not yet started."""
    server = Server(database, tmp_path_factory.mktemp("server") / "artifacts")
    yield server
    server.kill()


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight cells, one of them trained and the others its copies."""
    home = tmp_path_factory.mktemp("study")
    source = {"name": None, "sha256": None}
    create("vaebench.datasets", {"class": "digits.Digits"}).write_split(
        None, home / "data/digits", source
    )
    first = home / "cells/digits/mlp/linear/seed-0"
    run(spec(0), home / "data/digits", first)
    for seed in SEEDS[1:]:
        shutil.copytree(first, first.with_name(f"seed-{seed}"))
    (home / "results.md").write_text("all is well\n")
    return home


def start_sync(study: Path, uri: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", SYNC, str(study), json.dumps(CONFIG)]
    environment: dict[str, Any] = {"MLFLOW_TRACKING_URI": uri, "NO_PROXY": "127.0.0.1"}
    return subprocess.Popen(
        ["env", *(f"{key}={value}" for key, value in environment.items()), *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def everything(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables."""
    with psycopg2.connect(database.uri) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        tables = [name for (name,) in cursor.fetchall()]
        rows = {}
        for table in tables:
            cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608 (our own database)
            rows[table] = cursor.fetchall()
    return rows


def number_of_runs(database: Database) -> int:
    return len(everything(database)["runs"])


def test_a_server_that_dies_and_comes_back_has_everything_once(
    study: Path, server: Server, database: Database
) -> None:
    down = start_sync(study, server.uri)
    _, error = down.communicate()
    assert down.returncode == 1
    assert error.splitlines()[-1].startswith(f"vaebench: MLflow at {server.uri}: ")
    assert number_of_runs(database) == 0

    server.start()
    dying = start_sync(study, server.uri)
    wait_for(lambda: number_of_runs(database) > 1 or dying.poll() is not None, 120, every=0.05)
    assert dying.poll() is None, "the server must die in the middle"
    server.kill()
    _, error = dying.communicate()
    assert dying.returncode == 1
    assert error.splitlines()[-1].startswith(f"vaebench: MLflow at {server.uri}: ")
    assert 1 < number_of_runs(database) < len(SEEDS)

    server.start()
    outputs = []
    for _ in range(2):
        back = start_sync(study, server.uri)
        out, error = back.communicate()
        assert back.returncode == 0, error
        outputs.append(json.loads(out))
    assert outputs[0] == outputs[1], "the second call finds all as it is"
    client = MlflowClient(server.uri)
    homes = {e.name: e.experiment_id for e in client.search_experiments()}
    found = list(client.search_runs([homes["vaebench mirror: digits"]]))
    keys = Counter(run.data.tags["vaebench.key"] for run in found)
    cells = {f"digits/mlp/linear/seed-{seed}": 1 for seed in SEEDS}
    assert keys == cells | {"digits/mlp/linear": 1}
    for one in (each for each in found if each.data.tags["vaebench.key"] in cells):
        history = client.get_metric_history(one.info.run_id, "train/elbo")
        assert [point.step for point in history] == [3, 6]
        artifacts = {file.path for file in client.list_artifacts(one.info.run_id)}
        assert {"config.json", "test.parquet", "status.json"} <= artifacts
    first = next(run for run in found if run.data.tags.get("seed") == "0")
    copy = client.download_artifacts(first.info.run_id, "test.parquet")
    original = study / "cells/digits/mlp/linear/seed-0/test.parquet"
    assert Path(copy).read_bytes() == original.read_bytes()


def test_a_database_without_a_server_takes_the_mirror_and_keeps_no_password(
    study: Path, server: Server, database: Database, tmp_path: Path
) -> None:
    """The password of the database is in the environment of the writer and of the server."""
    copy = tmp_path / "study"
    shutil.copytree(study, copy)
    direct = start_sync(copy, database.uri)
    out, error = direct.communicate()
    assert direct.returncode == 0, error
    assert len(json.loads(out)) == len(SEEDS) + 2
    assert PASSWORD not in out + error
    wrong = start_sync(copy, database.uri.replace("mlflow:", "nobody:"))
    _, error = wrong.communicate()
    assert wrong.returncode == 1
    assert PASSWORD not in error
    assert PASSWORD not in str(everything(database))
    files = [*copy.rglob("*"), *study.rglob("*"), *server.folder.parent.rglob("*")]
    assert not [f for f in files if f.is_file() and PASSWORD.encode() in f.read_bytes()]
