"""Train one trial of the tuning stage; the test part stays closed."""

from pathlib import Path

from vaebench import kept
from vaebench.devices import lease
from vaebench.jobs import job
from vaebench.leases import alone
from vaebench.provenance import stamp

given, out = snakemake.input, Path(snakemake.output[0]).parent
spec, data = snakemake.params.spec, Path(given.card).parent
device = "cpu" if snakemake.params.baseline else spec["training"].get("device", "auto")
inputs = [Path(given.card), *map(Path, snakemake.params.code)]
with job(snakemake.log[0]), alone(out):
    stands_on = stamp(spec, inputs)
    if kept.restore(out, stands_on) is None:
        with lease(device):
            import torch  # sees the leased device alone

            from vaebench import baseline_cell, exhausted

            torch.set_num_threads(snakemake.threads)
            if snakemake.params.baseline:
                result = baseline_cell.run(spec, data, out, tested=False)
            else:
                result = exhausted.run(spec, data, out, inputs=inputs, tested=False)
        if result["status"] == "done":
            kept.keep(out, stands_on)
