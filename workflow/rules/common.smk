# The checked study, and the paths that several stages share. Logic lives in vaebench/study/plan.py.
import gc
import json
import shlex
import sys
import threading
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger
from snakemake.script import PythonScript
from snakemake.settings.enums import Quietness

# in a checkout the package lies beside the workflow; an installed one needs no path
ROOT = Path(workflow.current_basedir).resolve().parents[1]
if (ROOT / "vaebench").is_dir():
    sys.path.insert(0, str(ROOT))

from vaebench.cells.folder import (
    FILES,
    NAMES,
    NONE,
    SPLITS,
    STATE,
    TESTED,
    TRAINED,
    CellFolder,
    SplitFolder,
)
from vaebench.cells.job import IMPORTS
from vaebench.cells.opening import OPENED
from vaebench.study.plan import Plan
from vaebench.study.current import Upkeep
from vaebench.sharing.follow import Beside
from vaebench.errors import ConfigError, DataError
from vaebench.files import write_json
from vaebench.machine import warm
from vaebench.cells.progress import expect, expect_no_more, without_result
from vaebench.cells.planned import CODE, planned
from vaebench.study.imported import said_of
from vaebench.study.product import PACKAGE
from vaebench.study.sources import (
    code,
    content,
    importable,
    imported,
    shown,
    source_files,
)
from vaebench.study.terminal import Calm
from vaebench.study.trials import Trials
from vaebench.study import registration, written

PREAMBLE = ("snakemake.iocontainers", "snakemake.logging")  # of every script

# Planning makes millions of objects and frees few; looking at all of them for garbage, again and again,
# was a quarter of its time. A run starts with the usual thresholds again.
COLLECTED = gc.get_threshold()
gc.set_threshold(50_000, 20, 100)

importable(PACKAGE.parent, [Path(file).parent for file in workflow.configfiles])

terminal = Calm()
if workflow.is_main_process and Quietness.RULES in (
    workflow.output_settings.quiet or ()
):
    terminal.watch(logger)

try:
    if workflow.is_main_process:
        written.check(workflow.configfiles)
    plan = Plan(config, [Path(file).parent for file in workflow.configfiles])
    trials = Trials(plan)
    server = None
    if workflow.is_main_process:
        if not workflow.output_settings.dryrun:
            # what most jobs need is imported beside the rest of the planning
            given = [*IMPORTS, *PREAMBLE]
            server = warm.start(given, threads=plan.study.resources.threads)
        # with torch, which a job of a cluster does not need to plan
        from vaebench.study.check import check

        check(plan)
        trials.check()
        registration.unopened_or_same(plan)
except (ConfigError, DataError) as error:
    raise WorkflowError(str(error)) from None
except Exception as error:  # a user's module that cannot be imported
    if said_of(error) is None:
        raise
    raise WorkflowError(said_of(error)) from None

study = str(plan.folder)
upkeep = Upkeep(plan, trials)
if workflow.is_main_process:
    try:
        upkeep.settle()
    except DataError as error:
        raise WorkflowError(str(error)) from None
    print(upkeep.warning(), end="", file=sys.stderr)
cards = [str(split.card) for split in plan.splits()]
cell_folders = [str(cell.folder.path) for cell in plan.cells.values()]
# the cells that tables, figures and MLflow are made of: all, or those that there are
shown_cells = [
    folder
    for folder in cell_folders
    if not plan.study.finished_only or Path(folder, "status.json").exists()
]
if not shown_cells:
    raise WorkflowError("finished_only: no cell is finished; allowed: at least one")


followers = []


# Handlers of a run. As a module of another workflow, which has handlers of its own, this one is told:
# `onstart: NAME.started()`, and likewise for the two others.
def makes(job, name):
    return any(Path(file).name == name for file in job.output)


def imports_of_scripts():
    """The modules that the scripts of this run import."""
    jobs = workflow.dag.needrun_jobs()
    scripts = {SCRIPTS / Path(job.rule.script).name for job in jobs if job.rule.script}
    ours = [path for path in sorted(scripts) if path.exists()]
    return list(dict.fromkeys(name for path in ours for name in imported(path)))


def unhurried(scheduler):
    """Let a scheduler look at its ready jobs once a job ends, and at most once a timespan besides.

    So that no more jobs start in a timespan than may, each look brings another one a timespan later, and
    that one the next. These rows add up, one a job: after 1,000 jobs Snakemake looks 1,000 times a
    second, or as often as it can. One row is enough, and none where all jobs run on this machine.
    """
    if workflow.local_exec:
        scheduler.job_rate_limiter = None
    waiting = threading.Lock()

    def look():
        waiting.release()
        scheduler._open_jobs.release()

    def once(delay):
        if waiting.acquire(blocking=False):
            timer = threading.Timer(delay, look)
            timer.daemon = True
            timer.start()

    scheduler._schedule_reevalutation = once


def started():
    """Write what the jobs are planned with, count the cells, have imports done, follow the study."""
    gc.freeze()  # the plan itself stays
    gc.set_threshold(*COLLECTED)
    unhurried(workflow.scheduler)
    to_run = sum(makes(job, "status.json") for job in workflow.dag.needrun_jobs())
    try:
        expect(plan.folder, to_run=to_run)
        planned(plan.folder / CODE, upkeep.uses(), content)
        warm.more(server, imports_of_scripts())
        write_json(plan.folder / "study.json", plan.study.model_dump())
        trains = any(makes(job, "training.json") for job in workflow.dag.needrun_jobs())
        if trains and plan.study.tracking.enabled and plan.study.tracking.live:
            followers.append(Beside(plan.folder, plan.folder / "logs/follow.log"))
    except (DataError, OSError) as error:  # a full disk, a folder that is read-only
        raise WorkflowError(str(error)) from None


def succeeded():
    """Say the verdict and where the report is, if this run made them."""
    expect_no_more(plan.folder)
    jobs = workflow.dag.jobs
    for follower in followers:
        follower.end(at_once=any(makes(job, "tracking.json") for job in jobs))
    terminal.end(plan.folder, report=any(makes(job, "verdict.txt") for job in jobs))


def failed():
    """Say how many cells have no result."""
    expect_no_more(plan.folder)
    for follower in followers:
        follower.end()
    print(without_result(cell_folders), end="", file=sys.stderr)


# one cell at a time uses a GPU of this machine; on a cluster the scheduler counts the GPUs
resource_scopes:
    gpu="local",


wildcard_constraints:
    dataset="[^/]+",
    model="[^/]+",
    strategy="[^/]+",
    seed=r"\d+",
    replicate=r"\d+",
    trial=r"\d+",
    rung=r"\d+",


def said(*modules):
    """A digest of what modules and all that they import say: an edit of it reruns a job."""
    return code(source_files(*modules))


def folder_of(wildcards):
    names = {key: wildcards[key] for key in ("dataset", "model", "strategy")}
    trial = int(wildcards.trial) if "trial" in wildcards.keys() else None
    rung = int(wildcards.get("rung", 1))
    return CellFolder(
        plan.folder, **names, seed=int(wildcards.seed), trial=trial, rung=rung
    )


def cell_of(wildcards):
    folder = folder_of(wildcards)
    return plan.cell(folder) if folder.trial is None else trials.cell(folder)


def group_of(wildcards):
    group = f"{wildcards.dataset}/{wildcards.model}/{wildcards.strategy}"
    return f"{group}/seed-{wildcards.seed}" if plan.replicated else group


def seals_of(group, rung):
    """Of the trials in a rung of a group."""
    cells = trials.cells(group, rung)
    return [folder.file("training.json") for seeds in cells for folder in seeds]


def placed_in(group, rung):
    """The file that says which trials are in a rung, where they are not all."""
    return [trials.places(group, rung)] if rung > 1 else []


def rung_of(wildcards, output):
    """The options of a job that trains one rung of a training: its end, the state it leaves."""
    until = trials.rung(folder_of(wildcards)).until
    left = [str(path) for path in output if Path(path).name == STATE]
    leaves = f" --state-out {shlex.quote(left[0])}" if left else ""
    return "" if until is None else f"--until {until}{leaves}"


def card_of(wildcards):
    return str(plan.card(cell_of(wildcards)))


def stages_of(wildcards):
    return [
        folder.file("training.json") for folder in cell_of(wildcards).stages.values()
    ]


def choice_of(wildcards):
    return trials.choice_of(cell_of(wildcards))


# What is the same for all cells of the study is no function, which every job would call.
card = card_of if plan.replicated else f"{study}/data/{{dataset}}/card.json"
options = [
    value for given in plan.study.strategies.values() for value in given.values()
]
stages = stages_of if any(isinstance(value, dict) for value in options) else []
choice = choice_of if trials.groups else []


def split_of(wildcards):
    number = wildcards.get("replicate")
    return SplitFolder(plan.folder, wildcards.dataset, number and int(number))


def in_report(file, kind, words):
    """The file; one that ``words`` say something of with what `snakemake --report` needs."""
    stem = Path(file).stem
    if stem not in words:
        return file
    labels = {kind: stem, "shows": words[stem]}
    caption, category = f"../report/{kind}s.rst", f"{kind}s".title()
    return report(file, caption=caption, category=category, labels=labels)


def spec_of(wildcards):
    return json.dumps(cell_of(wildcards).spec)


# A job starts warm on this machine, from a process that has its imports (vaebench.machine.warm), else
# cold. In an environment of conda's making the interpreter is that one's.
CONDA = "conda" in {
    str(method) for method in workflow.deployment_settings.deployment_method
}
PYTHON = "python" if CONDA else shlex.quote(sys.executable)
CLIENT = shlex.quote(str(PACKAGE / "machine/client.py"))
JOB = (
    f"{PYTHON} -I -S {CLIENT} vaebench.cells.job --log {{log:q}} --threads {{threads}}"
    " --out {output:q} --card {input.card:q} --code {params.code} --spec {params.spec:q}"
)


# Snakemake writes a script to a file, after a preamble of its own, and runs `python FILE`. Ours are
# started by the client, too. Where Snakemake asks for another Python, or in other words, it gets it.
SCRIPTS = Path(workflow.current_basedir).resolve().parent / "scripts"
WARM = f"{shlex.quote(sys.executable)} -I -S {CLIENT}"
execute = PythonScript._execute_cmd


def execute_warm(script, command, **given):
    path = Path(script.path.get_path_or_uri(secret_free=True)).resolve()
    if path.parent == SCRIPTS and given.get("py_exec") == sys.executable:
        given["py_exec"] = WARM
    return execute(script, command, **given)


PythonScript._execute_cmd = execute_warm
