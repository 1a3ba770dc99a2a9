"""What does a job cost that starts from a process with its imports, against one that starts alone?

    python benchmarks/warm.py [--jobs 10] [--rounds 5]

A job trains one epoch on 90 users: started alone as a user would (``python -m``) and with an early
end (``cold``), by a server (``warm``), whose own start is quoted once, and repeated within one
process (``work``). CPU is that of client, job and server; medians of runs in turn.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from overhead import STUDY

from vaebench.cells.job import IMPORTS
from vaebench.components import create
from vaebench.machine import client, warm
from vaebench.machine.provenance import processor
from vaebench.study.plan import Plan

JOB = """
import json, sys, time, uuid
from pathlib import Path
import torch
from vaebench.cells import test, vae
from vaebench.study.keys import SHIPPED
torch.set_num_threads(1)
for _ in range(int(sys.argv[3])):
    start = time.process_time()
    data, out = Path(sys.argv[2]), Path(sys.argv[2], str(uuid.uuid4()))
    vae.run(json.loads(sys.argv[1]), data, out)
    test.run(out, data, SHIPPED)
    print(time.process_time() - start)
"""


def used() -> float:
    """CPU seconds of all children that have ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return children.ru_utime + children.ru_stime


class Jobs:
    """The ways to run the same job."""

    def __init__(self, folder: Path) -> None:
        """Write split and program to ``folder``."""
        plan = Plan(STUDY | {"grid": [STUDY["grid"][0] | {"strategies": ["constant"]}]})
        spec = next(iter(plan.cells.values())).spec
        source = {"name": None, "sha256": None}
        data = create("vaebench.datasets", plan.study.datasets[spec["dataset"]])
        data.write_split(None, folder / "data", source)
        (folder / "warm_job.py").write_text(JOB, encoding="utf-8")
        self.arguments = ["warm_job", json.dumps(spec), str(folder / "data")]
        path = f"{folder}:{os.environ.get('PYTHONPATH', '')}:{Path(__file__).parents[1]}"
        os.environ |= {"PYTHONPATH": path} | dict.fromkeys(warm.POOLS, "1")

    def run(self, *command: str, jobs: int = 1, repeats: int = 1) -> tuple[float, float, float]:
        """CPU and wall seconds of a job, and of the work of the last one."""
        start, before, output = time.perf_counter(), used(), ""
        for _ in range(jobs):
            arguments = [sys.executable, *command, *self.arguments, str(repeats)]
            output = subprocess.check_output(arguments, text=True)  # noqa: S603
        spent = used() - before, time.perf_counter() - start
        return spent[0] / jobs, spent[1] / jobs, float(output.split()[-1])

    def warmly(self, jobs: int) -> tuple[float, float, float]:
        """CPU of a job and its wall seconds, and the CPU of the server itself."""
        server = warm.start(IMPORTS, 1)
        assert server is not None  # noqa: S101 (Linux)
        assert server.stdin is not None  # noqa: S101
        self.run(*CLIENT)  # the first waits for the imports
        own = _cpu(server.pid)
        cpu, wall, _ = self.run(*CLIENT, jobs=jobs)
        own_after = _cpu(server.pid)
        server.stdin.close()
        server.wait()
        del os.environ[client.SERVER]
        return cpu + (own_after - own) / jobs, wall, own


CLIENT = ["-I", "-S", str(Path(client.__file__))]


def _cpu(process: int) -> float:
    """CPU seconds of a process and its ended children."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Measure in turns and print medians, minima and maxima."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--jobs", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    found: dict[str, list[Any]] = {}
    with tempfile.TemporaryDirectory() as name:
        jobs = Jobs(Path(name))
        for _ in range(given.rounds):
            found.setdefault("python -m", []).append(jobs.run("-m")[:2])
            found.setdefault("cold", []).append(jobs.run(*CLIENT)[:2])
            cpu, wall, server = jobs.warmly(given.jobs)
            found.setdefault("warm", []).append((cpu, wall))
            found.setdefault("server", []).append((server, 0.0))
            work = jobs.run("-m", repeats=3)[2]
            found.setdefault("work", []).append((work, work))
    print(f"{processor()}, load {os.getloadavg()[0]:.1f}")
    for name, pairs in found.items():
        for clock, values in zip(("CPU", "wall"), zip(*pairs, strict=True), strict=True):
            middle = statistics.median(values)
            print(f"{name:10} {clock:4} {middle:.3f} s ({min(values):.3f} … {max(values):.3f})")
    ratios = [a[0] / b[0] for a, b in zip(found["cold"], found["warm"], strict=True)]
    least, most = min(ratios), max(ratios)
    print(f"cold / warm, CPU: {statistics.median(ratios):.1f} ({least:.1f} … {most:.1f})")


if __name__ == "__main__":
    main()
