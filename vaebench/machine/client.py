"""Run a job in a process that has its imports: ``python -I -S client.py MODULE ARGUMENT …``.

Its result, output, status and end are those of ``python -m MODULE ARGUMENT …``; where no server
answers (:mod:`vaebench.machine.warm`) or this job needs another process than the server has, that
is what it becomes. Signals are handed on; if this process is killed, the job is killed. It imports
nothing that a job does not need to be handed over, for every job pays for it.
"""

import contextlib
import marshal
import os
import resource
import signal
import socket
import sys

SERVER = "VAEBENCH_WARM"
"""Environment variable: the socket of the server."""

HANDED_ON = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM)

PATIENCE = 60
"""Seconds until a server that does not answer is given up; it may still be at its imports."""

KILLED = 128


def request(argv: list[str]) -> bytes:
    """All that the job's process takes over from this one, but its three open files."""
    mask = os.umask(0)
    os.umask(mask)
    limits = {v: resource.getrlimit(v) for k, v in vars(resource).items() if k[:7] == "RLIMIT_"}
    return marshal.dumps(
        {
            "argv": argv,
            "python": sys.executable,
            "folder": os.getcwd(),  # noqa: PTH109 (pathlib takes longer to import than a job to start)
            "environment": dict(os.environb),
            "umask": mask,
            "limits": limits,
            "nice": os.getpriority(os.PRIO_PROCESS, 0),
            "ignored": [int(n) for n in HANDED_ON if _ignored(n)],
        }
    )


def _ignored(number: int) -> bool:
    return signal.getsignal(number) == signal.SIG_IGN


def warm(path: str, argv: list[str]) -> int | None:
    """The exit status of the job, run by the server at ``path``; None if it is to run cold."""
    server = socket.socket(socket.AF_UNIX)
    server.settimeout(PATIENCE)
    job, early = 0, list[int]()
    before = {int(n): signal.getsignal(n) for n in HANDED_ON if not _ignored(n)}

    def hand_on(number: int, _: object) -> None:
        if not job:  # it may run already, only this process does not know yet
            early.append(number)
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(job, number)

    try:
        server.connect(path)
        body = request(argv)
        for number in before:
            signal.signal(number, hand_on)
        socket.send_fds(server, [len(body).to_bytes(8, "big")], [0, 1, 2])
        server.sendall(body)
        job = int.from_bytes(server.recv(4, socket.MSG_WAITALL), "big")
        server.settimeout(None)
    except OSError:
        job = 0
    if not job:
        server.close()
        for number, handler in before.items():
            signal.signal(number, handler)
    for number in early:
        hand_on(number, None) if job else os.kill(os.getpid(), number)
    if not job:
        return None
    answer = server.recv(1)
    if not answer:  # server and job are gone, or nobody is left to say how the job ended
        hand_on(signal.SIGKILL, None)
        return KILLED + signal.SIGKILL
    return answer[0]


def main() -> None:
    """Run the job warm if that can be, else cold."""
    if signal.getsignal(signal.SIGINT) == signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # until the job runs, just end
    path, argv = os.environ.get(SERVER), sys.argv[1:]
    status = warm(path, argv) if path else None
    if status is None:
        os.execv(sys.executable, [sys.executable, "-m", "vaebench.machine.run", *argv])  # noqa: S606
    os._exit(status)


if __name__ == "__main__":
    main()
