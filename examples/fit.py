"""Train one VAE on a table of interactions, then recommend, save and load it."""

import numpy as np
import pandas as pd

import vaebench

users, items = np.nonzero(np.random.default_rng(0).random((300, 110)) < np.linspace(0.02, 0.4, 110))
ratings = pd.DataFrame({"user": users, "item": items})
fitted = vaebench.fit(
    ratings,
    strategy={"class": "cyclical.Cyclical", "cap": 0.5},
    model={"class": "mult_vae.MultVAE", "hidden": 32, "latents": 8},
    training={"epochs": 4, "batch_size": 50},
)
print(fitted.score())  # NDCG@100, recall and the parts of the ELBO, means over the test users
print(fitted.elbo().describe())  # nats, a test user each
print(fitted.recommend(ratings[ratings["user"] < 2], k=3))
fitted.plot().savefig("beta.png")
fitted.save("mine.safetensors")
print(vaebench.load("mine.safetensors").config["strategy"])
