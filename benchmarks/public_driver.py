"""One implementation of Mult-VAE behind a pipe; run by the interpreter that has it installed.

    python public_driver.py {ours,recbole,recpack} FOLDER

``FOLDER/train.npz`` is the training matrix and ``FOLDER/settings.json`` what all have in common.
Each line on stdin asks for one epoch of training, and ``[wall seconds, CPU seconds]`` answers it.
The libraries are called as they are installed: their model, their data path, their loop over
batches; their validation is left out.
"""

# ruff: noqa: PLC0415, SLF001 (each library is in one environment only; the epoch of a fit is private)

import json
import logging
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse
import torch

Epoch = Callable[[], object]


def ours(matrix: scipy.sparse.csr_matrix, given: dict[str, Any], _: Path) -> Epoch:
    """The project's loop."""
    from vaebench.machine.memory import keep_freed_blocks
    from vaebench.models.mult_vae import MultVAE
    from vaebench.seeds import torch_stream
    from vaebench.sparse import SparseRows
    from vaebench.strategies.constant import Constant
    from vaebench.training.adam import Adam
    from vaebench.training.loop import Budget, Learner, Streams, train

    keep_freed_blocks()
    model = MultVAE(matrix.shape[1], hidden=given["hidden"], latents=given["latents"])
    model.initialise(torch_stream("weights"))
    model.narrow(bfloat16=given["precision"] == "bfloat16")
    optimizer = Adam(model.parameters(), given["learning_rate"], fused=True)
    learner = Learner(model, Constant(beta=given["beta"]), optimizer)
    x, budget = SparseRows.from_scipy(matrix), Budget(1, given["batch_size"])
    streams = Streams(torch_stream("order"), torch_stream("noise"))
    return lambda: train(learner, x, budget, streams, lambda _: None)


def recpack(matrix: scipy.sparse.csr_matrix, given: dict[str, Any], _: Path) -> Epoch:
    """RecPack's MultVAE: the epoch that its ``fit`` repeats."""
    from recpack.algorithms import MultVAE

    algorithm = MultVAE(
        batch_size=given["batch_size"],
        learning_rate=given["learning_rate"],
        dim_bottleneck_layer=given["latents"],
        dim_hidden_layer=given["hidden"],
        max_beta=given["beta"],
        anneal_steps=1,
        dropout=0.5,
        seed=0,
    )
    algorithm._init_model(matrix)
    algorithm.model_.train()
    return lambda: algorithm._train_epoch(matrix)


def recbole(matrix: scipy.sparse.csr_matrix, given: dict[str, Any], folder: Path) -> Epoch:
    """RecBole's MultiVAE: the epoch that its trainer repeats, on its own data loader."""
    from recbole.config import Config
    from recbole.data import create_dataset, data_preparation
    from recbole.utils import get_model, get_trainer

    home = folder / "ratings"
    home.mkdir(exist_ok=True)
    entries = matrix.tocoo()
    header, rows = (
        "user_id:token\titem_id:token\n",
        list(zip(entries.row, entries.col, strict=True)),
    )
    for part, chosen in (("train", rows), ("valid", rows[:1]), ("test", rows[:1])):
        lines = "".join(f"u{user}\ti{item}\n" for user, item in chosen)
        (home / f"ratings.{part}.inter").write_text(header + lines, encoding="utf-8")
    sys.argv = sys.argv[:1]  # RecBole reads the command line
    config = Config(
        model="MultiVAE",
        dataset="ratings",
        config_dict={
            "data_path": str(folder),
            "benchmark_filename": ["train", "valid", "test"],
            "load_col": {"inter": ["user_id", "item_id"]},
            "train_neg_sample_args": None,
            "mlp_hidden_size": [given["hidden"]],
            "latent_dimension": 2 * given["latents"],
            "dropout_prob": 0.5,
            "anneal_cap": given["beta"],
            "total_anneal_steps": 0,
            "train_batch_size": given["batch_size"],
            "learning_rate": given["learning_rate"],
            "use_gpu": False,
            "checkpoint_dir": str(folder / "saved"),
            "show_progress": False,
            "state": "ERROR",
        },
    )
    dataset = create_dataset(config)
    loader, _, _ = data_preparation(config, dataset)
    model = get_model(config["model"])(config, loader.dataset)
    trainer = get_trainer(config["MODEL_TYPE"], config["model"])(config, model)
    numbers = iter(range(10**9))
    return lambda: trainer._train_epoch(loader, next(numbers))


def main() -> None:
    """Serve epochs until stdin ends."""
    name, folder = sys.argv[1], Path(sys.argv[2])
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no answer
    logging.disable()
    given = json.loads((folder / "settings.json").read_text(encoding="utf-8"))
    torch.set_num_threads(given["threads"])
    np.random.seed(0)  # noqa: NPY002 (the libraries draw from it)
    matrix = scipy.sparse.csr_matrix(scipy.sparse.load_npz(folder / "train.npz"))
    epoch = {"ours": ours, "recbole": recbole, "recpack": recpack}[name](matrix, given, folder)
    for _ in sys.stdin:
        wall, cpu = time.perf_counter(), time.process_time()
        epoch()
        taken = [time.perf_counter() - wall, time.process_time() - cpu]
        print(json.dumps(taken), file=answers, flush=True)


if __name__ == "__main__":
    main()
