"""A job that starts from a process with its imports is the job that starts alone, only sooner."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from vaebench.machine import client, warm

ROOT = Path(warm.__file__).parents[2]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux is safe to fork")

THREADS = 2


class Jobs:
    """A server, and jobs whose program is their argument."""

    def __init__(self, folder: Path, package: Path, modules: list[str]) -> None:
        (folder / "task.py").write_text("import sys\nexec(sys.argv[1])\n", encoding="utf-8")
        self.folder, self.package = folder, package
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PYTHONPATH", f"{package}:{folder}")
            patch.setenv(client.SERVER, "")
            started = warm.start(modules, THREADS)
            assert started is not None
            self.server = started
            counts = {name: str(THREADS) for name in warm.POOLS}
            self.environment = dict(os.environ) | counts

    def begin(self, program: str, *more: str, **changes: Any) -> subprocess.Popen[str]:
        path = self.package / "vaebench/machine/client.py"
        given: dict[str, Any] = {"cwd": self.folder, "env": self.environment} | changes
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        command = [sys.executable, "-I", "-S", path, "task", program, *more]
        return subprocess.Popen(command, **(pipes | given))

    def run(self, program: str, *more: str, stdin: str = "", **changes: Any) -> tuple[Any, ...]:
        """Exit status (128 + n after signal n), output, and the last line of the errors."""
        process = self.begin(program, *more, stdin=subprocess.PIPE, **changes)
        output, errors = process.communicate(stdin)
        code = process.returncode
        return code if code >= 0 else 128 - code, output, errors.splitlines()[-1:]

    def cold(self) -> dict[str, str]:
        return self.environment | {client.SERVER: ""}

    def end(self) -> None:
        assert self.server.stdin is not None
        self.server.stdin.close()
        self.server.wait(10)


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jobs]:
    made = Jobs(tmp_path_factory.mktemp("jobs"), ROOT, ["torch", "numpy", "pyarrow"])
    assert made.run(HAS_TORCH) == (0, "True\n", [])
    yield made
    made.end()


HAS_TORCH = "print('torch' in sys.modules)"


def until(condition: Callable[[], bool]) -> None:
    """Wait for ``condition``, for at most 20 s."""
    last = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < last
        time.sleep(0.01)


def alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state[0] != "Z"


@pytest.mark.parametrize(
    "program",
    [
        "print('a', end='')",
        "sys.exit(3)",
        "sys.exit(-1)",
        "sys.exit('one sentence')",
        "raise ValueError('three')",
        "raise KeyboardInterrupt",
        "import os, signal; print('lost'); os.kill(os.getpid(), signal.SIGKILL)",
        "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
        "import os; os._exit(7)",
        "print(input())",
        "print(sys.argv[0][-8:], sys.argv[2:], sys.path[0], __name__)",
        "import __main__; print(__main__.__file__[-8:], sys.flags, sys.path)",
        "import atexit; atexit.register(print, 'end')",
        "from threading import *; Timer(.1, print, [1]).start()",
        "from concurrent.futures import *; p = ThreadPoolExecutor(); p.submit(print, 1)",
        "import signal; print([signal.getsignal(n) for n in (1, 2, 3, 13, 15, 17)])",
        "import os, sys; os.close(1)",
        "import os; print(os.getpriority(os.PRIO_PROCESS, 0), os.getcwd(), os.environ.get('OWN'))",
        "import os; m = os.umask(0); print(m)",
        "import resource as r; print([r.getrlimit(n) for n in range(10)])",
        "print(sys.stdout.line_buffering, sys.stdout.encoding)",
        "import time; print(time.tzname)",
        "import tempfile; print(tempfile.gettempdir())",
        "bytearray(8 << 30)",
    ],
)
def test_a_warm_job_does_what_a_cold_one_does(jobs: Jobs, program: str, tmp_path: Path) -> None:
    """Status, output and errors, in another folder, with other limits, files and variables."""
    changes = {
        "cwd": tmp_path,
        "umask": 0o027,
        "preexec_fn": _limits,
    }
    own = {"OWN": "one\n=é", "TZ": "Asia/Tokyo", "TMPDIR": str(tmp_path)}
    warmly = jobs.environment | own
    assert jobs.run(HAS_TORCH, env=warmly, **changes) == (0, "True\n", [])
    ran = [
        jobs.run(program, "x" * 100_000, "", "é\n", stdin="in\n", env=env | own, **changes)
        for env in (warmly, jobs.cold())
    ]
    assert ran[0] == ran[1]


def _limits() -> None:
    os.nice(1)
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 6 << 30))
    resource.setrlimit(resource.RLIMIT_NOFILE, (200, 300))
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does


def test_jobs_leave_nothing_to_each_other(jobs: Jobs) -> None:
    """Environment, folder, threads, filters, logging, precision, search path."""
    look = """
import json, logging, os, sys, warnings, random, numpy, torch
print(json.dumps([dict(os.environ), os.getcwd(), torch.get_num_threads(), len(warnings.filters),
    len(logging.root.handlers), torch.get_float32_matmul_precision(), sys.path, os.umask(0),
    torch.initial_seed(), torch.is_grad_enabled(), sorted(sys.modules)]))
"""
    change = """
import logging, os, sys, warnings, random, numpy, torch
os.environ['A'] = 'b'; os.chdir('/'); torch.set_num_threads(1); warnings.simplefilter('error')
logging.basicConfig(filename='/dev/null'); torch.set_float32_matmul_precision('high')
sys.path.insert(0, '/'); os.umask(0o77); torch.manual_seed(3); torch.set_grad_enabled(False)
import sqlite3
"""
    before = jobs.run(look)
    assert jobs.run(change)[0] == 0
    assert jobs.run(look) == before
    assert json.loads(before[1])[2] == THREADS


def test_jobs_draw_different_unseeded_numbers(jobs: Jobs) -> None:
    """A fork must not repeat its parent's random state."""
    drawn = "import random, numpy; print(random.random(), *numpy.random.rand(2))"
    assert jobs.run(drawn)[1] != jobs.run(drawn)[1]


TRAINING = """
import torch, hashlib
torch.set_num_threads(2); torch.manual_seed(0)
layers = [torch.nn.Linear(300, 400), torch.nn.Tanh(), torch.nn.Linear(400, 300)]
model = torch.nn.Sequential(*layers)
x = torch.randn(256, 300)
for _ in range(5):
    (model(x) - x).square().mean().backward()
    with torch.no_grad():
        for p in model.parameters(): p -= .1 * p.grad; p.grad = None
import os, numpy
numpy.ones((500, 500)) @ numpy.ones((500, 500))  # its own pool of threads
weights = b''.join(p.detach().numpy().tobytes() for p in model.parameters())
print(hashlib.sha256(weights).hexdigest(), len(os.listdir('/proc/self/task')) > 2)
"""


def test_a_training_on_two_threads_has_the_same_bits(jobs: Jobs) -> None:
    """The pools of torch and OpenBLAS start in the job."""
    warmly = jobs.run(TRAINING)
    assert warmly == jobs.run(TRAINING, env=jobs.cold())
    assert warmly[0] == 0
    assert warmly[1].endswith("True\n")


SLEEP = """
import os, subprocess, sys, time
child = subprocess.Popen(['sleep', '100'])
print(os.getpid(), child.pid, flush=True)
time.sleep(100)
"""


def _processes(job: subprocess.Popen[str]) -> list[int]:
    assert job.stdout is not None
    return [int(one) for one in job.stdout.readline().split()]


def test_a_killed_client_takes_its_job_and_the_jobs_children_along(jobs: Jobs) -> None:
    """What is no longer waited for must not go on and hold locks."""
    job = jobs.begin(SLEEP)
    processes = _processes(job)
    job.kill()
    until(lambda: not any(map(alive, processes)))
    job.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_a_job_that_a_signal_ends_says_so(jobs: Jobs, number: signal.Signals) -> None:
    """To the client as by the client; only SIGKILL goes to the job itself (by the kernel)."""
    job = jobs.begin(SLEEP)
    own, _ = _processes(job)
    os.kill(own if number == signal.SIGKILL else job.pid, number)
    assert job.wait(20) == 128 + number
    os.killpg(own, signal.SIGKILL) if number == signal.SIGKILL else None
    job.communicate()


def test_an_interrupt_of_the_terminal_reaches_a_job_once(jobs: Jobs) -> None:
    """Ctrl-C goes to the whole foreground group, in which the job is not."""
    count = """
import signal, time
seen = []
signal.signal(signal.SIGINT, lambda *_: seen.append(1))
print('ready', flush=True)
end = time.monotonic() + 20
while not seen and time.monotonic() < end: time.sleep(.01)
time.sleep(.3); print(len(seen)); sys.exit(len(seen))
"""
    job = jobs.begin(count, start_new_session=True)
    assert job.stdout is not None
    assert job.stdout.readline() == "ready\n"
    os.killpg(job.pid, signal.SIGINT)
    assert job.communicate()[0] == "1\n"
    assert job.returncode == 1


def test_eight_jobs_at_a_time_get_their_own_answers(jobs: Jobs) -> None:
    """Each client its output and its status, whoever ends first."""
    sleep = "import time; time.sleep(float(sys.argv[2])); print(sys.argv[3]); "
    sleep += "sys.exit(int(sys.argv[3]))"
    running = [jobs.begin(sleep, str(0.05 * (8 - n)), str(n)) for n in range(8)]
    outputs = [job.communicate()[0] for job in running]
    assert outputs == [f"{n}\n" for n in range(8)]
    assert [job.returncode for job in running] == list(range(8))


@pytest.mark.parametrize(
    "change",
    [{client.SERVER: "/nowhere"}, {"OMP_NUM_THREADS": "1"}, {"PYTHONHASHSEED": "3"}],
    ids=str,
)
def test_a_job_that_needs_another_process_runs_cold(jobs: Jobs, change: Mapping[str, str]) -> None:
    """Libraries read some variables once: a fork cannot be given others."""
    assert jobs.run(HAS_TORCH, env=jobs.environment | change) == (0, "False\n", [])
    assert jobs.run(HAS_TORCH) == (0, "True\n", [])


SPIN = "GOMP_SPINCOUNT"


@pytest.mark.parametrize("server", [None, "100", "7"])
@pytest.mark.parametrize("client_has", [None, "100", "7"])
def test_what_imports_set_by_themselves_makes_no_job_cold(
    server: str | None, client_has: str | None, tmp_path: Path
) -> None:
    """Compared is what the variables are after the imports: 100 is the package's own default."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(SPIN, raising=False)
        if server is not None:
            patch.setenv(SPIN, server)
        made = Jobs(tmp_path, ROOT, ["vaebench.words"])
    without = {name: value for name, value in made.environment.items() if name != SPIN}
    asked = without | ({} if client_has is None else {SPIN: client_has})
    program = f"import os; print('vaebench.words' in sys.modules, os.environ['{SPIN}'])"
    program = f"import vaebench; {program}"
    warmly = (server or "100") == (client_has or "100")
    assert made.run(program, env=asked) == (0, f"{warmly} {client_has or 100}\n", [])
    made.end()


LOOK = """
import sys, pathlib
print(sys.argv, sys.path, __name__, __file__, __spec__, pathlib.Path.cwd())
import beside
sys.exit(beside.STATUS)
"""


def test_a_script_runs_as_python_runs_it(jobs: Jobs, tmp_path: Path) -> None:
    """Warm or cold: its arguments, name, file and the modules beside it."""
    folder = tmp_path / "scripts"
    folder.mkdir()
    (folder / "beside.py").write_text("STATUS = 4\n", encoding="utf-8")
    script = folder / "look.py"
    script.write_text(LOOK, encoding="utf-8")
    start = [sys.executable, "-I", "-S", str(jobs.package / "vaebench/machine/client.py")]
    ran = [
        subprocess.run(
            [*command, str(script), "a b", ""],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        for command, environment in (
            ([sys.executable], jobs.environment),
            (start, jobs.cold()),
            (start, jobs.environment),
        )
    ]
    assert [done.returncode for done in ran] == [4, 4, 4], ran
    assert ran[0].stdout == ran[1].stdout == ran[2].stdout
    script.write_text(HAS_TORCH.replace("print", "import sys; print"), encoding="utf-8")
    warmly = subprocess.check_output([*start, script], env=jobs.environment, text=True)
    assert warmly == "True\n"


def test_a_limit_of_time_ends_a_job(jobs: Jobs) -> None:
    """Seconds of CPU count from the job's start, not from the server's."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (1, 1))

    status = jobs.run("while True: pass", preexec_fn=limit)[0]
    assert status == 128 + signal.SIGKILL


@pytest.fixture
def copied(tmp_path: Path) -> Iterator[Jobs]:
    """Jobs on a copy of the package that may be edited; imports that take no time."""
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "vaebench", tmp_path / "vaebench", ignore=ignore)
    made = Jobs(tmp_path, tmp_path, ["vaebench.words"])
    yield made
    made.end()


HAS_WORDS = "print('vaebench.words' in sys.modules)"


def test_a_job_runs_with_the_code_on_disk(copied: Jobs) -> None:
    """Not with the server's copy where that is old, or where another would be found first."""
    assert copied.run(HAS_WORDS)[1] == "True\n"
    with (copied.folder / "vaebench/report/costs.py").open("a", encoding="utf-8") as file:
        file.write("\nEDITED = True\n")
    assert copied.run(HAS_WORDS)[1] == "True\n"
    (copied.folder / "elsewhere").mkdir()
    (copied.folder / "elsewhere/hashlib.py").write_text("mine = True\n", encoding="utf-8")
    (copied.folder / "elsewhere/vaebench").mkdir()  # no package
    there = {"cwd": copied.folder / "elsewhere"}
    assert copied.run("import hashlib; print(hashlib.mine)", **there)[1] == "True\n"
    with (copied.folder / "vaebench/words.py").open("a", encoding="utf-8") as file:
        file.write("\nEDITED = True\n")
    ran = copied.run("from vaebench.words import EDITED; print(EDITED)")
    assert ran == (0, "True\n", [])


HAS_BOTH = "import sys; print('vaebench.words' in sys.modules, 'vaebench.captions' in sys.modules)"


def test_a_server_learns_beside_its_work(copied: Jobs) -> None:
    """Jobs from before end as they would have; later ones have more; edits of both are seen."""
    job = copied.begin(
        "print(1, flush=True); input(); print(2); sys.exit(5)", stdin=subprocess.PIPE
    )
    assert job.stdout is not None
    assert job.stdout.readline() == "1\n"
    (copied.folder / "slow.py").write_text("import time, vaebench.captions\ntime.sleep(1)\n")
    warm.more(copied.server, ["slow"])
    assert copied.run(HAS_BOTH)[1] == "True False\n", "who learns keeps nobody waiting"
    until(lambda: copied.run(HAS_BOTH)[1] == "True True\n")
    assert job.communicate("\n")[0] == "2\n"
    assert job.returncode == 5
    for name in ("nothing_of_this_name", "time"):
        warm.more(copied.server, [name])
    for _ in range(5):
        assert copied.run(HAS_BOTH) == (0, "True True\n", [])
    killed = copied.run("import os; os.kill(os.getpid(), 9)")
    assert killed[0] == 128 + signal.SIGKILL
    with (copied.folder / "vaebench/words.py").open("a", encoding="utf-8") as file:
        file.write("\nEDITED = True\n")
    warm.more(copied.server, ["vaebench.errors"])
    assert copied.run("from vaebench.words import EDITED; print(EDITED)")[1] == "True\n"
    copied.end()
    until(lambda: not Path(copied.environment[client.SERVER]).parent.exists())


def test_jobs_outlive_a_killed_server(copied: Jobs) -> None:
    """They go on and say how they end; the next ones run cold."""
    job = copied.begin(
        "print(1, flush=True); input(); print(2); sys.exit(5)", stdin=subprocess.PIPE
    )
    assert job.stdout is not None
    assert job.stdout.readline() == "1\n"
    copied.server.kill()
    copied.server.wait()
    assert job.communicate("\n")[0] == "2\n"
    assert job.returncode == 5
    assert copied.run(HAS_WORDS) == (0, "False\n", [])
    killed = copied.run("import os; os.kill(os.getpid(), 9)")
    assert killed[0] == 128 + signal.SIGKILL


def test_a_server_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    """Even when that is killed; nothing is left in the temporary folder."""
    program = "import sys, time; from vaebench.machine import warm; "
    program += "print(warm.start(['vaebench.words'], 1).pid, flush=True); time.sleep(100)"
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-c", program]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    server = _processes(parent)[0]
    assert alive(server)
    parent.kill()
    parent.communicate()
    until(lambda: not alive(server))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("module", ["no_such_module", "threaded"])
def test_a_server_that_cannot_be_forked_leaves_jobs_cold(module: str, tmp_path: Path) -> None:
    """An import that fails or starts a thread; clients that already wait are not left waiting."""
    thread = "import threading\nthreading.Timer(5, print).start()\n"
    (tmp_path / "threaded.py").write_text(thread, encoding="utf-8")
    made = Jobs(tmp_path, ROOT, [module])
    assert made.run("print('vaebench.machine.client' in sys.modules)") == (0, "False\n", [])
    made.end()


def test_a_job_tells_its_own_use_of_the_machine(jobs: Jobs) -> None:
    """Snakemake's benchmark sees the client alone; the imports of the server are not the job's."""
    program = """
import json, time
from vaebench.machine.usage import usage
first = usage()
block = b'x' * (300 << 20)
while time.process_time() < .5: pass
print(json.dumps([first, usage()]))
"""
    status, output, _ = jobs.run(program)
    first, last = json.loads(output)
    assert status == 0
    assert first["cpu_seconds"] < 0.4 < last["cpu_seconds"] < 5
    assert last["peak_bytes"] >= first["peak_bytes"] + (250 << 20)
