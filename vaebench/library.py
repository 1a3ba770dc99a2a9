"""One VAE on a table of interactions, in a notebook: the public functions of ``import vaebench``.

A fit is a cell of a study: the same checks of options, the same split, training, selection and
metrics, from the same random streams. What a study adds is the comparison.
"""

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import scipy.sparse
import torch

from vaebench import __version__
from vaebench.cells import vae
from vaebench.cells.built import build, streams_of
from vaebench.cells.curve import curve, dialled, trained
from vaebench.cells.metrics import logits
from vaebench.cells.test import measured
from vaebench.cells.tested import built
from vaebench.datasets import Interactions
from vaebench.datasets.protocol import Protocol, Ratings, Split
from vaebench.errors import ConfigError, DataError, Diverged, Interrupted
from vaebench.metrics.bound import elbo
from vaebench.models import VAE
from vaebench.seeds import torch_stream
from vaebench.sharing import model_file
from vaebench.sparse import Batch, SparseRows, counts
from vaebench.statistics.dial import best_by_activity, turned_by_activity
from vaebench.study.check import check
from vaebench.study.keys import SHIPPED
from vaebench.study.plan import Plan
from vaebench.training.data import Data, HeldOut

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DATASET = "ratings"
"""The name of a table's data set, which seeds the random streams."""

SAMPLES = 10
"""Of z per user, for the bound."""

HELD_OUT = 0.1
"""The share of users that validate, and the share that test, unless ``split`` says otherwise."""

SCORES = 2**25
"""Scores held at a time, 128 MiB: users times items."""

NEUTRAL = {"at": 1.0, "exponent": 0.0, "typical": 1.0}
"""The options of a dial where nothing is said."""

Component = str | Mapping[str, Any]
"""``file.Class``, or ``{"class": "file.Class", option: value, …}``, as in a configuration."""


class Table(Interactions):
    """The interactions of a data frame as a data set."""

    licence = "the user's own data: as their owner says"
    unit = ""
    cutoff = 1

    def __init__(self, *, split: Protocol = Protocol()) -> None:  # noqa: B008 (frozen)
        self.split = split
        self.ratings: Ratings | None = None
        self.found: Split | None = None

    def read(self, raw: Path) -> Ratings:  # noqa: ARG002 (there is no file)
        """The interactions that were given."""
        assert self.ratings is not None  # noqa: S101 (set before it is split)
        return self.ratings

    def parts(self, raw: Path | None) -> Split:
        """The split, kept for its ids."""
        self.found = super().parts(raw)
        return self.found


def fit(
    ratings: pd.DataFrame,
    *,
    strategy: Component = "constant.Constant",
    model: Component = "mult_vae.MultVAE",
    training: Mapping[str, Any] | None = None,
    split: Mapping[str, Any] | None = None,
    threshold: float | None = None,
    seed: int = 0,
) -> "Fitted":
    """Train one VAE on interactions and select the epoch with the best validation NDCG@100.

    Args:
        ratings: one row an interaction, with the columns ``user`` and ``item`` (whole numbers or
            texts); a user's rows of one item count once.
        strategy: of β: its class, or class and options as in a configuration.
        model: of interactions, likewise.
        training: settings of the section ``training`` of a configuration.
        split: options of strong generalisation; by default a tenth of the users validate and a
            tenth test.
        threshold: rows count whose column ``rating`` is at least this; by default all rows.
        seed: of initial weights, batches and noise.

    Returns:
        The trained model with the weights of the selected epoch.

    Raises:
        ConfigError: an option is unknown or impossible.
        DataError: the table lacks a column, or has too few users or items for the split.
        Diverged: training left the finite numbers.
    """
    given = _ratings(ratings, threshold)
    share = max(1, int(HELD_OUT * len(given.user_ids)))
    sizes = {"min_items_per_user": 0, "validation_users": share, "test_users": share}
    names = {"model": _specified("model", model), "strategy": _specified("strategy", strategy)}
    labels = {role: spec["class"].rpartition(".")[0] for role, spec in names.items()}
    plan = Plan(
        {
            "name": "fit",
            "seeds": [seed],
            "control": labels["strategy"],
            "training": dict(training or {}),
            "datasets": {
                DATASET: {"class": "vaebench.library.Table", "split": sizes | dict(split or {})}
            },
            "models": {labels["model"]: names["model"]},
            "strategies": {labels["strategy"]: names["strategy"]},
            "grid": [
                {
                    "dataset": DATASET,
                    "model": labels["model"],
                    "strategies": [labels["strategy"]],
                }
            ],
        }
    )
    check(plan)
    (cell,) = plan.cells.values()
    table = plan.dataset(DATASET)
    assert isinstance(table, Table)  # noqa: S101 (named above)
    table.ratings = given
    with tempfile.TemporaryDirectory() as folder:
        table.write_split(None, Path(folder), {})
        prepared = vae.prepare(vae.resolve(cell.spec), Path(folder))
        try:
            found = vae.fit(prepared)
        except Interrupted:
            raise KeyboardInterrupt from None
        data = Data(Path(folder), torch.device("cpu"))
        test, validation = data.held_out("test"), data.held_out("validation")
    if found.status != "done":
        raise Diverged(found.reason)
    best = prepared.learner.model.to("cpu")
    best.narrow(bfloat16=False)
    best.load_state_dict(found.best)
    best.eval()
    assert table.found is not None  # noqa: S101 (it was split)
    ids = table.found.ids
    return Fitted(
        best,
        prepared.spec,
        ids["items"],
        pd.DataFrame(found.trace),
        (test, ids["test_users"]),
        (validation, ids["validation_users"]),
    )


@dataclass(frozen=True)
class Fitted:
    """A trained VAE, with the weights of the selected epoch.

    Attributes:
        model: the VAE, in evaluation mode on the CPU.
        config: model, strategy, training and seed with every default filled in.
        items: (I,) the ids of the items that the model knows, in its order.
        trace: one row an epoch: distortion, rate, β as used, validation, seconds.
        test: the users that neither trained nor validated, and their ids; None after
            :func:`load`, since a file holds no data.
        validation: the users that selected the epoch, likewise.
    """

    model: VAE
    config: dict[str, Any]
    items: np.ndarray
    trace: pd.DataFrame
    test: tuple[HeldOut, np.ndarray] | None = None
    validation: tuple[HeldOut, np.ndarray] | None = None

    def elbo(self, ratings: pd.DataFrame | None = None) -> pd.Series:
        """−(D + R) at β = 1 of each user, in nats, from 10 samples of z.

        Args:
            ratings: rows of ``user`` and ``item``; by default those of the test users. Items that
                the model does not know are ignored.

        Raises:
            ConfigError: the model has no bound.
            DataError: no ratings, and there is no test user since the model was loaded.
        """
        if not self.model.has_bound:
            raise ConfigError("elbo: this model has no bound; allowed: score, recommend")
        if ratings is None:
            part, users = self._tested()
            rows = part.examples
        else:
            rows, users = self._rows(ratings)
        values = elbo(self.model, rows, self._noise(), samples=SAMPLES)["elbo"]
        return pd.Series(values.numpy(), pd.Index(users, name="user"), name="elbo")

    def score(
        self, known: pd.DataFrame | None = None, hidden: pd.DataFrame | None = None
    ) -> dict[str, float]:
        """The metrics that every study has, means over users: NDCG@100, Recall, ELBO and its parts.

        Args:
            known: rows of ``user`` and ``item`` that a ranking is made from.
            hidden: those that it should find; users without them have no NDCG and no Recall. By
                default both are the test users'.

        Raises:
            DataError: one of the two alone, or neither after :func:`load`.
        """
        if (known is None) != (hidden is None):
            raise DataError("score: known or hidden is missing; allowed: both, or neither")
        if known is None or hidden is None:
            part = self._tested()[0]
        else:
            part = self._part(known, hidden)[0]
        names = streams_of(self.config)["noise"]
        found = measured(self.model, part, built(SHIPPED), names, SAMPLES, None)
        return {name: float(np.nanmean(values)) for name, values in found.examples.items()}

    def recommend(self, ratings: pd.DataFrame, k: int = 10) -> pd.DataFrame:
        """The best ``k`` items of each user that are not among the user's rows, best first.

        Args:
            ratings: rows of ``user`` and ``item``; the users may be new to the model.
            k: at least 1.

        Returns:
            Columns ``user``, ``rank`` (from 1), ``item`` and ``score`` (the model's logit).

        Raises:
            DataError: k < 1, or a column is missing.
        """
        if k < 1:
            raise DataError(f"k: {k} is not allowed; it should be at least 1")
        rows, users = self._rows(ratings)
        return pd.concat(recommended(self, rows, users, k), ignore_index=True)

    def stream(self, tables: Iterable[pd.DataFrame], k: int = 10) -> Iterator[pd.DataFrame]:
        """Recommendations table by table, in the memory that the largest one needs.

        ``vaebench recommend`` reads files of any size in this way.

        Args:
            tables: as ``ratings`` of :meth:`recommend`; each has all rows of its users.
            k: at least 1.

        Raises:
            DataError: as of :meth:`recommend`.
        """
        for ratings in tables:
            yield self.recommend(ratings, k)

    def at(self, beta: float, exponent: float = 0.0, typical: float = 1.0) -> "Fitted":
        """The same weights with the dial at β_i = beta · (n_i / typical)^exponent.

        Scores, recommendations and the file of the result are at this dial. n_i are the
        interactions that the model is shown; no β leaves the range of training.

        Raises:
            ConfigError: the model is not told β, or an option is impossible.
            ArgumentError: ``beta`` is outside of the range of training.
        """
        dialled(self.model)
        options = {"at": float(beta)}
        if exponent:
            options |= {"exponent": float(exponent), "typical": float(typical)}
        options = {**NEUTRAL, **options}
        trained(self.model, [beta])
        config = self.config | {"model": self.config["model"] | options}
        checked = build(config["model"], 1, ("read",))  # of one item: its options are allowed
        model = copy(self.model)
        for name in options:
            setattr(model, name, getattr(checked, name))
        return replace(self, model=model, config=config)

    def beta_curve(
        self,
        betas: Sequence[float] | None = None,
        *,
        known: pd.DataFrame | None = None,
        hidden: pd.DataFrame | None = None,
        each: bool = False,
    ) -> pd.DataFrame:
        """The metrics of :meth:`score` along the dial: rate and distortion are its frontier.

        The marks of the dial are not the β of separate trainings: see docs/dial.md.

        Args:
            betas: where to measure; by default 13 over the range of training.
            known: see :meth:`score`.
            hidden: see :meth:`score`.
            each: one row for each β and user, with ``user`` and ``interactions``, instead of means.

        Returns:
            A row a β, ascending: ``beta`` and the metrics.

        Raises:
            ConfigError: the model is not told β.
            ArgumentError: a β outside of the range of training.
            DataError: as of :meth:`score`.
        """
        part, users = self._tested() if known is None else self._part(known, hidden)
        where, found = self._curve(part, betas)
        if not each:
            means = {name: np.nanmean(values, 1) for name, values in found.items()}
            return pd.DataFrame({"beta": where} | means)
        sizes = _sizes(part.examples)
        rows = {name: values.ravel() for name, values in found.items()}
        shared = {"user": np.tile(users, len(where)), "interactions": np.tile(sizes, len(where))}
        return pd.DataFrame({"beta": np.repeat(where, len(users))} | shared | rows)

    def best_beta(self, metric: str = "ndcg@100", groups: int = 5) -> pd.DataFrame:
        """The best β of the test users by their activity, read off one training.

        By ``elbo`` it is about 1 for everybody, as the ELBO is the loss at β = 1.

        Args:
            metric: one of :meth:`score` of which more is better.
            groups: of users, cut at quantiles of their interactions.

        Returns:
            See :func:`vaebench.statistics.dial.best_by_activity`: 95 % intervals over users.

        Raises:
            ConfigError: the model is not told β, or there is no such metric.
            DataError: the model was loaded, and has no test users.
        """
        part = self._tested()[0]
        where, found = self._curve(part, None)
        return best_by_activity(_rising(found, metric), where, _sizes(part.examples), groups=groups)

    def turned_by_activity(
        self, metric: str = "ndcg@100", exponents: Sequence[float] = (0.0, 0.5, 1.0, 2.0)
    ) -> "Fitted":
        """The dial β_i = g·(n_i/n̄)^p that is best for the validation users; n̄ is their mean.

        It turns the dial of a trained model at test time. That is another thing than weights by
        activity in training (``user_scaled.UserScaled``); one says nothing about the other.

        Args:
            metric: of :meth:`score`, of which more is better.
            exponents: p to choose from; ``(0,)`` is the best constant dial.

        Returns:
            :meth:`at` that dial.

        Raises:
            ConfigError: the model is not told β, or there is no such metric.
            DataError: the model was loaded, and has no validation users.
        """
        if self.validation is None:
            raise DataError("a loaded model has no validation users; allowed: at(beta)")
        part = self.validation[0]
        where, found = self._curve(part, None)
        shown = part.examples if metric == "elbo" or part.fold_in is None else part.fold_in
        dial = turned_by_activity(_rising(found, metric), where, _sizes(shown), exponents)
        return self.at(dial.at, dial.exponent, dial.typical)

    def plot(self) -> "Figure":
        """β(t) as it was used, over the updates; the band holds 90 % of its values."""
        from vaebench.plots.beta import beta  # noqa: PLC0415 (matplotlib, for those who draw)

        return beta(self.trace)

    def save(self, path: str | Path) -> None:
        """Write weights, configuration, item ids and trace into one safetensors file.

        Raises:
            DataError: the file cannot be written.
        """
        about = {
            "version": __version__,
            "config": self.config,
            "items": self.items.tolist(),
            "trace": self.trace.to_dict("list"),
        }
        model_file.write(Path(path), self.model, about)

    def _tested(self) -> tuple[HeldOut, np.ndarray]:
        if self.test is None:
            raise DataError("a loaded model has no test users; allowed: giving ratings")
        return self.test

    def _curve(
        self, part: HeldOut, betas: Sequence[float] | None
    ) -> tuple[list[float], dict[str, np.ndarray]]:
        where = sorted(trained(self.model, betas))
        names = streams_of(self.config)["noise"]
        return where, curve(self.model, part, where, SHIPPED, names, SAMPLES)

    def _part(self, known: pd.DataFrame, hidden: pd.DataFrame | None) -> tuple[HeldOut, np.ndarray]:
        if hidden is None:
            raise DataError("known without hidden; allowed: both, or neither")
        users = np.unique(_column(pd.concat([known, hidden]), "user"))
        seen, held_out = (self._matrix(frame, users) for frame in (known, hidden))
        matrices = ((seen + held_out).tocsr(), seen, held_out)
        return HeldOut(*(SparseRows.from_scipy(m) for m in matrices)), users

    def _noise(self) -> torch.Generator:
        return torch_stream("test", *streams_of(self.config)["noise"])

    def _rows(self, ratings: pd.DataFrame) -> tuple[SparseRows, np.ndarray]:
        users = np.unique(_column(ratings, "user"))
        return SparseRows.from_scipy(self._matrix(ratings, users)), users

    def _matrix(self, ratings: pd.DataFrame, users: np.ndarray) -> scipy.sparse.csr_matrix:
        """(U, I) ones; rows of ``users``, columns of the items that the model knows."""
        row = pd.Index(users).get_indexer(pd.Index(_column(ratings, "user")))
        column = pd.Index(self.items).get_indexer(pd.Index(_column(ratings, "item")))
        pairs = np.unique(np.stack([row, column])[:, column >= 0], axis=1)
        shape = (len(users), len(self.items))
        return scipy.sparse.csr_matrix((np.ones(pairs.shape[1], np.float32), pairs), shape)


def recommended(
    fitted: Fitted, rows: SparseRows, users: np.ndarray, k: int
) -> Iterator[pd.DataFrame]:
    """See :meth:`Fitted.recommend`; so many users at a time that their scores are bounded.

    Args:
        fitted: the model.
        rows: (U, I) what is known of the users.
        users: (U,) their ids.
        k: at least 1.
    """
    for some in torch.arange(len(rows)).split(max(1, SCORES // len(fitted.items))):
        batch = rows[some]
        scores = logits(fitted.model)(batch)
        scores[batch.rows, batch.indices] = -torch.inf
        best, chosen = torch.topk(scores, min(k, scores.shape[1]))
        width = best.shape[1]
        frame = pd.DataFrame(
            {
                "user": np.repeat(users[some.numpy()], width),
                "rank": np.tile(np.arange(1, width + 1), len(some)),
                "item": fitted.items[chosen.flatten().numpy()],
                "score": best.flatten().numpy(),
            }
        )
        yield frame[np.isfinite(frame["score"])].reset_index(drop=True)


def load(path: str | Path, *, trust: bool = False) -> Fitted:
    """A model that :meth:`Fitted.save` wrote. Nothing in the file is executed.

    Args:
        path: the file.
        trust: import a model class that is not vaebench's, from your own Python path.

    Raises:
        DataError: no such file, or not one of ours.
        ConfigError: the model's class is not vaebench's, and ``trust`` is not given.
    """
    model, about = model_file.read(Path(path), trust=trust)
    try:
        items, trace = _ids(about["items"]), pd.DataFrame(about["trace"])
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"cannot load {path}: items or trace are damaged; allowed: a file that save() wrote"
        ) from error
    return Fitted(model, about["config"], items, trace)


def _sizes(examples: Batch) -> np.ndarray:
    """n_u of users, (U,)."""
    sizes = counts(examples)
    assert sizes is not None  # noqa: S101 (interactions)
    return sizes.double().numpy()


def _rising(found: Mapping[str, np.ndarray], metric: str) -> np.ndarray:
    """The values of a metric of which more is better.

    Raises:
        ConfigError: there is no such metric.
    """
    better = [name for name, m in built(SHIPPED).items() if m.better == "higher" and name in found]
    if metric not in better:
        raise ConfigError(f"metric: {metric!r} is not allowed; allowed: {', '.join(better)}")
    return found[metric]


def _specified(role: str, component: Component) -> dict[str, Any]:
    """``{"class": path, **options}``."""
    spec = {"class": component} if isinstance(component, str) else dict(component)
    if not isinstance(spec.get("class"), str) or "." not in spec["class"]:
        raise ConfigError(f"{role}.class: missing; allowed: file.Class")
    return spec


def _column(ratings: pd.DataFrame, name: str) -> np.ndarray:
    """The ids in a column.

    Raises:
        DataError: there is no such column, or it holds other things than numbers and texts.
    """
    if name not in getattr(ratings, "columns", ()):
        raise DataError(f"ratings: there is no column {name!r}; allowed: a data frame with one")
    values = ratings[name]
    if isinstance(values.dtype, np.dtype) and values.dtype.kind == "i":
        return values.to_numpy(np.int64)
    return _ids(values.tolist(), name)


def _ids(values: list[Any], name: str = "item") -> np.ndarray:
    """Ids as int64, or as texts.

    Raises:
        DataError: other things, or both.
    """
    kinds = {type(value) for value in values}
    if kinds <= {int}:
        return np.array(values, np.int64)
    if kinds <= {str}:
        return np.array(values, object)
    said = ", ".join(sorted(kind.__name__ for kind in kinds))
    raise DataError(f"ratings: column {name!r} holds {said}; allowed: whole numbers, or texts")


def _ratings(ratings: pd.DataFrame, threshold: float | None) -> Ratings:
    """The interactions that count, in the order of their first rows."""
    columns = {name: _column(ratings, name) for name in ("user", "item")}
    frame = pd.DataFrame(columns)
    if threshold is not None:
        if "rating" not in ratings.columns:
            raise DataError("ratings: there is no column 'rating'; allowed: no threshold, or one")
        frame = frame[(ratings["rating"] >= threshold).to_numpy()]
    frame = frame.drop_duplicates()
    users, user_ids = pd.factorize(frame["user"].to_numpy(), sort=True)
    items, item_ids = pd.factorize(frame["item"].to_numpy(), sort=True)
    return Ratings(users, items, np.asarray(user_ids), np.asarray(item_ids))
