"""pythae's VAE on static binarised MNIST: the independent implementation of docs/validation.md.

Needs pythae in an environment of its own, where vaebench need not be:

    python -m venv pythae && pythae/bin/pip install pythae==0.1.2
    pythae/bin/python benchmarks/independent_vae.py DATA OUT --epochs 200

DATA holds ``binarized_mnist_{train,valid,test}.amat``. pythae's model, loss, trainer, selection and
likelihood estimator are used as they are; the only code of this file is the network of the recipe,
784-400-40-400-784 with ReLU (pythae's default has 512 units). OUT gets ``result.json`` and
``weights.npz`` with the parameters by pythae's names.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import pythae.models
import torch
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder
from pythae.trainers import BaseTrainer, BaseTrainerConfig
from pythae.trainers.training_callbacks import TrainingCallback
from torch import Tensor, nn
from torch.utils.data import BatchSampler, DataLoader, Dataset, RandomSampler

PIXELS, HIDDEN, LATENTS, BATCH = 784, 400, 40, 100


class Encoder(BaseEncoder):
    """784-400-(40, 40)."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = nn.Linear(PIXELS, HIDDEN)
        self.mean, self.log_variance = nn.Linear(HIDDEN, LATENTS), nn.Linear(HIDDEN, LATENTS)

    def forward(self, x: Tensor) -> ModelOutput:
        """Mean and log variance of q(z|x)."""
        hidden = torch.relu(self.hidden(x))
        return ModelOutput(embedding=self.mean(hidden), log_covariance=self.log_variance(hidden))


class Decoder(BaseDecoder):
    """40-400-784 with a sigmoid."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.pixels = nn.Linear(LATENTS, HIDDEN), nn.Linear(HIDDEN, PIXELS)

    def forward(self, z: Tensor) -> ModelOutput:
        """The probability of every pixel."""
        return ModelOutput(reconstruction=torch.sigmoid(self.pixels(torch.relu(self.hidden(z)))))


class Batches(Dataset):
    """Whole batches by a list of row numbers: the collation of single rows costs as much again."""

    def __init__(self, x: Tensor) -> None:
        self.x = x

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, chosen: list[int]) -> ModelOutput:
        return ModelOutput(data=self.x[chosen])


class Curve(TrainingCallback):
    """Keeps the losses of every epoch."""

    def __init__(self) -> None:
        self.rows: list[dict[str, float]] = []

    def on_log(self, training_config: object, logs: dict[str, float], **_: object) -> None:  # noqa: ARG002
        """Called by the trainer after each epoch."""
        self.rows.append(dict(logs))
        print(len(self.rows), logs, flush=True)


class Trainer(BaseTrainer):
    """pythae's trainer with batches of 100 in random order."""

    def get_train_dataloader(self, train_dataset: Dataset) -> DataLoader:
        """Rows gathered a batch at a time."""
        sampler = BatchSampler(RandomSampler(range(len(train_dataset))), BATCH, drop_last=False)
        return DataLoader(train_dataset, sampler=sampler, batch_size=None)

    get_eval_dataloader = get_train_dataloader


def main() -> None:
    """Train, select on validation, estimate the likelihood, write the results."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--epochs", type=int, default=200)
    parser.add_argument("--learning-rate", type=float, default=1e-4)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--test-images", type=int, default=1_000)
    given = parser.parse_args()
    torch.set_num_threads(1)
    train, valid, test = (
        torch.from_numpy(np.loadtxt(given.data / f"binarized_mnist_{part}.amat", dtype=np.float32))
        for part in ("train", "valid", "test")
    )
    torch.manual_seed(given.seed)
    config = pythae.models.VAEConfig(
        input_dim=(PIXELS,), latent_dim=LATENTS, reconstruction_loss="bce"
    )
    model = pythae.models.VAE(config, encoder=Encoder(), decoder=Decoder())
    curve = Curve()
    started = time.perf_counter()
    trainer = Trainer(
        model=model,
        train_dataset=Batches(train),
        eval_dataset=Batches(valid),
        training_config=BaseTrainerConfig(
            output_dir=str(given.out),
            per_device_train_batch_size=BATCH,
            per_device_eval_batch_size=BATCH,
            num_epochs=given.epochs,
            learning_rate=given.learning_rate,
            seed=given.seed,
            no_cuda=True,
            scheduler_cls="MultiStepLR",
            scheduler_params={"milestones": [200, 350, 500, 750, 1000], "gamma": 10 ** (-1 / 5)},
        ),
        callbacks=[curve],
    )
    trainer.train()
    best = trainer._best_model.eval()  # noqa: SLF001 (the trainer's own selection)
    seconds = time.perf_counter() - started
    with torch.no_grad():
        log_likelihood = best.get_nll(test[: given.test_images], n_samples=200, batch_size=100)
    given.out.mkdir(parents=True, exist_ok=True)
    np.savez(given.out / "weights.npz", **{k: v.numpy() for k, v in best.state_dict().items()})
    result = {
        "pythae": "0.1.2",
        "epochs": given.epochs,
        "learning_rate": given.learning_rate,
        "seed": given.seed,
        "seconds": seconds,
        "selected": int(np.argmin([row["eval_epoch_loss"] for row in curve.rows])) + 1,
        "log_likelihood": float(log_likelihood),
        "test_images": given.test_images,
        "samples": 200,
        "curve": curve.rows,
    }
    (given.out / "result.json").write_text(json.dumps(result), encoding="utf-8")
    print(f"log p(x) on {given.test_images} test images: {log_likelihood:.2f}")


if __name__ == "__main__":
    main()
