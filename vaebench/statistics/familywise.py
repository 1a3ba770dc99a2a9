"""Many strategies at once: is the chance of any false verdict what α says it is?

    python -m vaebench.statistics.familywise [--studies 10000]

Correction reads the tail of a test: Holm over K contrasts needs P(p < α/K) ≤ α/K. So this is
measured for the families that studies have: 24 contrasts to one control; 3, 5 or 10 seeds; 750 or
10,000 users; little or much residual variance; seeds that vary alike or not alike in all
strategies. A study is never drawn user by user: with normal values the mean and the mean squares of
all contrasts have a known joint distribution (:meth:`Design.draw`), from which thousands of studies
are drawn in a second.
"""

import argparse
import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr

from vaebench.statistics.layout import mean_squares, satterthwaite, two_sided
from vaebench.statistics.multiplicity import step_down

ALPHA = 0.05
SHIFT = 4
"""Standard errors by which half of the strategies are better, to see what is found."""


@dataclass(frozen=True)
class Squares:
    """Studies' contrasts in numbers, each (studies, K): see :func:`mean_squares`."""

    mean: np.ndarray
    ms_example: np.ndarray
    ms_seed: np.ndarray
    ms_error: np.ndarray
    examples: int
    seeds: int

    def claims(self) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray | int]]:
        """Standard error and degrees of freedom, crossed and over seeds."""
        squares = (self.ms_example, self.ms_seed, self.ms_error)
        variance, freedom = satterthwaite(*squares, self.examples, self.seeds)
        by_seed = np.sqrt(self.ms_seed / (self.examples * self.seeds))
        return (np.sqrt(variance), freedom), (by_seed, self.seeds - 1)

    def p(self, shift: np.ndarray | float = 0.0) -> tuple[np.ndarray, np.ndarray]:
        """The p of the crossed test alone, and that of verdicts: the larger of it and the seeds'.

        Args:
            shift: true differences, where none was drawn.
        """
        crossed, seeds = (two_sided(self.mean + shift, *claim) for claim in self.claims())
        return crossed, np.fmax(crossed, seeds)

    def p_equivalence(self) -> np.ndarray:
        """The p of equivalence where every difference lies on the margin, the other one far off."""
        return np.fmax(*(stdtr(freedom, self.mean / error) for error, freedom in self.claims()))


@dataclass(frozen=True)
class Design:
    """A study's size and where its variance comes from, in units of the metric.

    The defaults are of the size of NDCG@100 of Mult-VAE.

    Attributes:
        contrasts: K, strategies against one control.
        seeds: S.
        users: U.
        share: of the mean's variance that is σ_e²/(U·S), the residual's part.
        equal: the same seed variance in all strategies; otherwise their standard deviations climb
            from a third of the control's to three times it.
        own: σ_c, of a strategy's true advantage for a user.
        seed: σ_b, of a seed's effect.
    """

    contrasts: int = 24
    seeds: int = 5
    users: int = 750
    share: float = 0.02
    equal: bool = True
    own: float = 0.03
    seed: float = 0.002

    @property
    def seed_deviations(self) -> np.ndarray:
        """(K + 1,) standard deviations of b, the control's first."""
        climb = np.geomspace(1 / 3, 3, self.contrasts)
        return self.seed * np.concatenate([[1.0], np.ones(self.contrasts) if self.equal else climb])

    @property
    def rest(self) -> float:
        """σ_e."""
        others = self.own**2 / self.users + self.seed**2 / self.seeds
        return math.sqrt(self.share / (1 - self.share) * others * self.users * self.seeds)

    @property
    def errors(self) -> np.ndarray:
        """(K,) true standard errors of the differences to the control."""
        same = self.own**2 / self.users + self.rest**2 / (self.users * self.seeds)
        variances = same + self.seed_deviations**2 / self.seeds
        return np.sqrt(variances[1:] + variances[0])

    def draw(self, random: np.random.Generator, studies: int) -> Squares:
        """Studies without any true difference, as their mean squares.

        Seed means are drawn as they are. What is left of users, and of the residual, are normal
        vectors x_k of n = U − 1 or (U − 1)(S − 1) dimensions, of which a contrast needs the squared
        length of x_k − x_0: given |x_0|², a χ²_n, it is non-central χ²_n with non-centrality
        |x_0|², independently for all k.
        """
        users, seeds, count = self.users, self.seeds, self.contrasts
        size = (studies, count + 1, seeds)
        rest, deviations = self.rest, self.seed_deviations[:, None]
        means = np.hypot(deviations, rest / math.sqrt(users)) * random.normal(size=size)
        means += self.own / math.sqrt(users) * random.normal(size=(*size[:2], 1))
        d = means[:, 1:] - means[:, :1]

        def square(variance: float, freedom: int) -> np.ndarray:
            control = random.chisquare(freedom, (studies, 1))
            drawn = random.noncentral_chisquare(freedom, control, (studies, count))
            return variance * drawn / freedom

        of_users = square(seeds * self.own**2 + rest**2, users - 1)
        residual = square(rest**2, (users - 1) * (seeds - 1))
        return Squares(d.mean(-1), of_users, users * d.var(-1, ddof=1), residual, users, seeds)

    def draw_values(self, random: np.random.Generator, studies: int) -> Squares:
        """The same, user by user; only for small studies."""
        size = (studies, self.contrasts + 1, self.users, self.seeds)
        y = self.own * random.normal(size=(*size[:3], 1)) + self.rest * random.normal(size=size)
        seeds = random.normal(size=(*size[:2], 1, self.seeds))
        y += self.seed_deviations[:, None, None] * seeds
        return Squares(*mean_squares(y[:, 1:] - y[:, :1]), self.users, self.seeds)


COLUMNS = {
    "crossed": "crossed alone, any false",
    "both": "verdicts, any false",
    "mixed": "any false, half differ",
    "equivalence": "equivalence, any false",
    "found_crossed": "crossed alone, found",
    "found": "verdicts, found",
}
"""What :func:`rates` says, with its name in print."""


def rates(design: Design, studies: int, seed: int = 0, at_once: int = 2_000) -> dict[str, float]:
    """Rates over ``studies`` of families corrected by Holm; each a share in [0, 1].

    ``crossed``: any rejection where nothing differs, by the crossed test alone; ``both``: by the p
    of verdicts, which is also how often one of the joint intervals misses its true difference;
    ``mixed``: any false one where every second strategy is better by 4 standard errors;
    ``equivalence``: any false one where all differences lie on the margin; ``found_crossed,
    found``: the share of those 4 standard errors that are found.
    """
    random = np.random.default_rng(seed)
    sums = np.zeros(len(COLUMNS))
    differs = np.arange(design.contrasts) % 2 == 1
    shift = SHIFT * design.errors * differs
    for first in range(0, studies, at_once):
        drawn = design.draw(random, min(at_once, studies - first))
        null = [(step_down(p) < ALPHA).any(1) for p in drawn.p()]
        alone, verdicts = (step_down(p) < ALPHA for p in drawn.p(shift))
        sums += [
            null[0].sum(),
            null[1].sum(),
            verdicts[:, ~differs].any(1).sum(),
            (step_down(drawn.p_equivalence()) < ALPHA).any(1).sum(),
            alone[:, differs].mean(1).sum(),
            verdicts[:, differs].mean(1).sum(),
        ]
    return dict(zip(COLUMNS, (sums / studies).tolist(), strict=True))


def designs() -> Iterator[Design]:
    """The grid."""
    for seeds, users, share, equal in itertools.product(
        (3, 5, 10), (750, 10_000), (0.02, 0.3), (True, False)
    ):
        yield Design(seeds=seeds, users=users, share=share, equal=equal)


def report(studies: int, seed: int = 0) -> str:
    """The table as Markdown, with what must hold for it."""
    head: list[object] = ["seeds", "users", "residual", "seed variances", *COLUMNS.values()]
    lines: list[list[object]] = []
    worst = 0.0
    for place, design in enumerate(designs()):
        found = rates(design, studies, seed + place)
        worst = max(worst, found["both"], found["mixed"], found["equivalence"])
        shown = [f"{rate:.3f}".removeprefix("0") for rate in found.values()]
        equal = "equal" if design.equal else "unequal"
        lines.append([design.seeds, f"{design.users:,}", f"{design.share:g}", equal, *shown])
    error = math.sqrt(ALPHA * (1 - ALPHA) / studies)
    note = (
        f"24 contrasts to one control, Holm at α = .05, {studies:,} studies a row, seed {seed}; a "
        f"true rate of .05 is seen as .05 ± {2 * error:.3f}. Found: of differences of {SHIFT} "
        f"standard errors. The largest error rate of verdicts is {worst:.3f}."
    )
    rows: list[list[object]] = [head, ["---:"] * len(head), *lines]
    return "\n".join([note, "", *(f"| {' | '.join(map(str, row))} |" for row in rows)])


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--studies", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)
    print(report(given.studies, given.seed))  # noqa: T201 (a command)


if __name__ == "__main__":
    main()
