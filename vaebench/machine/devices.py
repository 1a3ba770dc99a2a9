"""Which GPU a cell trains on: lent to one cell at a time, chosen before torch sees the machine.

Snakemake counts GPUs but does not say which one a local job may use, so that all jobs would land on
the first. Here each job takes a lease (see :mod:`vaebench.machine.leases`) on a device and shows
torch that device alone. A scheduler that already shows the job a single device is left alone.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path

from vaebench.errors import ConfigError
from vaebench.machine.leases import one_of

VISIBLE = "CUDA_VISIBLE_DEVICES"

SHARING = "VAEBENCH_CELLS_PER_GPU"
"""Environment variable: how many cells may train on one GPU at a time; 1 if it is not set."""

JOB_NUMBERS = ("SLURM_JOB_ID", "LSB_JOBID", "PBS_JOBID")
"""In a scheduler's job devices may be numbered anew, so leases hold within that job."""


def visible() -> list[str]:
    """The GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them.

    From that variable if it is set, else from ``nvidia-smi``; without either there are none.
    """
    given = os.environ.get(VISIBLE)
    if given is not None:
        names = (name.strip() for name in given.split(","))
        return list(takewhile(lambda name: name not in ("", "-1"), names))  # as CUDA reads it
    if shutil.which("nvidia-smi") is None:
        return []
    # by their unique names: numbers mean different GPUs to CUDA and to nvidia-smi
    command = ["nvidia-smi", "--query-gpu=uuid", "--format=csv,noheader"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    return done.stdout.split() if done.returncode == 0 else []


@contextmanager
def lease(wanted: str = "auto", folder: Path | None = None) -> Iterator[str | None]:
    """Use one GPU that no other cell uses, until the block ends; wait for one if need be.

    Args:
        wanted: a cell's ``training.device``; a cell for the CPU takes no GPU.
        folder: where the leases lie; by default a folder of the user for this machine.

    Yields:
        The device, also set as CUDA_VISIBLE_DEVICES; None if there is nothing to choose.

    Raises:
        ConfigError: VAEBENCH_CELLS_PER_GPU is not a number of at least 1.
    """
    devices = [] if wanted == "cpu" else visible()
    if not devices or (len(devices) == 1 and VISIBLE in os.environ):
        yield None
        return
    before = os.environ.get(VISIBLE)
    places = [(device, place) for place in range(_sharing()) for device in devices]
    folder = folder or _folder()
    paths = {folder / f"{device.replace('/', '_')}.{place}": device for device, place in places}

    def waiting() -> None:
        print(f"waiting for one of {len(devices)} GPUs", flush=True)  # noqa: T201

    with one_of(list(paths), waiting) as path:
        os.environ[VISIBLE] = paths[path]
        try:
            yield paths[path]
        finally:
            if before is None:
                del os.environ[VISIBLE]
            else:
                os.environ[VISIBLE] = before


def _sharing() -> int:
    given = os.environ.get(SHARING, "1")
    if not given.isdecimal() or int(given) < 1:
        raise ConfigError(f"{SHARING}: {given!r} is not allowed; it should be a number ≥ 1")
    return int(given)


def _folder() -> Path:
    job = next((f"-{os.environ[name]}" for name in JOB_NUMBERS if name in os.environ), "")
    return Path(tempfile.gettempdir()) / f"vaebench-{os.getuid()}{job}"
