"""How long does an update of Mult-VAE take, against the textbook formulation?

    python benchmarks/step.py [--sizes ml-1m ml-20m msd] [--precision bfloat16] [--rounds 7]

The textbook: a dense input matrix, log_softmax, torch's Adam: the same model, data, weights and
result, as most public code writes it. Each runs in a process of its own, timed in turn (A B A B …);
quoted is the median of the ratios, pair by pair. Runs on the GPU where there is one, ours there as
recorded CUDA graphs: with --users 116677 --epochs 20 the recording is little of it.
"""

import json
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from measure import SIZES, Rival, machine, pairs, parser, spread, users

from vaebench.cells.vae import adam, choose_device
from vaebench.machine.memory import keep_freed_blocks
from vaebench.models.mult_vae import MultVAE
from vaebench.seeds import torch_stream
from vaebench.sparse import SparseRows
from vaebench.strategies.constant import Constant
from vaebench.training.cuda_graphs import CUDAGraphs, Recorded
from vaebench.training.loop import Budget, Learn, Learner, Streams, batches, train
from vaebench.training.settings import Training

BATCH = 500


def prepared(size: str, count: int) -> tuple[SparseRows, MultVAE]:
    """Users on the device and a fresh model."""
    items, mean = SIZES[size]
    device = choose_device("auto")
    model = MultVAE(items)
    model.initialise(torch_stream("weights"))
    return SparseRows.from_scipy(users(count, items, mean), device), model.to(device)


def wait() -> None:
    """For the GPU, where there is one."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def ours(size: str, count: int, precision: str, epochs: int) -> Callable[[], None]:
    """Epochs of the project's loop."""
    keep_freed_blocks()
    x, model = prepared(size, count)
    model.narrow(bfloat16=precision == "bfloat16")
    torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
    learner = Learner(model, Constant(beta=0.2), adam(model, Training()))
    recorder = CUDAGraphs() if torch.cuda.is_available() else None

    def train_() -> None:
        noise = torch_stream("noise", device=x.offsets.device)

        def recorded(learn: Learn) -> Learn:
            return Recorded(learn, learner, noise, recorder) if recorder else learn

        streams = Streams(torch_stream("order"), noise)
        train(learner, x, Budget(epochs, BATCH), streams, lambda _: None, recorded=recorded)
        wait()

    return train_


def textbook(size: str, count: int, epochs: int) -> Callable[[], None]:
    """The same epochs with dense matrices."""
    x, model = prepared(size, count)
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    noise = torch_stream("noise", device=x.offsets.device)
    weight, bias = model.encoder["input"].weight, model.encoder["input"].bias

    def epoch() -> None:
        for sparse in batches(x, BATCH, torch_stream("order")):
            assert isinstance(sparse, SparseRows)  # noqa: S101 (x is)
            rows = sparse.dense()
            inputs = torch.nn.functional.normalize(rows, dim=1)
            keep = torch.empty_like(inputs).uniform_(generator=noise) >= 0.5  # noqa: PLR2004
            hidden = torch.tanh((inputs * keep / 0.5) @ weight + bias)
            mean, log_variance = model.encoder["hidden"](hidden).chunk(2, 1)
            epsilon = torch.empty_like(mean).normal_(generator=noise)
            logits = model.decoder(mean + torch.exp(log_variance / 2) * epsilon)
            distortion = -(rows * torch.log_softmax(logits, 1)).sum(1)
            rate = 0.5 * (log_variance.exp() + mean**2 - 1 - log_variance).sum(1)
            loss = (distortion + 0.2 * rate).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    def train_() -> None:
        for _ in range(epochs):
            epoch()
        wait()

    return train_


def _line(name: str, ratios: list[float]) -> dict[str, Any]:
    """What a record keeps of paired ratios (record.py)."""
    found = {"ratio": statistics.median(ratios), "least": min(ratios), "most": max(ratios)}
    rounded = {key: round(value, 3) for key, value in found.items()}
    return {"name": f"update against the textbook, {name}", **rounded, "pairs": len(ratios)}


def main() -> None:
    """Print one line a size: milliseconds per update and GiB of both, and the ratio."""
    options = parser(__doc__, rounds=7, count=1_000)
    options.add_argument("--sizes", nargs="+", choices=SIZES, default=["ml-1m", "ml-20m"])
    options.add_argument("--precision", default="float32", choices=["float32", "tf32", "bfloat16"])
    options.add_argument("--epochs", type=int, default=1, help="per timing")
    options.add_argument("--json", type=Path, help="file to which a line a size is appended")
    given = options.parse_args()
    print(machine(given))
    print("| size | ours, ms an update | textbook | ratio (min … max) | ours, GiB | textbook |")
    print("|---|---:|---:|---:|---:|---:|")
    updates = given.epochs * -(-given.users // BATCH)
    for size in given.sizes:
        one = Rival(ours, size, given.users, given.precision, given.epochs, given=given)
        other = Rival(textbook, size, given.users, given.epochs, given=given)
        fast, slow, ratios = pairs(one, other, given.rounds)
        if given.json:
            with given.json.open("a", encoding="utf-8") as file:
                file.write(json.dumps(_line(f"{size}, {given.precision}", ratios)) + "\n")
        times = [f"{1e3 * value / updates:.0f}" for value in (fast, slow)]
        row = [f"{size}, {given.precision}", *times, spread(ratios)]
        print("|", " | ".join([*row, f"{one.end():.2f}", f"{other.end():.2f}"]), "|", flush=True)


if __name__ == "__main__":
    main()
