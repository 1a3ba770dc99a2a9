"""Ours on static binarised MNIST, at the recipe of ``independent_vae.py``; see docs/validation.md.

    python benchmarks/binarized_mnist.py DATA OUT --epochs 20 --learning-rate 1e-3 [--other PYTHAE]

DATA holds ``binarized_mnist_{train,valid,test}.amat``; PYTHAE is the other script's OUT: its
weights, loaded into our model, must have the likelihood that pythae's own estimator gave them.
"""

import argparse
import json
import time
from pathlib import Path
from typing import get_args

import numpy as np
import torch
from torch import Tensor

from vaebench.datasets.binarized_mnist import BinarizedMNIST
from vaebench.metrics.bound import elbo
from vaebench.metrics.importance import importance
from vaebench.models.image_mlp import ImageMLP
from vaebench.models.layers import Initial
from vaebench.seeds import torch_stream
from vaebench.strategies.constant import Constant
from vaebench.training.loop import Budget, Learner, Streams, train

MILESTONES, GAMMA, BATCH = (200, 350, 500, 750, 1_000), 10 ** (-1 / 5), 100


def network(initial: Initial = "torch", seed: int = 0) -> ImageMLP:
    """784-400-40-400-784 with ReLU; ``torch`` is how pythae's weights start."""
    model = ImageMLP(784, hidden=[400], latents=40, initial=initial)
    model.initialise(torch_stream("weights", seed))
    return model


def independent(path: Path) -> ImageMLP:
    """The weights of pythae in our model."""
    theirs = {name: torch.from_numpy(value) for name, value in np.load(path).items()}
    model = network()
    for kind in ("weight", "bias"):
        heads = [theirs[f"encoder.{head}.{kind}"] for head in ("mean", "log_variance")]
        for ours, value in (
            ("encoder.0", theirs[f"encoder.hidden.{kind}"]),
            ("encoder.2", torch.cat(heads)),
            ("decoder.0", theirs[f"decoder.hidden.{kind}"]),
            ("decoder.2", theirs[f"decoder.pixels.{kind}"]),
        ):
            getattr(model.get_submodule(ours), kind).data.copy_(value)
    return model


def likelihood(model: ImageMLP, x: Tensor, samples: int) -> dict[str, float]:
    """L_K and its diagnostics over the pictures, and the ELBO."""
    found = importance(model, x, torch_stream("test"), samples=samples)
    bound = elbo(model, x, torch_stream("elbo"), samples=10)["elbo"]
    return {
        "samples": samples,
        "log_likelihood": found["log_likelihood"].mean().item(),
        "standard_error": found["log_likelihood"].std().item() / len(x) ** 0.5,
        "ess": found["ess"].median().item(),
        "unreliable": (found["pareto_k"] > 0.7).double().mean().item(),  # noqa: PLR2004
        "elbo": bound.mean().item(),
    }


def main() -> None:
    """Train, select on validation, estimate the likelihood, write the results."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--epochs", type=int, default=200)
    parser.add_argument("--learning-rate", type=float, default=1e-4)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--test-images", type=int, default=1_000)
    parser.add_argument("--other", type=Path)
    parser.add_argument("--initial", choices=get_args(Initial), default="torch")
    given = parser.parse_args()
    torch.set_num_threads(1)
    parts = BinarizedMNIST().read(given.data / "binarized_mnist_train.amat")
    x, valid, test = (torch.from_numpy(parts[part]) for part in ("train", "validation", "test"))
    test = test[: given.test_images]
    result: dict[str, object] = dict(vars(given)) | {"data": None, "out": None, "other": None}
    if given.other:
        result["independent"] = likelihood(independent(given.other / "weights.npz"), test, 200)
        print(result["independent"], flush=True)
    model = network(given.initial, given.seed)
    optimizer = torch.optim.Adam(model.parameters(), given.learning_rate, fused=True)
    curve: list[dict[str, float]] = []
    best: dict[str, Tensor] = {}

    def after_epoch(row: dict[str, float]) -> float:
        bound = elbo(model, valid, torch_stream("validation"))["elbo"].mean().item()
        if not curve or bound > max(earlier["validation"] for earlier in curve):
            best.update({name: value.clone() for name, value in model.state_dict().items()})
        curve.append({"train": row["elbo"], "validation": bound})
        print(len(curve), curve[-1], flush=True)
        reached = sum(len(curve) >= milestone for milestone in MILESTONES)
        for group in optimizer.param_groups:
            group["initial_lr"] = given.learning_rate * GAMMA**reached
        return bound

    started = time.perf_counter()
    train(
        Learner(model, Constant(beta=1.0), optimizer),
        x,
        Budget(given.epochs, BATCH),
        Streams(torch_stream("order", given.seed), torch_stream("noise", given.seed)),
        after_epoch,
    )
    result["seconds"] = time.perf_counter() - started
    model.load_state_dict(best)
    bounds = [row["validation"] for row in curve]
    result |= {"selected": int(np.argmax(bounds)) + 1, "curve": curve}
    result["ours"] = likelihood(model, test, 200)
    print(result["ours"])
    given.out.mkdir(parents=True, exist_ok=True)
    np.savez(given.out / "weights.npz", **{k: v.numpy() for k, v in best.items()})
    (given.out / "result.json").write_text(json.dumps(result), encoding="utf-8")


if __name__ == "__main__":
    main()
