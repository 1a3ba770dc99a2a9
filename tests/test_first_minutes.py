"""A new user's first minutes: what is shown, printed and asked for, with the real programs."""

import contextlib
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from snakemake.cli import parse_args

from tests.test_workflow import STUDY, Project
from vaebench.__main__ import COMMANDS, main

ROOT = Path(__file__).parents[1]
CELL = "planted/mult-vae/constant/seed-0"
TINY = STUDY | {
    "seeds": 1,
    "datasets": {"planted": STUDY["datasets"]["planted"]},
    "grid": [STUDY["grid"][0] | {"strategies": ["constant", "user-scaled", "cyclical"]}],
    "tracking": {"enabled": False},
}
"""Three cells."""


def environment(**more: str) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT)} | more


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project in which nothing was run."""
    project = Project(tmp_path_factory.mktemp("planned"))
    project.write(TINY)
    return project


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, str, str]:
    """A project, what the run of one cell showed, and what the run of the rest did."""
    project = Project(tmp_path_factory.mktemp("run"))
    project.write(TINY)
    one = project.snakemake(f"results/small/cells/{CELL}/status.json")
    rest = project.snakemake()
    for done in (one, rest):
        assert done.returncode == 0, done.stdout + done.stderr
    return project, one.stdout + one.stderr, rest.stdout + rest.stderr


def test_a_dry_run_is_a_short_table_of_jobs(planned: Project) -> None:
    done = planned.snakemake("--dry-run")
    shown = (done.stdout + done.stderr).splitlines()
    assert shown.count("Job stats:") == 1
    assert re.search(r"^train +3$", "\n".join(shown), re.MULTILINE)
    assert len(shown) < 30
    assert not any(line.startswith(("rule ", "    input:", "Select jobs")) for line in shown)


def test_whoever_asks_for_rules_sees_them(planned: Project) -> None:
    done = planned.snakemake("--dry-run", "--quiet", "host")
    assert len(re.findall(r"^rule train:", done.stdout + done.stderr, re.MULTILINE)) == 3


def test_each_run_counts_its_own_cells(runs: tuple[Project, str, str]) -> None:
    _, one, rest = runs
    assert re.findall(r"^\[(\d)/(\d) cells.*?\] (\S+):", one, re.MULTILINE) == [("1", "1", CELL)]
    counts = re.findall(r"^\[(\d)/(\d) cells", rest, re.MULTILINE)
    assert counts == [("1", "2"), ("2", "2")]


COUNTING = """
import sys
from pathlib import Path
from vaebench.cells.folder import CellFolder
from vaebench.cells.progress import announce, expect, expect_no_more
cell, cells = Path(sys.argv[1]), int(sys.argv[2])
expect(cell.parents[4], cells)
for _ in range(cells):
    input()
    announce(CellFolder.parse(cell))
expect_no_more(cell.parents[4])
"""


def test_two_runs_at_once_do_not_count_each_others_cells(runs: tuple[Project, str, str]) -> None:
    cell = runs[0].path(f"cells/{CELL}")
    started = [
        subprocess.Popen(
            [sys.executable, "-c", COUNTING, cell, str(cells)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment(),
        )
        for cells in (3, 2)
    ]
    shown: list[str] = []
    for which in (0, 1, 0, 1, 0):
        process = started[which]
        assert process.stdin
        assert process.stdout
        process.stdin.write("\n")
        process.stdin.flush()
        shown.append(process.stdout.readline().split(" ")[0])
    assert shown == ["[1/3", "[1/2", "[2/3", "[2/2", "[3/3"]
    for process in started:
        process.communicate()
        assert process.returncode == 0
    assert not list(runs[0].path(".").glob(".finished-*"))


def test_a_run_ends_with_its_verdict_and_report(runs: tuple[Project, str, str]) -> None:
    project, one, rest = runs
    verdict = project.path("verdict.txt").read_text(encoding="utf-8").splitlines()
    assert verdict[0] == "all 3 cells finished"
    assert verdict[1].startswith("planted, mult-vae, NDCG@100 against constant: ")
    assert rest.splitlines()[-len(verdict) - 1 :] == [*verdict, "report: results/small/report.html"]
    assert "report:" not in one, "one cell makes no report"
    for noise in ("Select jobs to execute", "Execute ", "Finished job", "steps ("):
        assert noise not in one + rest


def test_the_log_of_a_cell_has_a_line_an_epoch(runs: tuple[Project, str, str]) -> None:
    log = runs[0].path(f"logs/cells/{CELL}/train.log").read_text(encoding="utf-8")
    found = re.findall(r"epoch (\d)/2: distortion \d+\.\d+, rate \d+\.\d+, beta 1, validation", log)
    assert found == ["1", "2"]


@pytest.mark.parametrize("text", ["seeds: yes", "seeds: 1\nseeds: 2"])
def test_a_config_that_says_two_things_plans_nothing(planned: Project, text: str) -> None:
    rest = yaml.safe_dump({key: value for key, value in TINY.items() if key != "seeds"})
    (planned.folder / "two.yaml").write_text(f"{rest}{text}\n")
    done = planned.snakemake("--dry-run", file="two.yaml")
    assert done.returncode != 0
    assert re.search(r"two.yaml, line \d+: seeds: .*; allowed: ", done.stdout + done.stderr)


@pytest.mark.parametrize("prefix", ["", "vaebench_"])
def test_a_study_is_a_module_of_another_workflow(planned: Project, prefix: str) -> None:
    """With a rule of its own that asks for the study's results, and a prefix for those of ours."""
    folder = planned.folder / f"outer{prefix}"
    folder.mkdir()
    shutil.copy(planned.folder / "study.yaml", folder)
    (folder / "Snakefile").write_text(
        'configfile: "study.yaml"\n'
        "module vaebench:\n"
        f'    snakefile: "{planned.folder}/Snakefile"\n'
        "    config: config\n"
        f"use rule * from vaebench as {prefix}*\n"
        "rule everything:\n"
        "    default_target: True\n"
        "    input: 'results/small/verdict.txt'\n"
    )
    command = [sys.executable, "-m", "snakemake", "--dry-run", "--quiet", "rules"]
    done = subprocess.run(
        command, cwd=folder, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    shown = done.stdout + done.stderr
    assert re.search(rf"^{prefix}test +3$", shown, re.MULTILINE)
    assert "not present in the Snakefile" not in shown
    assert not (folder / "results").exists(), "a dry run writes nothing"


def test_the_workflow_is_where_the_conventions_look_for_it(planned: Project) -> None:
    """``workflow/Snakefile`` as a module of the root one: a run of it, of one cell."""
    folder = planned.folder / "elsewhere"
    folder.mkdir()
    shutil.copy(planned.folder / "study.yaml", folder)
    command = [sys.executable, "-m", "snakemake", "-s", f"{planned.folder}/workflow/Snakefile"]
    cell = f"results/small/cells/{CELL}/status.json"
    done = subprocess.run(
        [*command, "--cores", "2", cell, "--configfile", "study.yaml"],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (folder / cell).is_file()
    assert (folder / "results/small/study.json").is_file(), "whoever opens the folder knows it"
    assert f"[1/1 cells] {CELL}: test NDCG@100 " in done.stdout + done.stderr


def printed() -> list[str]:
    """Every snakemake command that a text of ours tells people to run, without comments."""
    texts = [ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")]
    texts += [ROOT / "Snakefile", *(ROOT / "configs").glob("*.yaml")]
    texts += [*(ROOT / "profiles").rglob("*.yaml"), *(ROOT / "vaebench").rglob("*.py")]
    found = []
    for path in texts:
        for line in path.read_text(encoding="utf-8").splitlines():
            in_block = re.match(r"(?:#\s+)?(snakemake .*?)(?:\s{2,}#.*|\s+# .*)?$", line)
            quoted = re.findall(r"`(snakemake [^`]+)`", line)
            found += [in_block[1]] if in_block else quoted
    return [each for each in dict.fromkeys(found) if "…" not in each]


def test_printed_commands_hand_their_targets_to_snakemake() -> None:
    """``--configfile X TARGET`` takes the target for a second config file."""
    commands = printed()
    assert len(commands) > 10
    for command in commands:
        words = shlex.split(command)[1:]
        _, given = parse_args(words)
        for config in given.configfile or []:
            assert str(config).endswith(".yaml") or config.name == "CONFIG", command
        for target in given.targets:
            assert target.startswith("results/"), command
            assert not target.endswith(".yaml"), command


def test_the_command_for_one_cell_plans_one_training(planned: Project) -> None:
    text = (ROOT / "docs/start.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^(snakemake .*results/.*)$", text, re.MULTILINE)
    done = subprocess.run(
        [sys.executable, "-m", *shlex.split(command.replace("snakemake", "snakemake --dry-run"))],
        cwd=planned.folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^train +1$", done.stdout + done.stderr, re.MULTILINE)


def test_the_command_that_plan_prints_plans_the_split(planned: Project) -> None:
    study = TINY | {"datasets": {"planted": {"class": "movielens.MovieLens", "release": "ml-25m"}}}
    (planned.folder / "large.yaml").write_text(yaml.safe_dump(study))
    done = vaebench("plan", "large.yaml", cwd=planned.folder)
    assert done.returncode == 0, done.stderr
    (command,) = re.findall(r"`(snakemake .*)`", done.stdout)
    again = subprocess.run(
        [sys.executable, "-m", *shlex.split(command.replace("snakemake", "snakemake --dry-run"))],
        cwd=planned.folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert again.returncode == 0, again.stdout + again.stderr
    assert re.search(r"^split +1$", again.stdout + again.stderr, re.MULTILINE)


def vaebench(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "vaebench", *arguments]
    return subprocess.run(
        command, cwd=cwd, env=environment(), capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with contextlib.suppress(SystemExit):
        main([*filter(None, [command]), "--help"])
    shown = capsys.readouterr()
    assert re.match(rf"usage: .*vaebench {command}", shown.out)
    assert not shown.err


@pytest.mark.parametrize("arguments", [["plan", "--help"], ["plan", "config.yaml"]])
def test_a_closed_pipe_is_no_error(arguments: list[str]) -> None:
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "vaebench", *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env=environment(), stdout=write, stderr=subprocess.PIPE, check=False
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (0, b"")


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["make", *arguments]
    offline = environment(PIP_NO_INDEX="1", PIP_DISABLE_PIP_VERSION_CHECK="1")
    return subprocess.run(
        command, cwd=ROOT, env=offline, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("target", ["plan", "clean-venv"])
def test_make_never_touches_an_environment_that_it_did_not_make(
    target: str, tmp_path: Path
) -> None:
    (tmp_path / "precious").write_text("a year of work")
    done = make(target, f"VENV={tmp_path}")
    assert done.returncode != 0
    assert f"{tmp_path}: this Makefile did not make it" in done.stderr
    assert (tmp_path / "precious").read_text() == "a year of work"


def test_make_clears_its_own_environment(tmp_path: Path) -> None:
    (tmp_path / ".made-by-vaebench").touch()
    (tmp_path / "old").touch()
    done = make("plan", f"VENV={tmp_path}")
    assert "pip" in done.stderr, "no index: it gets as far as the packages"
    assert not (tmp_path / "old").exists()
    assert (tmp_path / "bin/python").exists()
    assert (tmp_path / ".made-by-vaebench").exists(), "so that the next one clears it, too"
    assert make("clean-venv", f"VENV={tmp_path}").returncode == 0
    assert not tmp_path.exists()


def test_no_shipped_config_names_a_folder_that_only_we_have() -> None:
    for path in [ROOT / "config.yaml", *(ROOT / "configs").glob("*.yaml")]:
        assert "local_files" not in yaml.safe_load(path.read_text(encoding="utf-8")), path
