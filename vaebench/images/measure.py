"""What AEVB does with a trained VAE of pictures, measured: one cell in, numbers and arrays out.

Kingma & Welling 2013 (arXiv:1312.6114), §2.2 names the uses: recognition, denoising,
representation, visualisation. Nothing here trains the VAE or selects on the test part.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import scipy.stats
import torch
from safetensors.torch import load_file
from torch import Tensor

from vaebench.components import create
from vaebench.distributions import DiagonalGaussian
from vaebench.errors import DataError
from vaebench.files import read_json, whole, write_json
from vaebench.images.options import ImageStudy
from vaebench.likelihoods import PixelLikelihood
from vaebench.metrics.annealed import annealed
from vaebench.metrics.bound import elbo
from vaebench.metrics.importance import UNRELIABLE, importance
from vaebench.models import VAE
from vaebench.seal import check, sealed
from vaebench.seeds import numpy_stream, torch_stream
from vaebench.sparse import Batch, Labelled
from vaebench.training.data import Data
from vaebench.training.dynamic import DynamicPictures


@dataclass(frozen=True)
class Trained:
    """The selected model of a finished cell and the pictures of its split, on the CPU.

    All parts are of one kind: where training pictures are grey and drawn anew at each use, this is
    one draw of them, the same for all models and strategies of a data set.
    """

    model: VAE
    names: tuple[object, ...]
    parts: dict[str, Tensor]
    labels: dict[str, np.ndarray]
    card: dict[str, Any]

    def examples(self, part: str, count: int | None = None) -> Batch:
        """A part or its first ``count`` pictures, with classes for a model that looks at them."""
        pictures = self.parts[part][:count]
        if self.model.classes is None:
            return pictures
        return Labelled(pictures, torch.from_numpy(self.labels[part][:count]))

    def means(self, part: str) -> Tensor:
        """μ of every picture of a part, (N, Z)."""
        examples = self.examples(part)
        parts = torch.arange(len(examples)).split(1_000)
        return torch.cat([self.model.encode(examples[rows]).mean for rows in parts])

    def pictures(self, z: Tensor, x: Batch | None = None) -> PixelLikelihood:
        """p(x|z) of z (B, Z); of a conditional model p(x|z, c) with the condition c of ``x``."""
        given = None if x is None else self.model.given(x)
        return cast("PixelLikelihood", self.model.likelihood_of(z, given))

    @property
    def conditional(self) -> bool:
        """Whether the model is one of pictures given something."""
        return self.model.given(self.examples("test", 1)) is not None

    @property
    def draws(self) -> bool:
        """Whether there is one prior that codes are drawn to, and so pictures to draw from it."""
        return self.model.is_penalised() and not self.conditional


def load(cell: Path, data: Path) -> Trained:
    """The files of a cell and of its split.

    Raises:
        DataError: a file is missing or damaged, or the weights do not fit the model.
    """
    check(cell, sealed(cell / "status.json"), ("config.json", "best.safetensors"))
    spec, card = read_json(cell / "config.json"), read_json(data / "card.json")
    split = Data(data, torch.device("cpu"))
    try:
        arrays = {
            name: np.load(split.path(f"{name}.npy"), allow_pickle=False)
            for part in ("train", "validation", "test")
            for name in (part, f"{part}_labels")
            if name == part or (data / f"{name}.npy").exists()
        }
        parts = {part: torch.from_numpy(arrays[part]) for part in ("train", "validation", "test")}
        if card.get("dynamic"):
            parts["train"] = DynamicPictures(parts["train"]).fixed("fitted to", spec["dataset"])
        component = {key: value for key, value in spec["model"].items() if key != "name"}
        model: VAE = create("vaebench.models", component, parts["train"].shape[1])
        model.load_state_dict(load_file(cell / "best.safetensors"))
    except (OSError, ValueError, RuntimeError) as error:
        raise DataError(f"cannot read {cell}: {' '.join(str(error).split())}") from error
    labels = {part: arrays[f"{part}_labels"] for part in parts if f"{part}_labels" in arrays}
    names = (spec["dataset"], spec["model"]["name"], spec["seed"])
    return Trained(model.eval(), names, parts, labels, card)


def measure(cell: Path, data: Path, out: Path, options: ImageStudy) -> None:
    """Write ``metrics.json`` and ``values.npz`` of a cell into ``out``; empty if it diverged."""
    metrics: dict[str, Any] = {}
    arrays: dict[str, np.ndarray] = {}
    if read_json(cell / "status.json")["status"] == "done":
        trained = load(cell, data)
        metrics["latents"] = trained.model.latents
        with torch.no_grad():
            for name in options.figures:
                if name in MEASURES:
                    numbers, pictures = MEASURES[name](trained, options)
                    metrics |= numbers
                    arrays |= pictures
    write_json(out / "metrics.json", metrics)
    with whole(out / "values.npz") as path, path.open("wb") as file:
        np.savez(file, shape=np.array(shape_of(cell, data)), **arrays)  # type: ignore[arg-type]


def shape_of(cell: Path, data: Path) -> tuple[int, int]:
    """Height and width of the pictures; of unknown ones, the rectangle nearest to a square.

    Raises:
        DataError: the split is no split of pictures.
    """
    card = read_json(data / "card.json")
    if card["kind"] != "images":
        raise DataError(f"{cell}: figures of pictures are wanted of {card['kind']}")
    if card.get("shape"):
        return tuple(card["shape"])
    pixels = card["counts"]["pixels"]
    height = next(h for h in range(int(pixels**0.5), 0, -1) if pixels % h == 0)
    return height, pixels // height


TRAVERSED = 6
"""So many latents are traversed."""

Found = tuple[dict[str, Any], dict[str, np.ndarray]]


def likelihood(trained: Trained, options: ImageStudy) -> Found:
    """ELBO, L_K with its diagnostics, and AIS on a subset with L_K of the same pictures."""
    model, test = trained.model, trained.examples("test")
    if not model.has_bound:
        return {}, {}
    noise = torch_stream("importance", *trained.names)
    found = importance(model, test, noise, samples=options.importance_samples)
    bound = elbo(model, test, torch_stream("test", *trained.names), samples=10)["elbo"]
    metrics = {
        "elbo": bound.mean().item(),
        "log_likelihood": found["log_likelihood"].mean().item(),
        "importance_samples": options.importance_samples,
        "ess": found["ess"].median().item(),
        "unreliable": (found["pareto_k"] > UNRELIABLE).double().mean().item(),
    }
    subset = options.annealed_images
    if subset and model.continuous:
        second = annealed(
            model,
            trained.examples("test", subset),
            torch_stream("annealed", *trained.names),
            temperatures=options.annealed_temperatures,
        )
        metrics["annealed"] = second["log_likelihood_ais"].mean().item()
        metrics["annealed_images"] = min(subset, len(test))
        metrics["log_likelihood_of_these"] = found["log_likelihood"][:subset].mean().item()
    return metrics, {"log_likelihood": found["log_likelihood"].numpy(), "elbo": bound.numpy()}


def reconstructions(trained: Trained, options: ImageStudy) -> Found:
    """The first test pictures and the decoder's means at their μ."""
    x = trained.examples("test", options.pictures)
    found = trained.pictures(trained.model.encode(x).mean, x).mean
    originals = trained.parts["test"][: options.pictures]
    return {}, {"originals": originals.numpy(), "reconstructions": found.numpy()}


def samples(trained: Trained, options: ImageStudy) -> Found:
    """Pictures x ~ p(x|z) at z ~ p(z), and the means of p(x|z); one noise for all strategies.

    A model of pictures given their class draws one of each class in turn.
    """
    model, noise = trained.model, torch_stream("prior samples", *trained.names)
    if model.classes is not None:
        rows = torch.arange(options.pictures)
        like = trained.parts["test"][rows % len(trained.parts["test"])]
        asked = Labelled(like, rows % model.classes)
        found = trained.pictures(model.prior_of(model.given(asked)).sample(noise), asked)
    elif trained.draws:
        found = trained.pictures(model.prior().sample(noise, options.pictures))
    else:
        return {}, {}
    drawn = found.sample(torch_stream("drawn pictures", *trained.names))
    return {}, {"samples": drawn.numpy(), "sample_means": found.mean.numpy()}


def manifold(trained: Trained, options: ImageStudy) -> Found:
    """Means on a grid of equal prior probability, for two latents (AEVB, figure 4)."""
    if trained.model.latents != 2 or not trained.draws:  # noqa: PLR2004
        return {}, {}
    side, prior = 2 * options.pictures, trained.model.prior()
    if not isinstance(prior, DiagonalGaussian):
        return {}, {}  # whose quantiles nobody knows
    axis = torch.from_numpy(scipy.stats.norm.ppf((np.arange(side) + 0.5) / side)).float()
    grid = torch.cartesian_prod(axis.flip(0), axis).flip(1)
    z = prior.mean + torch.exp(0.5 * prior.log_variance) * grid
    return {}, {"manifold": trained.pictures(z).mean.numpy()}


def interpolation(trained: Trained, options: ImageStudy) -> Found:
    """Means on the line between the μ of two test pictures, of two classes where there are any."""
    if trained.conditional or not trained.model.continuous:
        return {}, {}  # between two conditions or two codes there is none
    test, other = trained.parts["test"], 1
    if "test" in trained.labels:
        other = int(np.argmax(trained.labels["test"] != trained.labels["test"][0]))
    ends = trained.model.encode(test[[0, other]]).mean
    share = torch.linspace(0, 1, options.pictures)[:, None]
    found = trained.pictures((1 - share) * ends[:1] + share * ends[1:]).mean
    return {}, {"interpolation": found.numpy()}


def traversals(trained: Trained, options: ImageStudy) -> Found:
    """Means where one latent goes from −2 to 2 and the others stay at the μ of a test picture.

    A row a latent, those whose μ vary most first, at most ``TRAVERSED``.
    """
    if trained.conditional or not trained.model.continuous:
        return {}, {}
    means = trained.means("test")
    latents = means.var(0).argsort(descending=True, stable=True)[:TRAVERSED]
    z = means[:1].repeat(len(latents) * options.pictures, 1)
    z[torch.arange(len(z)), latents.repeat_interleave(options.pictures)] = torch.linspace(
        -2, 2, options.pictures
    ).repeat(len(latents))
    return {}, {"traversals": trained.pictures(z).mean.numpy(), "traversed": latents.numpy()}


def latent_map(trained: Trained, options: ImageStudy) -> Found:
    """The μ of up to 1,000 test pictures in a plane."""
    means = trained.means("test")[:1_000].numpy()
    if options.map == "tsne":
        from sklearn.manifold import TSNE  # noqa: PLC0415 (a second, for this call only)

        plane = TSNE(random_state=0, init="pca").fit_transform(means)
    elif means.shape[1] == 2:  # noqa: PLR2004 (a plane already)
        plane = means
    else:
        centred = means - means.mean(0)
        plane = centred @ np.linalg.svd(centred, full_matrices=False)[2][:2].T
    found = {"latent_map": plane}
    if "test" in trained.labels:
        found["latent_labels"] = trained.labels["test"][:1_000]
    return {}, found


def pca(trained: Trained, options: ImageStudy) -> Found:  # noqa: ARG001
    """Mean squared error per pixel of test pictures from Z numbers: the VAE at μ, and PCA."""
    test, latents = trained.parts["test"], trained.model.latents
    examples, parts = trained.examples("test"), torch.arange(len(test)).split(1_000)
    codes = zip(trained.means("test").split(1_000), parts, strict=True)
    decoded = torch.cat([trained.pictures(z, examples[rows]).mean for z, rows in codes])
    train = trained.parts["train"].double()
    centre = train.mean(0)
    directions = torch.linalg.eigh((train - centre).T @ (train - centre)).eigenvectors
    kept = directions[:, -latents:]
    linear = centre + (test.double() - centre) @ kept @ kept.T
    return {
        "squared_error": ((test - decoded) ** 2).mean().item(),
        "squared_error_pca": ((test - linear) ** 2).mean().item(),
    }, {}


def anomaly(trained: Trained, options: ImageStudy) -> Found:  # noqa: ARG001
    """AUROC of −ELBO for the test pictures of the class that training never saw."""
    held_out, model = trained.card.get("held_out_class"), trained.model
    if held_out is None or "test" not in trained.labels or not model.has_bound:
        return {}, {}
    if model.classes is not None:
        return {}, {}  # it is told the class that is to be found
    noise = torch_stream("anomaly", *trained.names)
    score = -elbo(model, trained.parts["test"], noise, samples=10)["elbo"].numpy()
    strange = trained.labels["test"] == held_out
    return {"auroc": auroc(score, strange), "held_out_class": held_out}, {}


def auroc(score: np.ndarray, positive: np.ndarray) -> float:
    """The chance that a positive example scores above another one, ties counting half.

    Mann & Whitney's U over the number of pairs, from ranks.
    """
    ranks, count = scipy.stats.rankdata(score), int(positive.sum())
    pairs = count * (len(score) - count)
    return float((ranks[positive].sum() - count * (count + 1) / 2) / pairs)


def probe(trained: Trained, options: ImageStudy) -> Found:
    """Test accuracy of logistic regression from few labels: on μ, and on the pixels.

    Mean over five draws of the labelled pictures, which are the same for every strategy. A class
    held out of training is left out here too. None of a model that looks at the class to encode.
    """
    if "test" not in trained.labels or trained.model.classes is not None:
        return {}, {}
    kept = trained.labels["test"] != trained.card.get("held_out_class")
    truth = trained.labels["test"][kept]
    features = {
        "latents": (trained.means("train").numpy(), trained.means("test").numpy()[kept]),
        "pixels": (trained.parts["train"].numpy(), trained.parts["test"].numpy()[kept]),
    }
    accuracy = {
        name: {
            str(count): accuracy_from(train, test, trained.labels["train"], truth, count)
            for count in options.labels
        }
        for name, (train, test) in features.items()
    }
    return {"probe": accuracy["latents"], "probe_pixels": accuracy["pixels"]}, {}


def accuracy_from(
    train: np.ndarray, test: np.ndarray, labels: np.ndarray, truth: np.ndarray, count: int
) -> float:
    """Accuracy on ``test`` with ``count`` labels per class, mean over five draws."""
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 (a second)
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415

    accuracies = []
    for draw in range(5):
        random = numpy_stream("probe", count, draw)
        chosen = np.concatenate(
            [random.permutation(np.flatnonzero(labels == one))[:count] for one in np.unique(labels)]
        )
        classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2_000))
        classifier.fit(train[chosen], labels[chosen])
        accuracies.append(classifier.score(test, truth))
    return float(np.mean(accuracies))


MEASURES = {
    "likelihood": likelihood,
    "reconstructions": reconstructions,
    "samples": samples,
    "manifold": manifold,
    "interpolation": interpolation,
    "traversals": traversals,
    "latent_map": latent_map,
    "pca": pca,
    "anomaly": anomaly,
    "probe": probe,
}
"""Figure → what it needs of a cell: numbers and arrays. ``bound`` is drawn from the traces."""
