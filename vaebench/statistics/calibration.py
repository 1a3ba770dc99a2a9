"""Are the tests what they claim to be? Simulated studies, analysed by the code of real ones.

    python -m vaebench.statistics.calibration [--studies 2000]

A study is drawn from

    y_kus = δ_k + a_u + c_ku + b_ks + e_kus

with users a (shared by all strategies), each strategy's own users c, seeds b (correlated between
strategies: they share weights and batches) and the rest e. Every test that this package offers is
put to it: how often does it reject where there is nothing (type I error), how often does it find
what is there (power), how often does its interval cover the truth? Families of many strategies are
in :mod:`vaebench.statistics.familywise`.
"""

import argparse
import itertools
import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import scipy.stats

from vaebench.statistics import across
from vaebench.statistics.bootstrap import expanded, two_way
from vaebench.statistics.contrasts import contrast
from vaebench.statistics.familywise import Squares
from vaebench.statistics.layout import Layout, Student, mean_squares
from vaebench.statistics.multiplicity import step_down
from vaebench.statistics.power import Components, power

ALPHA = 0.05
CONFIDENCE = 1 - ALPHA
RESAMPLES = 500
"""Of the bootstrap, for speed; studies use more."""


@dataclass(frozen=True)
class World:
    """Where studies are drawn from; standard deviations in units of the metric.

    The defaults are of the size measured on Mult-VAE (differences of NDCG@100 between strategies).

    Attributes:
        name: in the table.
        users: U.
        seeds: S.
        user: of a_u, shared by all strategies: it cancels in differences.
        own: of c_ku, a strategy's true advantage for a user.
        seed: of b_ks.
        correlation: of b between strategies.
        rest: of e_kus.
        heavy: c and e from Student's t with 3 degrees of freedom instead of a normal.
    """

    name: str
    users: int = 500
    seeds: int = 5
    user: float = 0.211
    own: float = 0.03
    seed: float = 0.003
    correlation: float = 0.0
    rest: float = 0.06
    heavy: bool = False

    def draw(self, random: np.random.Generator, effects: Sequence[float]) -> list[np.ndarray]:
        """One study: (U, S) for each strategy, with true means ``effects``."""
        return [y for y, _, _ in self.draw_parts(random, effects)]

    def draw_parts(
        self, random: np.random.Generator, effects: Sequence[float]
    ) -> list[tuple[np.ndarray, float, float]]:
        """Likewise, with the mean of c over the users drawn and of b over the seeds drawn."""
        users = self.user * random.normal(size=(self.users, 1))
        common = math.sqrt(self.correlation) * random.normal(size=(1, self.seeds))
        found = []
        for effect in effects:
            alone = math.sqrt(1 - self.correlation) * random.normal(size=(1, self.seeds))
            own = self.own * self._noise(random, (self.users, 1))
            seed = self.seed * (common + alone)
            rest = self.rest * self._noise(random, (self.users, self.seeds))
            y = effect + users + own + seed + rest
            found.append((y, float(own.mean()), float(seed.mean())))
        return found

    def error(self) -> float:
        """The true standard error of a difference of two strategies' means."""
        seed = 2 * (1 - self.correlation) * self.seed**2 / self.seeds
        users = 2 * (self.own**2 + self.rest**2 / self.seeds) / self.users
        return math.sqrt(seed + users)

    def _noise(self, random: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
        if self.heavy:
            return random.standard_t(3, size=shape) / math.sqrt(3)  # variance 1
        return random.normal(size=shape)


WORLDS = (
    World("seeds and users vary"),
    World("seeds alone", own=0.0),
    World("users alone", own=0.06, seed=0.0),
    World("neither but noise", own=0.0, seed=0.0),
    World("many seeds' worth of variance", seed=0.01),
    World("paired seeds", correlation=0.7),
    World("3 seeds", seeds=3),
    World("10 seeds", seeds=10),
    World("heavy tails", heavy=True),
    World("100 users", users=100),
    World("5000 users, 3 seeds", users=5_000, seeds=3),
)


TESTS = {"verdict": "p", "crossed": "p_crossed", "seeds": "p_seeds", "users": "p_users"}
"""What a test is called here → its p in :func:`contrast`."""


def frame(y: np.ndarray) -> pd.DataFrame:
    """As the package takes it."""
    return pd.DataFrame(y)


def pairwise(world: World, studies: int, seed: int = 0) -> pd.Series:
    """Rates over ``studies`` of two strategies; each a share in [0, 1].

    ``… type I``: rejections at δ = 0 of the claim about new seeds and new users. ``seeds: own`` and
    ``users: own``: of the narrower claim that the test makes, about the drawn users or models.
    ``equivalence type I``: at δ = margin. ``… power``: at δ = 3 true standard errors (for
    equivalence at δ = 0 with a margin of 4). ``… coverage``: of the true difference, or mean.
    ``predicted power``: of :func:`vaebench.statistics.power.power` with the true components.
    """
    random = np.random.default_rng(seed)
    count: dict[str, int] = defaultdict(int)
    shift, margin = 3 * world.error(), 4 * world.error()
    for study in range(studies):
        (a, own_a, seed_a), (b, own_b, seed_b) = world.draw_parts(random, (0.0, 0.0))
        null = contrast(frame(a), frame(b), CONFIDENCE, margin)
        real = contrast(frame(a + shift), frame(b), CONFIDENCE, margin)
        edge = contrast(frame(a + margin), frame(b), CONFIDENCE, margin)
        for name, key in TESTS.items():
            count[f"{name} type I"] += null[key] < ALPHA  # type: ignore[operator]
            count[f"{name} power"] += real[key] < ALPHA  # type: ignore[operator]
        d = a - b
        by_seed, by_user = d.mean(0) - (own_a - own_b), d.mean(1) - (seed_a - seed_b)
        count["seeds: own"] += Student.of(by_seed).two_sided() < ALPHA
        count["users: own"] += Student.of(by_user).two_sided() < ALPHA
        count["equivalence type I"] += edge["p_equivalence"] < ALPHA  # type: ignore[operator]
        count["equivalence power"] += null["p_equivalence"] < ALPHA  # type: ignore[operator]
        count["P(A > B) type I"] += excludes(null, "superior", 0.5)
        count["P(A > B) power"] += excludes(real, "superior", 0.5)
        count["verdict coverage"] += not excludes(null, "difference", 0.0)
        low, high = expanded(two_way([d], RESAMPLES, study)[0], CONFIDENCE, Layout.of(d).freedom)
        count["bootstrap type I"] += not low <= 0 <= high
        count["bootstrap power"] += not low <= -shift <= high
        count["bootstrap coverage"] += low <= 0 <= high
        low, high = Layout.of(a).interval(CONFIDENCE)
        count["mean coverage"] += low <= 0 <= high
    rates = pd.Series(count, dtype=float) / studies
    parts = Components(
        0.0,
        2 * world.own**2,
        2 * (1 - world.correlation) * world.seed**2,
        2 * world.rest**2,
        world.users,
        world.seeds,
        1,
    )
    rates["predicted power"] = power(shift, np.array([world.seeds]), parts, ALPHA)[0]
    return rates


def single_rates(
    seeds: int, users: int, share: float, rest: float = 0.02, studies: int = 200_000, seed: int = 0
) -> tuple[float, float]:
    """Type I error of one contrast in many studies at once, drawn as their mean squares.

    With normal values the mean and the three mean squares are independent, the latter multiples of
    χ². The mean's variance is 1, of which ``rest`` is σ_e²/(U·S) and ``share`` of the others comes
    from seeds.

    Returns:
        Of the crossed test alone, and of verdicts.
    """
    random = np.random.default_rng(seed)
    example, by_seed = (1 - share) * (1 - rest) * users, share * (1 - rest) * seeds
    error = rest * users * seeds

    def mean_square(expected: float, freedom: int) -> np.ndarray:
        return expected * random.chisquare(freedom, studies) / freedom

    drawn = Squares(
        random.normal(size=studies),
        mean_square(seeds * example + error, users - 1),
        mean_square(users * by_seed + error, seeds - 1),
        mean_square(error, (users - 1) * (seeds - 1)),
        users,
        seeds,
    )
    crossed, both = (float((p < ALPHA).mean()) for p in drawn.p())
    return crossed, both


def excludes(found: dict[str, object], name: str, value: float) -> bool:
    """The interval ``name_low, name_high`` does not hold ``value``."""
    return not found[f"{name}_low"] <= value <= found[f"{name}_high"]  # type: ignore[operator]


def families(world: World, studies: int, strategies: int = 6, seed: int = 0) -> pd.Series:
    """Rates for several strategies at once; all studies are analysed together, as arrays.

    ``Holm, any``: any rejection against the control where no strategy differs. ``unadjusted, any``:
    what it avoids. ``†, any``: where no strategy differs, some are told from the observed best
    (Holm over the others). ``Holm, any false``, ``BH, false share`` and ``BH, found``: half of the
    strategies differ by 4 standard errors; false rejections, the mean share of false ones among all
    pairs found, and the share of true ones found.
    """
    random = np.random.default_rng(seed)
    effects = np.repeat([0.0, 4 * world.error()], [strategies - strategies // 2, strategies // 2])
    pairs = np.array(list(itertools.combinations(range(strategies), 2)))
    drawn: list[tuple[np.ndarray, ...]] = []
    winners = []
    for _ in range(studies):
        y = np.stack(world.draw(random, [0.0] * strategies))
        winners.append(y.mean((1, 2)).argmax())
        drawn.append(mean_squares(y[pairs[:, 1]] - y[pairs[:, 0]]))
    mean, *others = (np.stack(part) for part in zip(*drawn, strict=True))
    squares = Squares(mean, others[0], others[1], others[2], world.users, world.seeds)
    planned, true = pairs[:, 0] == 0, effects[pairs[:, 1]] - effects[pairs[:, 0]]
    null, p = squares.p()[1], squares.p(true)[1]
    differs = true[planned] != 0
    with_best = np.stack([null[i, (pairs == best).any(1)] for i, best in enumerate(winners)])
    rejected = step_down(p[:, planned]) < ALPHA
    found = scipy.stats.false_discovery_control(p, axis=1) < ALPHA
    return pd.Series(
        {
            "unadjusted, any": (null[:, planned] < ALPHA).any(1).mean(),
            "Holm, any": (step_down(null[:, planned]) < ALPHA).any(1).mean(),
            "†, any": (step_down(with_best) < ALPHA).any(1).mean(),
            "Holm, any false": rejected[:, ~differs].any(1).mean(),
            "Holm, found": rejected[:, differs].mean(),
            "BH, false share": (found[:, true == 0].sum(1) / np.maximum(1, found.sum(1))).mean(),
            "BH, found": found[:, true != 0].mean(),
        }
    )


def datasets(studies: int, count: int, strategies: int = 6, seed: int = 0) -> pd.Series:
    """Rates across ``count`` data sets of 5 seeds each, where no strategy differs on average.

    ``Friedman type I``, ``F type I``: of Friedman's χ² and of Iman and Davenport's F; ``Nemenyi,
    any``: any pair; ``… power``: one strategy is better by 1.5 standard deviations of its advantage
    on a data set; NaN where the package makes no such test; ``IQM coverage`` and ``improvement
    coverage``: of what infinitely many seeds on these data sets would give.
    """
    random = np.random.default_rng(seed)
    sums: dict[str, float] = defaultdict(float)
    names = [f"s{i}" for i in range(strategies)]
    seeds, spread, many = 5, 0.01, 2_000
    for _ in range(studies):
        truth = 0.01 * random.normal(size=(count, strategies))  # a data set's own taste
        runs = 1 + truth[:, :, None] + spread * random.normal(size=(count, strategies, seeds))
        scores = pd.DataFrame(runs.mean(2), columns=names)
        found = across.ranks(scores, ALPHA)
        better = across.ranks(scores.assign(s0=scores["s0"] + 0.015), ALPHA)
        for what, over in (("type I", found), ("power", better)):
            untested = math.nan if over.note else 0.0
            sums[f"Friedman {what}"] += untested + (over.p_friedman < ALPHA)
            sums[f"F {what}"] += untested + (over.p_iman < ALPHA)
        if found.note:
            sums["Nemenyi, any"] = math.nan
        else:
            upper = found.nemenyi.to_numpy()[np.triu_indices(strategies, 1)]
            sums["Nemenyi, any"] += upper.min() < ALPHA
        long = pd.DataFrame(
            [
                (f"d{d}", names[k], s, runs[d, k, s])
                for d in range(count)
                for k in (0, 1)
                for s in range(seeds)
            ],
            columns=["dataset", "strategy", "seed", "score"],
        )
        more = 1 + truth[:, :2, None] + spread * random.normal(size=(count, 2, many))
        iqm = across.aggregate(long, ["s1"], CONFIDENCE).iloc[0]
        expected = float(across.interquartile_mean(more[:, 1].ravel()))
        sums["IQM coverage"] += iqm["low"] <= expected <= iqm["high"]
        better_share = across.improvement(long, names[:2], "s0", CONFIDENCE).iloc[0]
        expected = float((more[:, 1] > more[:, 0]).mean())
        sums["improvement coverage"] += better_share["low"] <= expected <= better_share["high"]
    return pd.Series(sums) / studies


def report(studies: int, seed: int = 0) -> str:
    """All tables as Markdown."""
    rows = {world.name: pairwise(world, studies, seed) for world in WORLDS}
    found = pd.DataFrame(rows).T
    few = max(1, studies // 2)
    error = math.sqrt(ALPHA * (1 - ALPHA) / studies)
    parts = [
        (
            f"{studies} studies a row, seed {seed}; a true rate of .05 is seen as .05 ± "
            f"{2 * error:.3f} (two binomial standard errors).\n"
        )
    ]
    wrong = ["verdict", "crossed", "seeds", "users", "bootstrap", "P(A > B)", "equivalence"]
    narrow = ["seeds: own", "users: own"]
    parts.append("**Type I error** at α = .05\n")
    parts.append(grid(found[[f"{name} type I" for name in wrong] + narrow], "type I"))
    parts.append("**Power** at three standard errors (equivalence: margin of four)\n")
    parts.append(grid(found[[f"{name} power" for name in wrong] + ["predicted power"]], "power"))
    parts.append("**Coverage** of 95 % intervals\n")
    parts.append(
        grid(found[[f"{name} coverage" for name in ("verdict", "bootstrap", "mean")]], "coverage")
    )
    shares = (0.0, 0.1, 0.3, 0.5, 0.8, 1.0)
    many = max(1, 20 * studies)
    parts.append(
        f"**One contrast**, type I error of the crossed test alone / of verdicts, by the seeds' "
        f"share of the variance ({many} studies a cell, 500 users)\n"
    )
    singles = {
        f"{seeds} seeds": [single_rates(seeds, 500, share, studies=many) for share in shares]
        for seeds in (2, 3, 5, 10, 20)
    }
    columns = [f"{share:.0%}" for share in shares]
    parts.append(grid(pd.DataFrame(singles, index=columns).T, ""))
    parts.append(f"**Several strategies** ({few} studies)\n")
    chosen = (WORLDS[0], WORLDS[1], replace(WORLDS[0], name="3 seeds", seeds=3))
    parts.append(grid(pd.DataFrame({w.name: families(w, few, seed=seed) for w in chosen}).T, ""))
    parts.append(f"**Across data sets**, 6 strategies, 5 seeds ({few} studies)\n")
    counts = {f"{n} data sets": datasets(few, n, seed=seed) for n in (3, 5, 10)}
    parts.append(grid(pd.DataFrame(counts).T, ""))
    return "\n".join(parts)


def grid(rates: pd.DataFrame, remove: str) -> str:
    """A Markdown table of rates."""
    head = ["", *(column.replace(remove, "").strip() or column for column in rates)]
    lines = [
        [str(name), *map(shown, row)]
        for name, row in zip(rates.index, rates.to_numpy(), strict=True)
    ]
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "".join(f"| {' | '.join(line)} |\n" for line in (head, rule, *lines))


def shown(rate: float | tuple[float, ...]) -> str:
    """Three decimals, ``–`` for none; several with strokes between."""
    if isinstance(rate, tuple):
        return " / ".join(map(shown, rate))
    return "–" if math.isnan(rate) else f"{rate:.3f}".removeprefix("0")


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--studies", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)
    print(report(given.studies, given.seed))  # noqa: T201 (a command)


if __name__ == "__main__":
    main()
