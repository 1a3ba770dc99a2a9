# The checked study, and the paths that several stages share. Logic lives in vaebench/study/plan.py.
import json
import shlex
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger
from snakemake.settings.enums import Quietness

ROOT = str(Path(workflow.current_basedir).resolve().parents[1])
sys.path.insert(0, ROOT)

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
from vaebench.study.plan import Plan
from vaebench.study.current import Upkeep
from vaebench.errors import ConfigError, DataError
from vaebench.files import write_json
from vaebench.machine import warm
from vaebench.cells.progress import expect, expect_no_more, without_result
from vaebench.cells.planned import CODE, planned
from vaebench.study.sources import code, content, importable, shown, source_files
from vaebench.study.terminal import Calm
from vaebench.study.trials import Trials
from vaebench.study import written

importable(Path(ROOT), [Path(file).parent for file in workflow.configfiles])

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
    if workflow.is_main_process:
        # with torch, which a job of a cluster does not need to plan
        from vaebench.study.check import check

        check(plan)
        trials.check()
except ConfigError as error:
    raise WorkflowError(str(error)) from None

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


# a GPU of this machine is lent to one cell at a time; on a cluster the scheduler counts them
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


def split_of(wildcards):
    number = wildcards.get("replicate")
    return SplitFolder(plan.folder, wildcards.dataset, number and int(number))


def spec_of(wildcards):
    return json.dumps(cell_of(wildcards).spec)


# A job of a cell: warm on this machine, from a process that has its imports (vaebench.machine.warm),
# else cold. In an environment of conda's making the interpreter is that one's.
CONDA = "conda" in {
    str(method) for method in workflow.deployment_settings.deployment_method
}
PYTHON = "python" if CONDA else shlex.quote(sys.executable)
CLIENT = shlex.quote(str(Path(ROOT, "vaebench/machine/client.py")))
JOB = (
    f"{PYTHON} -I -S {CLIENT} vaebench.cells.job --log {{log:q}} --threads {{threads}}"
    " --out {output:q} --card {input.card:q} --code {params.code} --spec {params.spec:q}"
)