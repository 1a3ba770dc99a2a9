"""Train one cell and say on the terminal how far the study is."""

from pathlib import Path

from vaebench.devices import lease
from vaebench.jobs import announce, job
from vaebench.leases import alone

given, spec = snakemake.input, snakemake.params.spec
out = Path(snakemake.output[0]).parent
with job(snakemake.log[0]), alone(out), lease(spec["training"].get("device", "auto")):
    import torch  # sees the leased device alone

    from vaebench.exhausted import run

    torch.set_num_threads(snakemake.threads)
    result = run(
        spec,
        Path(given.card).parent,
        out,
        inputs=[Path(given.card), *map(Path, snakemake.params.code)],
        choice=Path(given.choice[0]) if given.choice else None,
        stages={Path(path).parents[1].name: Path(path).parent for path in given.stages},
    )
    announce(out, result)
