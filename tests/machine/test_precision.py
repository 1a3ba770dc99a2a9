"""Which precision a processor gains by, and that one without it refuses."""

from pathlib import Path

import pytest

from vaebench.errors import ConfigError
from vaebench.machine import precision

PLAIN = "processor\t: 0\nmodel name\t: Plain\nflags\t\t: fpu avx2 avx512f avx512bw\n"


@pytest.fixture
def cpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A CPU without bfloat16, as its system describes it, in a machine without a GPU."""
    path = tmp_path / "cpuinfo"
    path.write_text(PLAIN)
    monkeypatch.setattr(precision, "CPUINFO", path)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    return path


@pytest.mark.parametrize("flag", ["avx512_bf16", "amx_bf16"])
def test_a_cpu_gains_by_bfloat16_where_it_multiplies_it(flag: str, cpu: Path) -> None:
    assert precision.best("auto") == precision.best("cpu") == "float32"
    cpu.write_text(PLAIN.replace("fpu", f"fpu {flag}"))
    assert precision.best("auto") == precision.best("cpu") == "bfloat16"
    cpu.write_text(PLAIN.replace("fpu", f"fpu not_{flag}").replace("Plain", flag))
    assert precision.best("cpu") == "float32", "a flag is a whole word, and among the flags"
    cpu.unlink()
    assert precision.best("cpu") == "float32", "who does not know takes what all have"


def test_a_gpu_that_is_not_here_gets_what_all_have(cpu: Path) -> None:
    cpu.write_text(PLAIN.replace("fpu", "fpu amx_bf16"))
    assert precision.best("auto", gpus=1) == precision.best("cuda") == "float32"
    assert precision.best("cpu", gpus=1) == "bfloat16"


@pytest.mark.parametrize(("capability", "wanted"), [("7.5", "float32"), ("9.0\n8.0", "tf32")])
def test_a_gpu_is_asked_what_it_can(
    capability: str, wanted: str, cpu: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program in the place of the driver's answers as that does."""
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n[ $1 = --query-gpu=compute_cap ] && echo '{capability}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    assert precision.best("auto") == wanted
    assert precision.best("cpu") == "float32", cpu.name


def test_what_a_processor_lacks_is_refused_by_name(cpu: Path) -> None:
    precision.require("float32", None)
    precision.require("tf32", 8.0)
    with pytest.raises(ConfigError, match="'bfloat16' is not a precision of this processor"):
        precision.require("bfloat16", None)
    with pytest.raises(ConfigError, match=r"'tf32'.*compute capability 7\.5.*on it: float32"):
        precision.require("tf32", 7.5)
    with pytest.raises(ConfigError, match="'tf32'"):
        precision.require("tf32", None)
    cpu.write_text(PLAIN.replace("fpu", "fpu avx512_bf16"))
    precision.require("bfloat16", None)
