"""Seconds of an update and of a ranked user, by model and items: for vaebench/report/costs.yaml.

    python benchmarks/costs.py [--device cpu] [--items 3483 20108] [--updates 4]

On a CPU the seconds are those of the processor, on one thread, so that a busy machine does not
count; on a GPU those of the clock. Users are random with 73 to 96 interactions, as MovieLens'.
"""

import argparse
import time
from collections.abc import Callable

import scipy.sparse
import torch

from vaebench.cells.metrics import created, logits, ranked
from vaebench.components import create
from vaebench.machine.provenance import processor
from vaebench.seeds import torch_stream
from vaebench.sparse import SparseRows
from vaebench.strategies.constant import Constant
from vaebench.study.keys import SHIPPED
from vaebench.training.data import HeldOut
from vaebench.training.loop import Budget, Learner, Streams, train

MODELS = ("mult_vae.MultVAE", "mult_dae.MultDAE", "rec_vae.RecVAE")
BATCH = 500
PER_USER = 80


def users(number: int, items: int, device: torch.device) -> SparseRows:
    """Random histories."""
    matrix = scipy.sparse.random(number, items, PER_USER / items, format="csr", random_state=0)
    matrix.data[:] = 1
    return SparseRows.from_scipy(matrix, device)


def seconds(work: Callable[[], object], device: torch.device) -> float:
    """Of one call, after one to warm up."""
    clock = time.process_time if device.type == "cpu" else time.perf_counter
    work()
    if device.type == "cuda":
        torch.cuda.synchronize()
    start = clock()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return clock() - start


def main() -> None:
    """Print YAML lines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--items", type=int, nargs="+", default=[3_483, 20_108])
    parser.add_argument("--updates", type=int, default=4)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    device = torch.device(arguments.device)
    name = processor() if device.type == "cpu" else torch.cuda.get_device_name(device)
    print(f"# {name}, torch {torch.__version__}, one thread")
    for path in MODELS:
        for items in arguments.items:
            x = users(BATCH * arguments.updates, items, device)
            held_out = users(BATCH, items, device)
            model = create("vaebench.models", {"class": path}, items)
            model.initialise(torch_stream("weights"))
            model = model.to(device)
            optimizer = torch.optim.Adam(model.parameters(), 1e-3, fused=True)

            def epoch(x=x, model=model, optimizer=optimizer) -> None:  # noqa: ANN001
                train(
                    Learner(model, Constant(beta=0.2).to(device), optimizer),
                    x,
                    Budget(1, BATCH),
                    Streams(torch_stream("order"), torch_stream("noise", device=device)),
                    lambda _: 0.0,
                )

            def rank(model=model, held_out=held_out) -> None:  # noqa: ANN001
                ranked(created(SHIPPED), logits(model), HeldOut(held_out, held_out, held_out))

            update = seconds(epoch, device) / arguments.updates
            user = seconds(rank, device) / BATCH
            print(f"{path}: {{{items}: [{update:.4f}, {user:.6f}]}}", flush=True)


if __name__ == "__main__":
    main()
