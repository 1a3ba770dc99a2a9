"""A Slurm cluster of one node and two pretended GPUs, for one test session, on loopback alone.

Everything lies in one temporary folder. Slurm's programs look for their configuration in
``/etc/slurm``: each is started in a mount namespace of its own in which that is the folder, so that
nothing of the machine is touched and two clusters do not meet.
"""

import contextlib
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scontrol", "unshare")
HOME = Path("/etc/slurm")
GPUS = 2
CPUS = 4
PATIENCE = 60.0
"""Seconds until the cluster must be up."""

CONFIGURATION = """
ClusterName=vaebench
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
# no control groups, no database, no mail: a machine without systemd has none of them
ProctrackType=proctrack/pgid
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SwitchType=switch/none
MpiDefault=none
MailProg=/bin/true
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1
# more processors than the machine may have, and a job that is killed dies soon
SlurmdParameters=config_overrides
KillWait=5
MinJobAge=300
ReturnToService=2
GresTypes=gpu
NodeName={host} NodeAddr=127.0.0.1 Port={node} CPUs={cpus} RealMemory=8000 Gres=gpu:{gpus}
PartitionName=cpu Nodes=ALL Default=YES State=UP
PartitionName=gpu Nodes=ALL State=UP
"""


def missing() -> str | None:
    """Why there can be no cluster here; None if there can."""
    absent = [name for name in PROGRAMS if shutil.which(name) is None]
    if absent:
        return f"not installed: {', '.join(absent)} (make test-cluster installs Debian's packages)"
    if importlib.util.find_spec("snakemake_executor_plugin_slurm") is None:
        return "not installed: snakemake-executor-plugin-slurm"
    if os.geteuid() != 0:
        return "Slurm's daemons and pretended GPUs need root"
    try:
        HOME.mkdir(exist_ok=True)
        subprocess.run(["unshare", "--mount", "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        return f"no mount namespace for {HOME}: {error}"
    return None


def wait_for(condition: Callable[[], Any], seconds: float = PATIENCE, every: float = 0.2) -> Any:
    """The first true value of ``condition``.

    Raises:
        TimeoutError: there was none for so many seconds.
    """
    end = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > end:
            raise TimeoutError(f"nothing for {seconds} s")
        time.sleep(every)
    return value


def free_ports(number: int) -> list[int]:
    """Ports of the loopback interface that nobody uses now."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]


class Cluster:
    """munged, slurmctld and slurmd as children of this process."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="slurm-"))  # a socket's path must be short
        self.daemons: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Start everything and wait until the node takes jobs.

        Raises:
            TimeoutError: it does not within ``PATIENCE`` seconds.
        """
        folder, host = self.folder, socket.gethostname().partition(".")[0]
        (folder / "state").mkdir()
        (folder / "munge.key").write_bytes(os.urandom(1024))
        (folder / "munge.key").chmod(0o600)
        controller, node = free_ports(2)
        (folder / "slurm.conf").write_text(
            CONFIGURATION.format(
                host=host, folder=folder, controller=controller, node=node, cpus=CPUS, gpus=GPUS
            )
        )
        for number in range(GPUS):  # device files: with them Slurm sets CUDA_VISIBLE_DEVICES
            os.mknod(folder / f"gpu{number}", 0o600 | 0o020000, os.makedev(1, 3))
        (folder / "gres.conf").write_text(f"Name=gpu File={folder}/gpu[0-{GPUS - 1}]\n")
        self._daemon(
            "munged",
            "--foreground",
            "--force",
            *(f"--{what}-file={folder}/munge.{what}" for what in ("key", "log", "pid", "seed")),
            f"--socket={folder}/munge.socket",
        )
        wait_for((folder / "munge.socket").exists)
        self._daemon("slurmctld", "-D", "-c")
        self._daemon("slurmd", "-D")
        wait_for(lambda: "idle" in self.run("sinfo", "-h", "-o", "%T", check=False).stdout)

    def stop(self) -> None:
        """End all jobs, then the daemons, munged last: the others need it to say goodbye."""
        self.run("scancel", "--user=root", check=False)
        with contextlib.suppress(TimeoutError):
            wait_for(lambda: not self.run("squeue", "-h", check=False).stdout, 20)
        for daemon in reversed(self.daemons):
            daemon.send_signal(signal.SIGTERM)
            try:
                daemon.wait(10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def command(self, *words: str) -> list[str]:
        """``words`` so that they run where ``/etc/slurm`` is this cluster's configuration."""
        bind = f'mount --bind "{self.folder}" {HOME} && exec "$@"'
        return ["unshare", "--mount", "sh", "-c", bind, "sh", *words]

    def run(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run one of Slurm's commands."""
        return subprocess.run(self.command(*words), capture_output=True, text=True, check=check)

    def jobs(self, state: str) -> dict[int, str]:
        """Number → comment (the rule and its wildcards) of the jobs in ``state``."""
        found = self.run("squeue", "-h", "-t", state, "-o", "%A %k", check=False).stdout
        lines = (line.partition(" ") for line in found.splitlines())
        return {int(number): comment for number, _, comment in lines}

    def history(self) -> str:
        """What the controller did."""
        return (self.folder / "slurmctld.log").read_text()

    def snakemake(self, folder: Path, *arguments: str) -> subprocess.Popen[str]:
        """Start a workflow run with the project's Slurm profile, as on a login node.

        The profile's waiting times are for clusters of many users and an accounting database, so
        they alone are overruled.
        """
        command: Sequence[str] = self.command(
            *(sys.executable, "-m", "snakemake", "--workflow-profile", "profiles/slurm"),
            *("--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "1"),
            *("--latency-wait", "10", "--slurm-no-account"),
            *arguments,
        )
        environment = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("MLFLOW", "SLURM", "VAEBENCH", "CUDA"))
        }
        return subprocess.Popen(
            command,
            cwd=folder,
            env=environment | {"PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def _daemon(self, *words: str) -> None:
        with (self.folder / f"{words[0]}.out").open("wb") as log:
            self.daemons.append(
                subprocess.Popen(self.command(*words), stdout=log, stderr=subprocess.STDOUT)
            )
