"""Run a module as ``python -m`` does, but end at once: ``python -m vaebench.machine.run MODULE …``.

Python takes every module to pieces before it ends, which costs a process with torch more than a
third of a second. Here threads are joined, exit functions run and the output is flushed, as ever;
then the process is gone and the system frees the rest.
"""

import atexit
import os
import runpy
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from typing import NoReturn


def run(
    module: str, arguments: Sequence[str], last: Callable[[int], None] = lambda _: None
) -> NoReturn:
    """Run ``module`` as the main module of this process and end the process with its exit status.

    Args:
        module: its full name, or the path of a script (``….py``), beside which modules are then
            looked for first, as ``python SCRIPT`` does.
        arguments: what ``sys.argv`` is to hold after the module's path.
        last: called with the status when nothing but the end is left to do.
    """
    sys.argv = [module, *arguments]  # runpy puts the path in the first place
    status = 0
    try:
        if module.endswith(".py"):
            sys.path[0] = os.path.dirname(os.path.abspath(module))  # noqa: PTH100, PTH120
            runpy.run_path(module, run_name="__main__")
        else:
            runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        status = _status(end.code)
    except BaseException as error:  # noqa: BLE001 (the last resort of a process)
        sys.excepthook(type(error), error, error.__traceback__)
        status = -signal.SIGINT if isinstance(error, KeyboardInterrupt) else 1
    threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001 (as multiprocessing does)
    atexit._run_exitfuncs()  # noqa: SLF001
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):  # nobody reads it, or the job closed it
            status = status or 120  # what Python answers then
    last(status if status >= 0 else 128 - status)
    if status < 0:  # who asks how it ended is to see the signal
        signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    os._exit(status)


def _status(code: object) -> int:
    """The exit status of ``sys.exit(code)``."""
    if code is None or isinstance(code, int):
        return (code or 0) & 0xFF
    print(code, file=sys.stderr)  # noqa: T201
    return 1


if __name__ == "__main__":
    run(sys.argv[1], sys.argv[2:])
