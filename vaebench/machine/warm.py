"""A process that has the imports of the jobs and forks itself for each of them.

    started = warm.start(["vaebench.cell", …], threads=2)     # in the workflow's own process
    warm.more(started, ["vaebench.report", …])                # what later jobs need as well
    python -I -S vaebench/machine/client.py MODULE ARGUMENT … # for each job

Importing torch, numpy, pyarrow and vaebench costs more CPU than a small cell trains. The server
does it once a workflow run; a job is a fork of it, made what the client is: its working folder,
environment, open files, limits, and a group of its own that gets the client's signals. Jobs share
nothing but the modules as they were after their import.

A job runs cold instead if it would not have been the same: another Python, a changed source file of
vaebench that the server has imported, another variable that libraries read when they are imported.
The server trains nothing, starts no pool of threads and does not look at GPUs, for neither outlives
a fork. It ends with the process that started it. A job needs no server to go on or to end.
"""

import atexit
import gc
import hashlib
import importlib
import marshal
import os
import random
import resource
import runpy
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

import vaebench
from vaebench.machine.client import HANDED_ON, KILLED, SERVER
from vaebench.machine.run import run

POOLS = (
    *("OMP_NUM_THREADS", "GOTO_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"),
    *("VECLIB_MAXIMUM_THREADS", "NUMEXPR_NUM_THREADS"),
)
"""What Snakemake sets to the number of threads of a job."""

AT_IMPORT = (
    *(
        "ARROW_",
        "ATEN_",
        "BLIS_",
        "DNNL_",
        "GLIBC_",
        "GOMP_",
        "GOTO_",
        "KMP_",
        "LANG",
        "LC_",
        "LD_",
    ),
    *("MALLOC_", "MKL_", "MPL", "NPY_", "NUMEXPR_", "OMP_", "ONEDNN_", "OPENBLAS_", "PYTHON"),
    *("PYTORCH_", "TORCH", "VECLIB_"),
)
"""Beginnings of the variables that Python and libraries read once, when they start."""

LONGEST = 60
"""Characters of a temporary folder in which the name of a socket still fits (its limit is 103)."""


def start(modules: Sequence[str], threads: int) -> subprocess.Popen[bytes] | None:
    """Start a server for the jobs of this process and name it in this process's environment.

    Args:
        modules: what jobs import, without side effects: no thread pool, no CUDA.
        threads: of a job, as Snakemake says it to the job's libraries; jobs with others run cold.

    Returns:
        The server, which ends when this process ends or closes its standard input; None on systems
        other than Linux, whose libraries are not safe to fork.
    """
    if sys.platform != "linux":
        return None
    inside = tempfile.gettempdir()
    folder = Path(tempfile.mkdtemp("", "vaebench-", inside if len(inside) < LONGEST else "/tmp"))  # noqa: S108
    path = str(folder / "warm")
    counts = dict.fromkeys(POOLS, str(threads))
    STARTED.update(_fixed(os.environ))
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(128)  # who comes before the imports are done waits here
        number = str(listener.fileno())
        server = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "vaebench.machine.warm", number, *modules],
            stdin=subprocess.PIPE,
            cwd=folder,  # where there are no modules to be found first
            env=os.environ | counts | {SERVER: path},
            pass_fds=[listener.fileno()],
            start_new_session=True,  # Ctrl-C reaches the clients, which hand it on
        )

    own = os.getpid()

    def end() -> None:
        if os.getpid() == own:  # not in a fork
            server.terminate()  # it may still be at its imports
            server.wait()
            shutil.rmtree(folder, ignore_errors=True)

    atexit.register(end)
    os.environ[SERVER] = path
    return server


STARTED: dict[str, str] = {}
"""What :func:`_fixed` said of this process's variables when a server was started."""


def more(server: subprocess.Popen[bytes] | None, modules: Sequence[str]) -> None:
    """Let a server import more modules beside its work; jobs that start after that have them.

    A variable that this process's own imports have set since then is no job's: one that imports the
    same sets it by itself, and as given it would keep all of them from starting warm.

    Args:
        server: what :func:`start` returned.
        modules: as there.
    """
    if server is None:
        return
    for name in _fixed(os.environ).keys() - STARTED.keys():
        del os.environ[name]
    if not modules:
        return
    assert server.stdin is not None  # noqa: S101 (see start)
    with suppress(BrokenPipeError):  # it has ended: jobs run cold
        server.stdin.write(f"{' '.join(modules)}\n".encode())
        server.stdin.flush()


class Server:
    """Forks a process for each client that connects, and says to it how that process ended."""

    def __init__(self, listener: socket.socket) -> None:
        """Serve the clients of ``listener``."""
        self.listener = listener
        listener.setblocking(False)  # noqa: FBT003
        self.jobs: dict[int, socket.socket] = {}
        self.begin()

    def begin(self) -> None:
        """Wait, in this process, for clients, for the end of jobs, and for standard input."""
        self.own = os.getpid()
        self.wake, self.woken = socket.socketpair()
        for end in (self.wake, self.woken):
            end.setblocking(False)  # noqa: FBT003
        signal.set_wakeup_fd(self.woken.fileno())
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGUSR1, lambda *_: self.hand_over())
        self.poll = select.poll()
        self.poll.register(0, select.POLLIN)
        self.poll.register(self.listener, select.POLLIN)
        self.poll.register(self.wake, select.POLLIN)

    def serve(self) -> socket.socket | None:
        """In a job's process, the connection to its client; None when standard input ends."""
        while True:
            for file, _ in self.poll.poll():
                if file == 0:
                    modules = os.read(0, 1 << 16).decode().split()
                    if not modules:
                        return None
                    self.learn(modules)
                    break  # who has learnt waits for files of its own
                if file == self.wake.fileno():
                    self.reap()
                elif file == self.listener.fileno():
                    connection = self.fork()
                    if connection is not None:
                        return connection
                else:
                    self.kill(file)

    def learn(self, modules: Sequence[str]) -> None:
        """Let a fork of this process import ``modules`` and then take over all new clients.

        Until then this one serves them, and it stays to say how its own jobs end. If the fork
        cannot import something, nothing changes.
        """
        if os.fork():
            return
        self.close()
        self.jobs.clear()
        if not load(modules):
            os._exit(0)
        self.begin()
        os.kill(os.getppid(), signal.SIGUSR1)

    def hand_over(self) -> None:
        """Leave new clients, and what there may still be to learn, to the fork that learnt."""
        self.poll.modify(0, 0)  # its end alone
        with suppress(KeyError):
            self.poll.unregister(self.listener)

    def close(self) -> None:
        """Close, in a fork, what belongs to this process: whoever waits sees only its end."""
        signal.set_wakeup_fd(-1)
        for other in (self.wake, self.woken, *self.jobs.values()):
            other.close()

    def fork(self) -> socket.socket | None:
        """Accept a client; its connection in the new process, None in this one."""
        try:
            connection, _ = self.listener.accept()
        except BlockingIOError:
            return None
        job = os.fork()
        if job:
            self.jobs[job] = connection
            self.poll.register(connection, 0)  # the client's end alone: the job reads from it
            return None
        self.close()
        self.listener.close()
        return connection

    def reap(self) -> None:
        """Tell clients how their jobs ended."""
        self.wake.recv(4096)
        with suppress(ChildProcessError):
            while True:
                job, status = os.waitpid(-1, os.WNOHANG)
                if not job:
                    return
                if job not in self.jobs:  # the fork that learns
                    continue
                code = os.waitstatus_to_exitcode(status)
                with self.jobs.pop(job) as connection:
                    with suppress(KeyError):  # killed: see below
                        self.poll.unregister(connection)
                    with suppress(OSError):
                        connection.send(bytes([code if code >= 0 else KILLED - code]))

    def kill(self, file: int) -> None:
        """Kill the job whose client is gone."""
        self.poll.unregister(file)
        for job, connection in self.jobs.items():
            if connection.fileno() == file:
                for kill in (os.killpg, os.kill):  # it may have no group of its own yet
                    with suppress(ProcessLookupError):
                        kill(job, signal.SIGKILL)


def load(modules: Sequence[str]) -> bool:
    """Import ``modules``; False if this process is not fit to be forked after it."""
    before = {path: _digest(path) for path in Path(vaebench.__file__).parent.rglob("*.py")}
    try:
        for module in modules:
            importlib.import_module(module)
    except Exception as error:  # noqa: BLE001 (jobs import it themselves and say what is wrong)
        sys.stderr.write(f"vaebench: jobs do not start warm, for {module} fails: {error}\n")
        return False
    found = {getattr(module, "__file__", None) for module in sys.modules.values()}
    for path, digest in before.items():
        if str(path) in found:
            SOURCES.setdefault(path, digest)
    gc.collect()
    gc.freeze()  # pages that the collector does not touch stay shared
    # a file that changed during the imports: who knows which of both was read
    return not changed() and threading.active_count() == 1


SOURCES: dict[Path, str] = {}
"""The source files of vaebench that were imported, and their digests then."""


def _by_default() -> dict[str, str]:
    """The variables that the package sets where they are not set."""
    given = dict(os.environ)
    os.environ.clear()
    try:
        runpy.run_path(vaebench.__file__)
        return dict(os.environ)
    finally:
        os.environ.clear()
        os.environ.update(given)


DEFAULTS = _by_default()
GIVEN = dict(os.environ)
"""The variables that the imports saw."""


def changed() -> bool:
    """Whether a file on disk is no longer what was imported."""
    return any(digest != _digest(path) for path, digest in SOURCES.items())


def shadowed(folder: str) -> bool:
    """Whether a job in this folder would find other modules there than the server has imported."""
    for name in {entry.partition(".")[0] for entry in os.listdir(folder)} & set(sys.modules):  # noqa: PTH208
        spec = PathFinder.find_spec(name, [folder])
        if spec and spec.origin and spec.origin != getattr(sys.modules[name], "__file__", None):
            return True
    return False


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return "gone"


def _fixed(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that cannot be changed in a running process."""
    return {name: value for name, value in environment.items() if name.startswith(AT_IMPORT)}


def _searched() -> list[str]:
    """Where modules are looked for first."""
    return [os.path.abspath(path) for path in os.environ.get("PYTHONPATH", "").split(":")]  # noqa: PTH100


def become(connection: socket.socket) -> list[str] | None:
    """Make this process what the client at the other end is; None if it cannot be made that.

    Returns:
        The module to run and its arguments.
    """
    size, files, _, _ = socket.recv_fds(connection, 8, 3)
    asked: dict[str, Any] = marshal.loads(  # noqa: S302 (the folder of the socket is the user's)
        connection.recv(int.from_bytes(size, "big"), socket.MSG_WAITALL)
    )
    searched, imports_set = _searched(), dict(os.environ.items() - GIVEN.items())
    os.chdir(asked["folder"])
    os.environb.clear()
    os.environb.update(asked["environment"])
    same = asked["python"] == sys.executable and searched == _searched()
    # what the job's own imports would set counts as set, here as there
    for name, value in (DEFAULTS | imports_set).items():
        os.environ.setdefault(name, value)
    same = same and _fixed(os.environ) == _fixed(GIVEN | imports_set)
    if not same or changed() or shadowed(asked["folder"]):
        return None
    os.umask(asked["umask"])
    for number in HANDED_ON:
        signal.signal(number, signal.SIG_IGN if number in asked["ignored"] else signal.SIG_DFL)
    if signal.SIGINT not in asked["ignored"]:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setpriority(os.PRIO_PROCESS, 0, asked["nice"])
    for target, file in enumerate(files):
        os.dup2(file, target)
        os.close(file)
    sys.stdout.reconfigure(line_buffering=os.isatty(1))  # type: ignore[union-attr]
    sys.path[0] = asked["folder"]
    importlib.invalidate_caches()
    tempfile.tempdir = None
    time.tzset()
    random.seed()
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()
    for limit, values in asked["limits"].items():
        resource.setrlimit(limit, values)
    return asked["argv"]


def main() -> None:
    """Import and serve; in a job's process run the job."""
    with socket.socket(fileno=int(sys.argv[1])) as listener:
        server = Server(listener) if load(sys.argv[2:]) else None
        connection = server.serve() if server else None
    if server is None or connection is None:
        shutil.rmtree(Path(os.environ[SERVER]).parent, ignore_errors=True)
        os._exit(0)
    os.setsid()
    try:
        argv = become(connection)
    except Exception:  # noqa: BLE001 (whatever it is: a cold start does without, or says it)
        argv = None
    try:
        connection.sendall((os.getpid() if argv else 0).to_bytes(4, "big"))
    except OSError:  # the client is gone
        argv = None
    if argv is None:
        os._exit(0)

    own = server.own

    def report(status: int) -> None:
        if os.getppid() != own:  # which would have said it
            with suppress(OSError):
                connection.send(bytes([status]))

    run(argv[0], argv[1:], report)


if __name__ == "__main__":
    main()
