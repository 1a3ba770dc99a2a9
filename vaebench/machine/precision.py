"""Which precisions of matrix products the processor at hand has, and which one it gains by.

The rule, from what was measured (docs/performance.md):

- a CPU has ``bfloat16`` if it multiplies bfloat16 itself (AVX512-BF16 or AMX): an update of
  Mult-VAE is 1.8 to 2.8 times as fast as in float32. Another one would emulate it, more slowly;
- a GPU has ``tf32`` and ``bfloat16`` from compute capability 8.0; ``tf32``, which keeps the range
  and the layout of float32, is what it gains by;
- every processor has ``float32``.
"""

import shutil
import subprocess
from pathlib import Path

from vaebench.errors import ConfigError
from vaebench.machine.devices import visible
from vaebench.machine.provenance import processor

CPUINFO = Path("/proc/cpuinfo")
"""Where Linux says what a CPU can do; on a system without it a CPU has float32 alone."""

MULTIPLIES_BFLOAT16 = {"avx512_bf16", "amx_bf16"}
"""Flags of a CPU."""

AMPERE = 8.0
"""The compute capability from which a GPU has tf32 and bfloat16."""


def of_cpu() -> list[str]:
    """The precisions of this CPU, the one that it gains by first."""
    try:
        lines = CPUINFO.read_text(encoding="utf-8").splitlines()
    except OSError:
        return ["float32"]
    flags = next((line.partition(":")[2].split() for line in lines if line[:5] == "flags"), [])
    return ["bfloat16", "float32"] if MULTIPLIES_BFLOAT16 & set(flags) else ["float32"]


def of_gpu(capability: float) -> list[str]:
    """The precisions of a GPU of this compute capability, the one that it gains by first."""
    return ["tf32", "bfloat16", "float32"] if capability >= AMPERE else ["float32"]


def best(device: str, *, gpus: int = 0) -> str:
    """The precision that cells of a study gain by, as far as this machine can tell; without torch.

    Args:
        device: a cell's ``training.device``.
        gpus: how many a cell asks a scheduler for. If it asks for one and none is here, as on a
            login node, nobody knows which it will get, and all have float32.
    """
    if device != "cpu" and visible():
        return of_gpu(_capability())[0]
    if device == "cuda" or (device == "auto" and gpus):
        return "float32"
    return of_cpu()[0]


def require(wanted: str, capability: float | None) -> None:
    """Refuse a precision that the processor of a cell lacks, rather than train in another.

    Args:
        wanted: a cell's ``training.precision``.
        capability: of the GPU that it trains on; None: it trains on the CPU.

    Raises:
        ConfigError: it lacks it.
    """
    has = of_cpu() if capability is None else of_gpu(capability)
    if wanted not in has:
        name = processor() if capability is None else f"a GPU of compute capability {capability}"
        raise ConfigError(
            f"training.precision: {wanted!r} is not a precision of this processor ({name}); "
            f"allowed on it: {', '.join(has)}; or train where the study was planned"
        )


def _capability() -> float:
    """The least of the GPUs that this machine shows; 0 where nobody knows."""
    if shutil.which("nvidia-smi") is None:
        return 0.0
    command = ["nvidia-smi", "--query-gpu=compute_cap", "--format=csv,noheader"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    try:
        return min(map(float, done.stdout.split()), default=0.0)
    except ValueError:
        return 0.0
