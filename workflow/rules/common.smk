# The checked study, and the paths that several stages share. Logic lives in vaebench/config.py.
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

ROOT = str(Path(workflow.basedir).resolve())
sys.path.insert(0, ROOT)

from vaebench.config import Plan
from vaebench.errors import ConfigError
from vaebench.files import write_json
from vaebench.jobs import expect, without_result
from vaebench.sources import importable_by_jobs, shown, source_files
from vaebench.tuning.trials import Trials
from vaebench.words import FILES, NONE

importable_by_jobs(ROOT)

try:
    plan = Plan(config, [Path(file).parent for file in workflow.configfiles])
    trials = Trials(plan)
    if workflow.is_main_process:
        plan.check()
        trials.check()
except ConfigError as error:
    raise WorkflowError(str(error)) from None

study = str(plan.folder)
cell_folders = [f"{study}/cells/{path}" for path in plan.cells]
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


def cell_of(wildcards):
    path = f"{wildcards.dataset}/{wildcards.model}/{wildcards.strategy}/seed-{wildcards.seed}"
    return plan.cells.get(path) or plan.other_cell(**dict(wildcards.items()))


def baseline_of(wildcards):
    return plan.baseline_cell(wildcards.dataset, wildcards.model, int(wildcards.seed))


def key_of(wildcards):
    return f"{wildcards.dataset}/{wildcards.model}/{wildcards.strategy}"


def trial_of(w):
    return trials.cell(int(w.trial), w.dataset, w.model, w.strategy, int(w.seed))
