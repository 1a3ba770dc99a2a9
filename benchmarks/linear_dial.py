"""One training of a linear model for all β against the closed form, at full size (docs/dial.md).

    python benchmarks/linear_dial.py --updates 12000

Pictures of 20 pixels whose covariance has known eigenvalues λ_j; a linear encoder and decoder with
10 latents, unit noise, gates of log β. Per principal component the least D + βR is
β/2 · (1 + log(λ/β)) where λ > β, else λ/2, and ½ F log 2π, which is taken off on both sides. Prints
the excess at 20 β in [.05, 8].
"""

import argparse
import math
import time

import numpy as np
import torch

from vaebench.metrics.bound import elbo
from vaebench.models.gated_image_mlp import GatedImageMLP
from vaebench.models.pixels import Pixels
from vaebench.seeds import torch_stream
from vaebench.strategies.log_uniform import LogUniform
from vaebench.training.adam import Adam
from vaebench.training.loop import Budget, Learner, Streams, train

LOW, HIGH, LATENTS, BATCH, EXAMPLES = 0.05, 8.0, 10, 200, 4_000
FROM = 0.1
VARIANCES = np.concatenate([np.geomspace(12, 0.1, LATENTS), np.full(10, 0.04)])


def pictures() -> torch.Tensor:
    """Whose covariance is exactly that of :data:`VARIANCES` in turned axes, (N, F)."""
    random = np.random.default_rng(0)
    x = random.normal(size=(EXAMPLES, len(VARIANCES)))
    x -= x.mean(0)
    x = x @ np.linalg.inv(np.linalg.cholesky(x.T @ x / len(x))).T
    turn = np.linalg.qr(random.normal(size=(len(VARIANCES),) * 2))[0]
    return torch.from_numpy(x * np.sqrt(VARIANCES) @ turn.T).float()


def least(beta: float) -> float:
    """The closed form, nats."""
    kept, rest = VARIANCES[:LATENTS], VARIANCES[LATENTS:]
    on = kept > beta
    each = np.where(on, beta / 2 * (1 + np.log(np.where(on, kept / beta, 1))), kept / 2)
    return float(each.sum() + rest.sum() / 2)


def main() -> None:
    """Train and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--updates", type=int, default=12_000)
    parser.add_argument("--rate", type=float, default=0.03)
    parser.add_argument("--tilt", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    x = pictures()
    likelihood = Pixels(family="gaussian", mean="identity", variance="fixed")
    model = GatedImageMLP(x.shape[1], hidden=[], latents=LATENTS, likelihood=likelihood)
    model.initialise(torch_stream("weights", given.seed))
    epochs = given.updates * BATCH // EXAMPLES
    learner = Learner(
        model,
        LogUniform(low=LOW, high=HIGH, tilt=given.tilt),
        Adam(model.parameters(), given.rate, fused=True),
    )

    def slower(row: dict[str, float]) -> None:
        for group in learner.optimizer.param_groups:
            share = math.cos(math.pi * row["epoch"] / epochs)
            group["initial_lr"] = given.rate * (1 + share) / 2

    streams = Streams(torch_stream("batches", given.seed), torch_stream("noise", given.seed))
    started = time.process_time()
    train(learner, x, Budget(epochs, BATCH), streams, slower)
    seconds = time.process_time() - started
    model.eval()
    constant, found = len(VARIANCES) / 2 * math.log(2 * math.pi), []
    print("| β | D + βR | closed form | excess |\n|---:|---:|---:|---:|")
    for beta in np.geomspace(LOW, HIGH, 20):
        with model.turned(torch.tensor(beta)):
            parts = elbo(model, x, torch_stream("z"), samples=10)
        value = (parts["distortion"] + beta * parts["rate"]).mean().item() - constant
        found.append(value / least(beta) - 1)
        print(f"| {beta:.3g} | {value:.4f} | {least(beta):.4f} | {100 * found[-1]:+.2f} % |")
    higher = max(np.array(found)[np.geomspace(LOW, HIGH, 20) >= FROM])
    print(
        f"\nmean {np.mean(found):.2%}, worst {max(found):.2%}, from β = {FROM} on {higher:.2%}; "
        f"{epochs * EXAMPLES // BATCH} updates, {seconds:.0f} CPU seconds"
    )


if __name__ == "__main__":
    main()
