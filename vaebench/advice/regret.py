"""What advice costs: each data set left out of the studies, advised from the others, and judged.

    python -m vaebench.advice.regret docs/results/records/* [--results DIR] [--minutes 10]

**Regret** of an advice on replicate r of a data set is y_r(s*) − y_r(advice), in the primary metric
on the test users, where s* is the strategy with the best mean over the *other* replicates: so the
best one has no bonus for having been picked by what judges it. Its mean over replicates is printed
with ± t_{R−1}·s/√R.

From records alone the advice is a constant β by the data's shape. It was not trained there, so its
score is taken from curves: y_r(constant) less what the other replicates' curves say it loses
against the β that replicate r chose (:attr:`vaebench.advice.studies.Study.losses`),
mean_{q ≠ r} [ℓ_q(β) − ℓ_q(β_r)]. With ``--results``, the folder in which the studies' own folders
lie, the advised strategy is trained in full on the study's own split, seed and settings, both for
advice by shape and for advice after trials within the budget.
"""

import argparse
import math
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from vaebench.advice.advised import advise
from vaebench.advice.bench import settings
from vaebench.advice.prior import CONFIDENCE, Expected, curve, expected
from vaebench.advice.studies import CONSTANT, Study, of_records
from vaebench.advice.trials import Clock, Trained, Trials
from vaebench.cells import test, vae
from vaebench.errors import ConfigError, DataError
from vaebench.files import write_text
from vaebench.records.schema import read
from vaebench.statistics.prediction import FEWEST, mean_half, standard_error
from vaebench.study.saved import Saved
from vaebench.tables.markdown import table as markdown
from vaebench.training.data import Data

SHAPE, EXACT, TRIALS = "shape", "shape, trained", "trials"
FIXED = ("published", "one")
"""Ways that need no advice, for comparison; and :data:`CONSTANT`, tuned in full."""

COLUMNS = ["dataset", "unit", "way", "advice", "mean", "error", "low", "high", "replicates"]


def best_elsewhere(study: Study, place: int) -> str:
    """The strategy with the best mean test score over all replicates but the one at ``place``.

    A strategy without a score in each replicate is none of them.
    """
    means = {
        name: float(np.mean(np.delete(study.scores[name], place)))
        for name in study.chosen
        if name in study.scores and np.isfinite(study.scores[name]).all()
    }
    return max(means, key=lambda name: means[name])


def regrets(study: Study, scores: Sequence[float]) -> np.ndarray:
    """y_r(s*) − ``scores``, a value a replicate."""
    best = [study.scores[best_elsewhere(study, p)][p] for p in range(len(study.replicates))]
    return np.asarray(best, float) - np.asarray(scores, float)


def by_curves(study: Study, beta: float) -> list[float]:
    """What a constant β would score in each replicate, from the other replicates' curves."""
    found = []
    for place, replicate in enumerate(study.replicates):
        others = [each for each in study.replicates if each != replicate]
        own = study.betas[place]
        loss = curve(study, np.log10([beta, own]), others)
        found.append(study.scores[CONSTANT][place] - float(loss[0] - loss[1]))
    return found


def without(studies: Sequence[Study], study: Study) -> Expected:
    """What the studies of other units lead to expect of this one; nothing if there are none."""
    return expected([each for each in studies if each.unit != study.unit], study.shape)


def row(study: Study, way: str, advice: str, scores: Sequence[float]) -> dict[str, Any]:
    """A row of the table: mean regret with its standard error and interval."""
    each = regrets(study, scores)
    each = each[np.isfinite(each)]
    error, count = standard_error(each), len(each)
    half = float(stdtrit(count - 1, (1 + CONFIDENCE) / 2)) * error if count > 1 else math.nan
    mean = float(each.mean()) if count else math.nan
    values = [study.name, study.unit, way, advice, mean, error, mean - half, mean + half, count]
    return dict(zip(COLUMNS, values, strict=True))


def from_records(studies: Sequence[Study]) -> pd.DataFrame:
    """The table without training: advice by shape, and ways that need none."""
    rows = []
    for study in studies:
        prior = without(studies, study)
        if prior.units:
            beta = float(f"{prior.beta:.3g}")
            rows.append(row(study, SHAPE, f"β {beta:g}", by_curves(study, beta)))
        known = [name for name in (CONSTANT, *FIXED) if name in study.scores]
        rows += [row(study, name, "", study.scores[name]) for name in known]
    return pd.DataFrame(rows, columns=COLUMNS)


def trained(studies: Sequence[Study], results: Mapping[str, Path], minutes: float) -> pd.DataFrame:
    """The rows of advice that is trained in full on the studies' own data.

    Args:
        studies: all that advise; those in ``results`` are judged.
        results: data set → the folder of its study.
        minutes: the budget of the trials of one replicate.
    """
    rows = []
    for study in (each for each in studies if each.name in results):
        prior = without(studies, study)
        place = _Place(study, results[study.name])
        if prior.units:
            beta = float(f"{prior.beta:.3g}")
            scores = [place.score(_constant(beta), replicate) for replicate in study.replicates]
            rows.append(row(study, EXACT, f"β {beta:g}", scores))
        advised, scores = [], []
        for replicate in study.replicates:
            chosen = place.after_trials(prior, replicate, minutes)
            advised.append(_words(chosen))
            scores.append(place.score(chosen, replicate))
        rows.append(row(study, TRIALS, "; ".join(dict.fromkeys(advised)), scores))
    return pd.DataFrame(rows, columns=COLUMNS)


class _Place:
    """The folder of a study of one data set, whose cells are trained again with other options."""

    def __init__(self, study: Study, folder: Path) -> None:
        self.study, self.plan = study, Saved(folder).plan
        self.folder = folder
        self.cells = {
            cell.seed: cell
            for cell in self.plan.cells.values()
            if cell.dataset == study.name
            and cell.strategy == CONSTANT
            and cell.replicate is not None
        }

    def _split(self, replicate: int) -> Path:
        return self.folder / "data" / self.study.name / f"replicate-{replicate}"

    def score(self, advised: Trained, replicate: int) -> float:
        """The test score of what is advised, trained as the study trains."""
        cell = self.cells[replicate]
        spec = cell.spec | {"strategy": {"name": "advised", **advised.strategy}}
        spec["training"] = spec["training"] | advised.training
        metrics = {self.study.metric: self.plan.study.all_metrics[self.study.metric]}
        with tempfile.TemporaryDirectory() as out:
            vae.run(spec, self._split(replicate), Path(out))
            found = test.run(Path(out), self._split(replicate), metrics, samples=1)
        return float(found["test"][self.study.metric])

    def after_trials(self, prior: Expected, replicate: int, minutes: float) -> Trained:
        """What is advised after trials on training and validation users; the test part is shut."""
        split = self._split(replicate)
        users = len(Data(split, vae.choose_device("cpu")).train())
        k = int(self.study.metric.removeprefix("ndcg@"))
        trials = Trials(split, settings(users), k, Clock(60 * minutes), judged=False)
        advice = advise(trials, prior, self.study.metric)
        if advice.chosen is None and not prior.units:
            raise DataError(
                f"{self.study.name}: no trial came to its end and no other unit is in the records; "
                "allowed: more --minutes"
            )
        return advice.chosen or _constant(float(f"{prior.beta:.3g}"))


def _constant(beta: float) -> Trained:
    return Trained(CONSTANT, {"class": "constant.Constant", "beta": beta})


def _words(advised: Trained) -> str:
    names = {"beta": "β", "gamma": "γ"}
    strategy, name = advised.strategy, advised.name
    options = ", ".join(f"{names.get(k, k)} {v:g}" for k, v in strategy.items() if k != "class")
    return options if name == CONSTANT else f"{name} {options}"


def over_units(table: pd.DataFrame) -> pd.DataFrame:
    """Each way's mean regret over units, with its standard error and interval."""
    rows = []
    for way, part in table.groupby("way", sort=False):
        each = part.groupby("unit", sort=False)["mean"].mean().to_numpy()
        spread = float(each.std(ddof=1)) if len(each) >= FEWEST else math.nan
        half = float(mean_half(spread, len(each), CONFIDENCE)) if len(each) >= FEWEST else math.nan
        mean = float(each.mean())
        rows.append([way, len(each), mean, standard_error(each), mean - half, mean + half])
    return pd.DataFrame(rows, columns=["way", "units", "mean", "error", "low", "high"])


def page(table: pd.DataFrame) -> str:
    """Both tables in Markdown; regret in the primary metric, 0 is the best strategy."""
    shown = table.assign(regret=[_interval(r) for r in table.itertuples()])
    names = ["dataset", "way", "advice", "regret", "replicates"]
    total = over_units(table)
    total["regret"] = [_interval(r) for r in total.itertuples()]
    first = markdown(names, shown[names].astype(str).to_numpy().tolist())
    second = markdown(
        ["way", "units", "regret"],
        total[["way", "units", "regret"]].astype(str).to_numpy().tolist(),
    )
    return f"{first}\n\n{second}\n"


def _interval(each: Any) -> str:  # noqa: ANN401 (a row of a frame)
    if not math.isfinite(each.error):
        return f"{each.mean:+.4f}"
    return f"{each.mean:+.4f} ± {each.error:.4f} [{each.low:+.4f}, {each.high:+.4f}]"


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables, and write them where asked."""
    parser = argparse.ArgumentParser(
        "python -m vaebench.advice.regret", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("records", nargs="+", type=Path, help="docs/results/records/*")
    parser.add_argument("--results", type=Path, help="where the studies' own folders lie")
    parser.add_argument("--minutes", type=float, default=10, help="of trials, a replicate")
    parser.add_argument("--out", type=Path, help="a file for the tables, in Markdown")
    given = parser.parse_args(arguments)
    records = [read(folder) for folder in given.records]
    studies = of_records(records)
    if not studies:
        raise ConfigError(
            "records: none has trials of a constant β on interactions; allowed: at least one"
        )
    table = from_records(studies)
    if given.results is not None:
        folders = {
            name: given.results / record.name
            for record in records
            for name in record.about["datasets"]
            if (given.results / record.name).is_dir()
        }
        table = pd.concat([table, trained(studies, folders, given.minutes)], ignore_index=True)
        table = table.sort_values("dataset", kind="stable", ignore_index=True)
    text = page(table)
    if given.out is not None:
        write_text(given.out, text)
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
