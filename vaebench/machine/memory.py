"""Memory: what is free, and the allocator of the C library told to keep large blocks."""

import ctypes
import sys
from pathlib import Path

import torch

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Parameters of mallopt(3)."""

KEPT_BYTES = 2**30


def keep_freed_blocks() -> None:
    """Let freed memory of up to 1 GiB a block be used again instead of going back to the system.

    By default glibc maps every block above 32 MiB anew, and the system zeroes its pages on first
    touch: for logits of (500, 20108) that costs as much as three passes over them, in each update.
    Where the C library is another one, nothing happens.
    """
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:
            mallopt(M_MMAP_THRESHOLD, KEPT_BYTES)
            mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)


def free_bytes(device: torch.device) -> int | None:
    """What a process can still get on ``device`` without swapping; None where nobody knows."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    sizes = dict(line.split(":", 1) for line in lines)
    return int(sizes["MemAvailable"].split()[0]) * 1024 if "MemAvailable" in sizes else None
