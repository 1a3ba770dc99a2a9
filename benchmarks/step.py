"""How long does an update of Mult-VAE take, against the textbook formulation?

    python benchmarks/step.py [--items 3483] [--users 2000] [--threads 2] [--pairs 7]

The textbook: a dense input matrix, log_softmax, torch's Adam: the same model, data, weights and
result, as most public code writes it. Both are timed in turn (A B A B …); quoted is the
median of the ratios, pair by pair.
"""

import argparse
import platform
import statistics
import time
from collections.abc import Callable

import scipy.sparse
import torch

from vaebench.models.mult_vae import MultVAE
from vaebench.provenance import processor
from vaebench.seeds import torch_stream
from vaebench.sparse import SparseRows
from vaebench.strategies.constant import Constant
from vaebench.train import batches, train

BATCH = 500


def ours(items: int, x: SparseRows) -> Callable[[], None]:
    """One epoch of the project's loop."""
    model = MultVAE(items)
    model.initialise(torch_stream("weights"))
    optimizer = torch.optim.Adam(model.parameters(), 1e-3, fused=True)

    def epoch() -> None:
        train(
            model,
            Constant(beta=0.2),
            optimizer,
            x,
            epochs=1,
            batch_size=BATCH,
            order=torch_stream("order"),
            noise=torch_stream("noise"),
            after_epoch=lambda _: None,
        )

    return epoch


def textbook(items: int, x: SparseRows) -> Callable[[], None]:
    """The same epoch with dense matrices."""
    model = MultVAE(items)
    model.initialise(torch_stream("weights"))
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    noise = torch_stream("noise")

    def epoch() -> None:
        for sparse in batches(x, BATCH, torch_stream("order")):
            assert isinstance(sparse, SparseRows)  # noqa: S101 (x is)
            rows = sparse.dense()
            inputs = torch.nn.functional.normalize(rows, dim=1)
            keep = torch.empty_like(inputs).uniform_(generator=noise) >= 0.5  # noqa: PLR2004
            hidden = torch.tanh((inputs * keep / 0.5) @ model.item_weights + model.hidden_bias)
            mean, log_variance = model.posterior(hidden).chunk(2, 1)
            epsilon = torch.empty_like(mean).normal_(generator=noise)
            logits = model.decoder(mean + torch.exp(log_variance / 2) * epsilon)
            distortion = -(rows * torch.log_softmax(logits, 1)).sum(1)
            rate = 0.5 * (log_variance.exp() + mean**2 - 1 - log_variance).sum(1)
            loss = (distortion + 0.2 * rate).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    return epoch


def seconds(epoch: Callable[[], None]) -> float:
    """Wall seconds of one epoch."""
    start = time.perf_counter()
    epoch()
    return time.perf_counter() - start


def main() -> None:
    """Print one line: seconds per update of both, and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=3_483, help="ML-1M 3483, ML-20M 20108")
    parser.add_argument("--users", type=int, default=2_000)
    parser.add_argument("--per-user", type=int, default=96, help="mean interactions of a user")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--pairs", type=int, default=7)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    density = arguments.per_user / arguments.items
    matrix = scipy.sparse.random(
        arguments.users, arguments.items, density, format="csr", random_state=0
    )
    matrix.data[:] = 1
    x = SparseRows.from_scipy(matrix)
    fast, slow = ours(arguments.items, x), textbook(arguments.items, x)
    for epoch in (fast, slow):  # warm-up
        epoch()
    pairs = [(seconds(fast), seconds(slow)) for _ in range(arguments.pairs)]
    updates = -(-arguments.users // BATCH)
    ratios = [b / a for a, b in pairs]
    machine = f"{processor()}, {platform.system()}, torch {torch.__version__}"
    print(f"{machine}, {arguments.threads} threads")
    print("| items | ours, ms an update | textbook, ms an update | ratio (min … max) |")
    print("|---:|---:|---:|---:|")
    medians = [1e3 / updates * statistics.median(column) for column in zip(*pairs, strict=True)]
    print(
        f"| {arguments.items} | {medians[0]:.0f} | {medians[1]:.0f} "
        f"| {statistics.median(ratios):.2f} ({min(ratios):.2f} … {max(ratios):.2f}) |"
    )


if __name__ == "__main__":
    main()
