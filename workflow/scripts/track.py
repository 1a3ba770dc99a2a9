"""Mirror the study to MLflow."""

from pathlib import Path

import vaebench.sharing.tracking  # noqa: F401 (a warm start has it before the job begins)
from vaebench.files import write_json
from vaebench.machine.logged import job
from vaebench.sharing.sync import mirror

with job(snakemake.log[0]):
    out = Path(snakemake.output[0])
    write_json(out, mirror(out.parent))
