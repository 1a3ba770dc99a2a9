"""Where a result comes from: versions, commit, machine."""

import hashlib
import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

LIBRARIES = ("torch", "numpy", "scipy", "pandas", "snakemake", "mlflow")


def commit(folder: Path = Path(__file__).parent) -> dict[str, Any]:
    """``commit`` and ``dirty`` of the checkout that this package runs from; None outside of one."""
    try:
        head = _git(folder, "rev-parse", "HEAD")
        return {"commit": head, "dirty": bool(_git(folder, "status", "--porcelain"))}
    except (OSError, subprocess.CalledProcessError):
        return {"commit": None, "dirty": None}


def config_hash(spec: Mapping[str, Any]) -> str:
    """SHA-256 of a resolved specification, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(spec, sort_keys=True).encode()).hexdigest()


def data(folder: Path) -> dict[str, Any]:
    """SHA-256 of a split's card, and name and SHA-256 of the raw file it was made of."""
    content = (folder / "card.json").read_bytes()
    return {
        "card_sha256": hashlib.sha256(content).hexdigest(),
        "source": json.loads(content)["source"],
    }


def here(threads: int) -> dict[str, Any]:
    """What made a result: threads, versions, commit and machine."""
    return {
        "threads": threads,
        "versions": versions(),
        "commit": commit(),
        "machine": machine(),
    }


def versions() -> dict[str, str]:
    """Python and the libraries that results may depend on."""
    found = {"python": platform.python_version(), "vaebench": metadata_version("vaebench")}
    found |= {name: metadata_version(name) for name in LIBRARIES}
    if "torch" in sys.modules:  # says whether it is a build for CPUs alone
        found["torch"] = str(sys.modules["torch"].__version__)
    return found


def machine() -> dict[str, Any]:
    """Processor and system; no host name."""
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": processor(),
        "cores": os.cpu_count(),
    }


def processor() -> str:
    """The processor's name as the system gives it."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or "unknown"


def metadata_version(name: str) -> str:
    """The installed version of a distribution."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def _git(folder: Path, *arguments: str) -> str:
    # no lock: a cell must not get in the way of the user's own git
    command = ["git", "--no-optional-locks", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603
