"""What a job used of the machine."""

import resource
import sys
from typing import TypedDict

UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes in a unit of ``ru_maxrss``."""


class Usage(TypedDict):
    """Seconds on all cores together, and bytes at the highest point."""

    cpu_seconds: float
    peak_bytes: int


def usage() -> Usage:
    """What this process and its ended children used so far.

    A process that was started warm (see :mod:`vaebench.machine.warm`) begins at 0 seconds, so the
    imports are not counted; its peak includes the pages that it shares with all jobs of the run.
    """
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return {
        "cpu_seconds": sum(one.ru_utime + one.ru_stime for one in used),
        "peak_bytes": UNIT * max(one.ru_maxrss for one in used),
    }
