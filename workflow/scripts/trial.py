"""Train one trial of the tuning stage; the test part stays closed."""

from pathlib import Path

from vaebench.devices import lease
from vaebench.jobs import job
from vaebench.leases import alone

given, out = snakemake.input, Path(snakemake.output[0]).parent
spec, data = snakemake.params.spec, Path(given.card).parent
device = "cpu" if snakemake.params.baseline else spec["training"].get("device", "auto")
with job(snakemake.log[0]), alone(out), lease(device):
    import torch  # sees the leased device alone

    from vaebench import baseline_cell, exhausted

    torch.set_num_threads(snakemake.threads)
    if snakemake.params.baseline:
        baseline_cell.run(spec, data, out, tested=False)
    else:
        inputs = [Path(given.card), *map(Path, snakemake.params.code)]
        exhausted.run(spec, data, out, inputs=inputs, tested=False)
