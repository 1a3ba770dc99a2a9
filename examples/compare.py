"""Two strategies on three seeds, which share data, initial weights and batches.

A look, not a finding: intervals and corrected tests are what a study is for (`vaebench run`).
"""

import numpy as np
import pandas as pd

import vaebench

random = np.random.default_rng(1)
taste, kind = random.integers(0, 4, 300), random.integers(0, 4, 110)
chance = np.where(taste[:, None] == kind, 0.4, 0.05)
users, items = np.nonzero(random.random(chance.shape) < chance)
ratings = pd.DataFrame({"user": users, "item": items})

rows = [
    {"beta": beta, "seed": seed}
    | vaebench.fit(
        ratings,
        strategy={"class": "constant.Constant", "beta": beta},
        model={"class": "mult_vae.MultVAE", "hidden": 16, "latents": 4},
        training={"epochs": 3, "batch_size": 50, "learning_rate": 0.01},
        seed=seed,
    ).score()
    for beta in (1.0, 0.2)
    for seed in range(3)
]
print(pd.DataFrame(rows).groupby("beta")[["ndcg@100", "elbo", "rate"]].mean())
