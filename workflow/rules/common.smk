# The checked study, and the paths that several stages share. Logic lives in vaebench/config.py.
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

ROOT = str(Path(workflow.basedir).resolve())
sys.path.insert(0, ROOT)

from vaebench.config import Plan
from vaebench.errors import ConfigError
from vaebench.jobs import expect
from vaebench.sources import importable_by_jobs, shown, source_files

importable_by_jobs(ROOT)

try:
    plan = Plan(config)
    if workflow.is_main_process:
        plan.check()
except ConfigError as error:
    raise WorkflowError(str(error)) from None

study = str(plan.folder)
cell_folders = [f"{study}/cells/{path}" for path in plan.cells]


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
