"""PostgreSQL and an MLflow server on loopback, for one test session, in a temporary folder."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

from tests.cluster.slurm import free_ports, wait_for

PASSWORD = "open-sesame"  # noqa: S105 (of a database that lives for a minute)


def program(name: str) -> str | None:
    """One of PostgreSQL's programs; Debian keeps them outside of PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(found[-1]) if found else shutil.which(name)


def missing() -> str | None:
    """Why there can be no database here; None if there can."""
    absent = [name for name in ("initdb", "postgres") if program(name) is None]
    if absent:
        return f"not installed: {', '.join(absent)} (make test-cluster installs Debian's packages)"
    if os.geteuid() == 0:
        try:
            pwd.getpwnam("postgres")
        except KeyError:
            return "PostgreSQL refuses root, and there is no user postgres"
    return None


class Database:
    """A PostgreSQL of its own."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="postgres-"))
        self.port = free_ports(1)[0]
        self.uri = f"postgresql://mlflow:{PASSWORD}@127.0.0.1:{self.port}/postgres"
        user = os.geteuid() == 0
        self.user = {"user": "postgres", "group": "postgres", "extra_groups": []} if user else {}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Make and start the database, with the tables of MLflow."""
        password = self.folder / "password"
        password.write_text(PASSWORD)
        if self.user:
            shutil.chown(self.folder, "postgres")
            shutil.chown(password, "postgres")
        data = self.folder / "data"
        make = [str(program("initdb")), "-D", str(data), "-U", "mlflow", "--no-sync"]
        make += ["--auth=scram-sha-256", f"--pwfile={password}"]
        subprocess.run(make, check=True, capture_output=True, cwd="/", **self.user)  # type: ignore[call-overload]
        password.unlink()
        command = [str(program("postgres")), "-D", str(data), "-p", str(self.port)]
        command += ["-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={data}"]
        with (self.folder / "log").open("wb") as log:
            self.process = subprocess.Popen(  # type: ignore[call-overload]
                [*command, "-c", "fsync=off"], stdout=log, stderr=log, cwd="/", **self.user
            )
        wait_for(lambda: b"ready to accept" in (self.folder / "log").read_bytes())
        upgrade = [sys.executable, "-m", "mlflow", "db", "upgrade", self.uri]
        subprocess.run(upgrade, check=True, capture_output=True)

    def stop(self) -> None:
        """Stop it and forget it."""
        if self.process is not None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(30)
        shutil.rmtree(self.folder)


class Server:
    """An MLflow server on a database, with a folder of artifacts that it hands out itself."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database, self.folder = database, folder
        self.port = free_ports(1)[0]
        self.uri = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, or start it again, and wait until it answers."""
        command = [sys.executable, "-m", "mlflow", "server", "--workers", "1"]
        command += ["--port", str(self.port), "--artifacts-destination", str(self.folder)]
        environment = os.environ | {
            "MLFLOW_BACKEND_STORE_URI": self.database.uri,  # not in the list of processes
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        }
        with (self.folder.parent / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                command, env=environment, stdout=log, stderr=log, start_new_session=True
            )
        wait_for(self._answers, 120)

    def kill(self) -> None:
        """End it at once, with all its workers."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.uri}/health", timeout=1) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except OSError:
            return False
