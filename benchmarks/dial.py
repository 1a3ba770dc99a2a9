"""One training for all β against a training for each: rate, distortion, labels, users, cost.

    VAEBENCH_RAW=FOLDER python benchmarks/dial.py last-fm ml-1m --seeds 5 --out dial.json
    python benchmarks/dial.py --page dial.json        # the tables of docs/dial.md again

For each data set and seed, Mult-VAE is trained at each β alone and GatedMultVAE once; all have the
same split, network, updates, learning rate and batches of their seed, and keep their last weights.
Per data set three tables, means over seeds and the range where there are several:

- the curve: D of the one training where its rate is that of the separate one, relative to D there;
- the labels: which mark of the dial has the rate of a separate training at β;
- the users: best β by activity, and the dial g·(n/n̄)^p against the best constant dial, both chosen
  on validation users; and, in training, γ·n^p against constant β, each the best of its grid on
  validation users.

A finished training is kept in the folder --cells and not repeated. Seconds are CPU seconds of the
process, which other processes on the machine lengthen little.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vaebench.cells import vae
from vaebench.cells.built import build, features, streams_of
from vaebench.cells.curve import curve
from vaebench.cells.metrics import Found
from vaebench.cells.test import measured
from vaebench.cells.tested import built
from vaebench.statistics.dial import best_by_activity, turned_by_activity
from vaebench.study.keys import SHIPPED
from vaebench.study.plan import Plan
from vaebench.training.data import Data

SPLIT = {"min_items_per_user": 5, "min_users_per_item": 10}
SETS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "last-fm": (
        "lastfm-hetrec2011/user_artists.dat",
        {"class": "lastfm.LastFM", "split": {**SPLIT, "validation_users": 300, "test_users": 300}},
        {"batch_size": 100, "epochs": 60},
    ),
    "ml-1m": (
        "ml-1m/ratings.csv",
        {
            "class": "movielens.MovieLens",
            "release": "ml-1m",
            "split": {**SPLIT, "validation_users": 750, "test_users": 750},
        },
        {"batch_size": 250, "epochs": 60},
    ),
}
"""Data set → its file below VAEBENCH_RAW, its component, its training."""

BETAS = (0.02, 0.08, 0.25, 0.6, 1.2, 2.5, 4.0)
"""β of the separate trainings."""

LOW, HIGH = 0.01, 8.0
"""The dial's range: somewhat wider, so that all their rates are on the curve."""

POINTS = 25
SAMPLES = 5
EXPONENTS = (0.0, 0.5, 1.0, 2.0)
GAMMAS = (0.08, 0.25, 0.6, 1.2)
"""The mean β of the separate trainings with weights by activity."""


def strategies(mean: float) -> dict[str, dict[str, Any]]:
    """Name → strategy: the separate ones, weights by activity, and the one that draws β."""
    found: dict[str, dict[str, Any]] = {
        f"constant-{beta:g}": {"class": "constant.Constant", "beta": beta} for beta in BETAS
    }
    for beta in GAMMAS:
        scaled = {"class": "user_scaled.UserScaled", "gamma": beta / mean}
        found[f"scaled-{beta:g}"] = scaled
    return found | {"dial": {"class": "log_uniform.LogUniform", "low": LOW, "high": HIGH}}


def trained(
    name: str, strategy: str, about: dict[str, Any], seed: int, data: Path, training: dict[str, Any]
) -> dict[str, Any]:
    """Values of the last weights on validation and test users: metric → (U,), or (K, U)."""
    gated = strategy == "dial"
    model = "gated_mult_vae.GatedMultVAE" if gated else "mult_vae.MultVAE"
    plan = Plan(
        {
            "name": "dial",
            "seeds": [seed],
            "control": strategy,
            "training": {"learning_rate": 2e-3, "device": "cpu", "compute_threads": 1, **training},
            "datasets": {name: SETS[name][1]},
            "models": {"mult-vae": {"class": model}},
            "strategies": {strategy: about},
            "grid": [{"dataset": name, "model": "mult-vae", "strategies": [strategy]}],
        }
    )
    (cell,) = plan.cells.values()
    prepared = vae.prepare(vae.resolve(cell.spec), data)
    started = time.process_time()
    found = vae.fit(prepared)
    seconds = time.process_time() - started
    result: dict[str, Any] = {"seconds": seconds, "status": found.status}
    opened, names = Data(data, torch.device("cpu")), streams_of(prepared.spec)["noise"]
    fitted = build(prepared.spec["model"], features(prepared.examples), ("read",))
    fitted.load_state_dict(found.last)
    fitted.eval()
    for part in ("validation", "test"):
        users = opened.held_out(part)
        if gated:
            result[part] = curve(fitted, users, marks(), SHIPPED, names, SAMPLES)
        else:
            each: Found = measured(fitted, users, built(SHIPPED), names, SAMPLES, None)
            result[part] = each.examples
        result[f"{part}_shown"] = users.fold_in.counts.numpy() if users.fold_in else None
        result[f"{part}_all"] = users.examples.counts.numpy()  # type: ignore[union-attr]
    return result


def marks() -> list[float]:
    """β of the dial's curve."""
    return [float(beta) for beta in np.geomspace(LOW, HIGH, POINTS)]


def kept(path: Path, make: Any) -> dict[str, Any]:  # noqa: ANN401 (a function)
    """What ``make`` found, once."""
    if not path.exists():
        found = make()
        path.parent.mkdir(parents=True, exist_ok=True)
        flat = {
            f"{key} {metric}".strip(): values
            for key, inner in found.items()
            for metric, values in (inner if isinstance(inner, dict) else {"": inner}).items()
        }
        with path.open("wb") as file:
            np.savez(file, **flat)
    result: dict[str, Any] = {}
    with np.load(path, allow_pickle=False) as flat:
        for name, values in flat.items():
            key, _, metric = name.partition(" ")
            if metric:
                result.setdefault(key, {})[metric] = values
            else:
                result[key] = values
    return result


def run(name: str, seed: int, cells: Path, epochs: int | None, *, scaled: bool) -> dict[str, Any]:
    """All comparisons of a data set and seed."""
    raw, component, training = SETS[name]
    training = training | ({"epochs": epochs} if epochs else {})
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        file = Path(os.environ["VAEBENCH_RAW"]) / raw
        plan = Plan(_only_data(name, component))
        plan.dataset(name).write_split(file, data, {})
        mean = float(Data(data, torch.device("cpu")).train().counts.mean())  # type: ignore[union-attr]
        found = {}
        for strategy, about in strategies(mean).items():
            if strategy.startswith("scaled") and not scaled:
                continue
            path = cells / name / f"{strategy}-{training['epochs']}-{seed}.npz"
            found[strategy] = kept(
                path, partial(trained, name, strategy, about, seed, data, training)
            )
            print(f"{name} {strategy} seed {seed}: {found[strategy]['seconds']:.0f} s", flush=True)
    return compared(found)


def _only_data(name: str, component: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": "dial",
        "seeds": 1,
        "control": "one",
        "datasets": {name: component},
        "models": {"mult-vae": {"class": "mult_vae.MultVAE"}},
        "strategies": {"one": {"class": "constant.Constant"}},
        "grid": [{"dataset": name, "model": "mult-vae", "strategies": ["one"]}],
    }


def compared(found: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The three tables of one data set and seed, as plain data."""
    dial, log = found["dial"], np.log(marks())
    test = {metric: values.mean(1) for metric, values in _without_nan(dial["test"]).items()}
    falling = np.argsort(test["rate"])
    rows = []
    for beta in BETAS:
        alone = {m: float(np.nanmean(v)) for m, v in found[f"constant-{beta:g}"]["test"].items()}
        rates = test["rate"][falling]
        distortion = float(np.interp(alone["rate"], rates, test["distortion"][falling]))
        at = {m: float(np.interp(np.log(beta), log, v)) for m, v in test.items()}
        objective = alone["distortion"] + beta * alone["rate"]
        rows.append(
            {
                "beta": beta,
                "rate": alone["rate"],
                "distortion": alone["distortion"],
                "dial_distortion": distortion,
                "gap": distortion / alone["distortion"] - 1,
                "mark": float(np.exp(np.interp(alone["rate"], rates, log[falling]))),
                "objective_gap": (at["distortion"] + beta * at["rate"]) / objective - 1,
                "ndcg": alone["ndcg@100"],
                "dial_ndcg": at["ndcg@100"],
                "seconds": found[f"constant-{beta:g}"]["seconds"],
            }
        )
    return {
        "curve": rows,
        "seconds": dial["seconds"],
        "cost": dial["seconds"] / float(np.median([row["seconds"] for row in rows])),
        "users": users(found),
        "best": {
            metric: best_by_activity(dial["test"][metric], marks(), dial["test_all"]).to_dict(
                "list"
            )
            for metric in ("ndcg@100", "elbo")
        },
    }


def _without_nan(values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {metric: each[:, ~np.isnan(each).any(0)] for metric, each in values.items()}


def users(found: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """NDCG@100 on test users of what validation users chose: dials, and weights in training."""
    dial = found["dial"]
    result: dict[str, Any] = {}
    for label, exponents in (("constant dial", (0.0,)), ("dial by activity", EXPONENTS)):
        chosen = turned_by_activity(
            dial["validation"]["ndcg@100"], marks(), dial["validation_shown"], exponents
        )
        place = np.log(chosen.at) + chosen.exponent * np.log(
            np.maximum(dial["test_shown"], 1) / chosen.typical
        )
        values = dial["test"]["ndcg@100"]
        each = [np.interp(x, np.log(marks()), v) for x, v in zip(place, values.T, strict=True)]
        result[label] = {"at": chosen.at, "exponent": chosen.exponent, "each": each}
    for label, start in (
        ("constant in training", "constant"),
        ("by activity in training", "scaled"),
    ):
        some = [n for n in found if n.startswith(start)]
        if some:
            best = max(some, key=lambda n: np.nanmean(found[n]["validation"]["ndcg@100"]))
            each = list(found[best]["test"]["ndcg@100"])
            result[label] = {"at": float(best.rpartition("-")[2]), "each": each}
    summary = {
        label: {k: v for k, v in about.items() if k != "each"}
        | {"ndcg": float(np.nanmean(about["each"]))}
        for label, about in result.items()
    }
    for better, than in (
        ("dial by activity", "constant dial"),
        ("by activity in training", "constant in training"),
    ):
        if better in result:
            moved = np.array(result[better]["each"]) - np.array(result[than]["each"])
            moved = moved[~np.isnan(moved)]
            summary[better] |= {
                "gain": float(moved.mean()),
                "error": float(moved.std(ddof=1) / len(moved) ** 0.5),
            }
    return summary


def page(results: dict[str, list[dict[str, Any]]]) -> Iterator[str]:
    """The tables in Markdown."""
    for name, seeds in results.items():
        cost = _spread([each["cost"] for each in seeds], ".2f")
        yield f"**{name}**, {len(seeds)} seed{'s' * (len(seeds) > 1)}; cost: {cost} times one β."
        yield from ("", *_curve(seeds), "", *_best(seeds), "", *_users(seeds), "")


def _curve(seeds: list[dict[str, Any]]) -> Iterator[str]:
    yield "| β alone | rate | D alone | D of the dial | gap | mark | NDCG alone | at this mark |"
    yield "|---:|---:|---:|---:|---:|---:|---:|---:|"
    for number, beta in enumerate(BETAS):
        mean = {
            key: np.mean([each["curve"][number][key] for each in seeds])
            for key in seeds[0]["curve"][number]
        }
        gap = _spread([100 * each["curve"][number]["gap"] for each in seeds], "+.2f")
        yield (
            f"| {beta:g} | {mean['rate']:.2f} | {mean['distortion']:.1f} | "
            f"{mean['dial_distortion']:.1f} | {gap} % | {mean['mark']:.2g} | "
            f"{mean['ndcg']:.4f} | {mean['dial_ndcg']:.4f} |"
        )


def _best(seeds: list[dict[str, Any]]) -> Iterator[str]:
    yield "| users of … interactions | best β by NDCG@100 | by ELBO |"
    yield "|---|---|---|"
    first = seeds[0]["best"]["elbo"]
    for group in range(len(first["beta"])):
        cells = []
        for metric in ("ndcg@100", "elbo"):
            tables = [each["best"][metric] for each in seeds]
            found = [[table[key][group] for key in ("beta", "low", "high")] for table in tables]
            cells.append("; ".join("{:.2g} [{:.2g}, {:.2g}]".format(*each) for each in found))
        yield f"| {first['fewest'][group]:g}–{first['most'][group]:g} | {' | '.join(cells)} |"


def _users(seeds: list[dict[str, Any]]) -> Iterator[str]:
    yield "| chosen on validation users | β (mean) | p | NDCG@100 | gain ± s.e. over users |"
    yield "|---|---|---|---|---|"
    for label in seeds[0]["users"]:
        each = [seed["users"][label] for seed in seeds]
        columns = [
            "; ".join(form.format(**one) for one in each if key in one)
            for key, form in (
                ("at", "{at:.2g}"),
                ("exponent", "{exponent:g}"),
                ("ndcg", "{ndcg:.4f}"),
                ("gain", "{gain:+.4f} ± {error:.4f}"),
            )
        ]
        yield f"| {label} | {' | '.join(columns)} |"


def _spread(values: Sequence[float], form: str) -> str:
    mean = f"{np.mean(values):{form}}"
    low, high = (f"{end(values):{form}}" for end in (min, max))
    return mean if len(values) == 1 else f"{mean} ({low} … {high})"


def main() -> None:
    """Train what is missing, compare, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sets", nargs="*", help=f"data sets: {', '.join(SETS)}")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--epochs", type=int, help="of each training; by default 60")
    parser.add_argument("--no-scaled", action="store_true", help="no weights by activity")
    parser.add_argument("--cells", type=Path, default=Path("dial-cells"))
    parser.add_argument("--out", type=Path, help="all numbers as JSON")
    parser.add_argument("--page", type=Path, help="print the tables of such a file, train nothing")
    given = parser.parse_args()
    if given.page:
        results = json.loads(given.page.read_text())
    else:
        results = {
            name: [
                run(name, seed, given.cells, given.epochs, scaled=not given.no_scaled)
                for seed in range(given.seeds)
            ]
            for name in given.sets
        }
    if given.out:
        given.out.write_text(json.dumps(results, indent=1, default=float))
    print("\n".join(page(results)))


if __name__ == "__main__":
    main()
