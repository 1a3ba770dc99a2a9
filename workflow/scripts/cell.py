"""Train one cell and say on the terminal how far the study is."""

from pathlib import Path

from vaebench import kept
from vaebench.devices import lease
from vaebench.jobs import announce, job
from vaebench.leases import alone
from vaebench.provenance import stamp

given, spec = snakemake.input, snakemake.params.spec
out = Path(snakemake.output[0]).parent
inputs = [Path(given.card), *map(Path, snakemake.params.code)]
found = [Path(path) for path in (*given.stages, *given.choice)]
with job(snakemake.log[0]), alone(out):
    stands_on = stamp(spec, [*inputs, *found])
    result = kept.restore(out, stands_on)
    if result is None:
        with lease(spec["training"].get("device", "auto")):
            import torch  # sees the leased device alone

            from vaebench.exhausted import run

            torch.set_num_threads(snakemake.threads)
            result = run(
                spec,
                Path(given.card).parent,
                out,
                inputs=inputs,
                choice=Path(given.choice[0]) if given.choice else None,
                stages={Path(path).parents[1].name: Path(path).parent for path in given.stages},
            )
        if result["status"] == "done":
            kept.keep(out, stands_on)
    announce(out, result)
