"""``vaebench COMMAND``: help with examples, and how an error ends."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from tests.test_workflow import STUDY
from vaebench import __version__, command
from vaebench.command import COMMANDS, main
from vaebench.command.run import divided
from vaebench.study.product import PRODUCT

ROOT = Path(__file__).parents[2]


def call(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "vaebench", *arguments],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    with contextlib.suppress(SystemExit):
        main([name, "--help"])
    shown = capsys.readouterr().out
    _, _, examples = shown.partition("example")
    assert re.search(rf"vaebench {name} \S", examples), shown


def test_usage_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    main([])
    shown = capsys.readouterr().out
    assert [line.split()[0] for line in shown.splitlines() if line.startswith("  ")][
        : len(COMMANDS)
    ] == list(COMMANDS)
    main(["--version"])
    assert capsys.readouterr().out == f"vaebench {__version__}\n"


def test_a_misspelt_command_is_told_what_is_near() -> None:
    with pytest.raises(SystemExit) as ended:
        main(["stauts"])
    assert str(ended.value.code).startswith(
        "vaebench: stauts: no such command (did you mean status?); allowed: run, advise, plan,"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import nothing_of_this_name", "line 2: ModuleNotFoundError: No module named"),
        ("class Mine(Strategy):\n    x = 1 / 0", "line 2: NameError: name 'Strategy'"),
        ("def f(:\n    pass", "line 2: SyntaxError: "),
        ("import broken_helper", "line 3: ZeroDivisionError: division by zero"),
    ],
)
def test_a_module_that_cannot_be_imported_is_one_sentence(
    text: str, said: str, tmp_path: Path
) -> None:
    """By the real program, and by the workflow that it calls."""
    (tmp_path / "mine.py").write_text(f"# mine\n{text}\n")
    (tmp_path / "broken_helper.py").write_text("def f():\n    return 1\nX = 1 / 0\n")
    study = STUDY | {"strategies": STUDY["strategies"] | {"mine": {"class": "mine.Mine"}}}
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(study))
    file = "broken_helper.py" if "helper" in text else "mine.py"
    done = call("plan", "study.yaml", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith(f"vaebench: {tmp_path / file}, {said}"), done.stderr
    assert done.stderr.endswith("; allowed: a module that can be imported\n")
    assert len(done.stderr.splitlines()) == 1
    if "helper" in text:
        run = call("run", "study.yaml", "--", "--dry-run", cwd=tmp_path)
        assert run.returncode == 1
        assert f"{tmp_path / file}, {said}" in run.stdout + run.stderr
        assert "Traceback" not in run.stdout + run.stderr


def test_an_error_of_ours_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> None:
        raise KeyError("a bug")

    monkeypatch.setattr(command, "_run", broken)
    with pytest.raises(KeyError, match="a bug"):
        main(["plan"])


def test_what_stands_behind_the_dashes_is_snakemakes() -> None:
    assert divided(["a.yaml", "--", "-n", "results/x"]) == (["a.yaml"], ["-n", "results/x"])
    assert divided(["a.yaml"]) == (["a.yaml"], [])
    slurm = str(PRODUCT / "profiles/slurm")
    assert divided(["--", "--workflow-profile", "profiles/none"])[1][1] == "profiles/none"
    here = Path("profiles/slurm").exists()
    wanted = "profiles/slurm" if here else slurm
    assert divided(["--", "--workflow-profile", "profiles/slurm"])[1][1] == wanted
    assert divided(["--", "--workflow-profile=profiles/slurm"])[1] == [
        f"--workflow-profile={wanted}"
    ]


def test_control_c_ends_the_run_with_130(tmp_path: Path) -> None:
    """As from a keyboard: the whole group gets the signal, and Snakemake ends first."""
    slow = STUDY | {"training": STUDY["training"] | {"epochs": 100_000}, "seeds": 1}
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(slow))
    process = subprocess.Popen(
        [sys.executable, "-m", "vaebench", "run", "study.yaml", "--", "--cores", "1"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        end = time.monotonic() + 120
        while not list(tmp_path.glob("results/small/logs/cells/*/*/*/*/train.log")):
            assert time.monotonic() < end
            assert process.poll() is None
            time.sleep(0.1)
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(timeout=120) == 130
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
