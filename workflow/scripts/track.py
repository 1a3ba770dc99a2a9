"""Mirror the study to MLflow."""

from pathlib import Path

from vaebench.files import write_json
from vaebench.jobs import job
from vaebench.sharing.tracking import sync

with job(snakemake.log[0]):
    given, config = snakemake.input, snakemake.params.config
    runs = sync(
        config,
        [Path(path).parent for path in (*given.cells, *given.trials)],
        {Path(card).parent.name: Path(card) for card in given.cards},
        [Path(path) for path in given.documents],
    )
    write_json(Path(snakemake.output[0]), runs)
