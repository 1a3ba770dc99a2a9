"""Replicates with test parts of their own: do verdicts err as often as they say?

    python -m vaebench.statistics.replicates [--studies 2000]

The data have N users. A replicate r draws U of them as its test part, so two replicates have some
users in common, and shows for the strategies k = 0 (the control) … K

    y_kur = c_ku + b_kr + e_kur

with users' true values c (the same wherever a user is drawn), the replicate's part b (training
data, tuning, seed) and the rest e. Nothing differs in truth, for users like these: every rejection
is false, and every interval without 0 misses.
"""

import argparse
import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from vaebench.statistics.familywise import ALPHA, Squares
from vaebench.statistics.layout import two_sided
from vaebench.statistics.multiplicity import step_down

FAMILIES = (8, 24)
"""Contrasts to one control."""


@dataclass(frozen=True)
class Design:
    """A study of replicates, in units of the metric; of the size of NDCG@100 of Mult-VAE.

    Attributes:
        replicates: R.
        users: U, of one test part.
        population: N, of the data.
        share: of the variance of a replicate's mean that sampling users is.
        own: σ_c, of a user's true value.
        rest: σ_e.
    """

    replicates: int
    users: int = 750
    population: int = 6_000
    share: float = 0.5
    own: float = 0.05
    rest: float = 0.05

    @property
    def common(self) -> float:
        """The share of users that two test parts have in common on average."""
        return self.users / self.population

    @property
    def spread(self) -> float:
        """σ_b."""
        of_users = (self.own**2 + self.rest**2) / self.users
        return math.sqrt(of_users * (1 - self.share) / self.share)

    def draw(self, random: np.random.Generator, studies: int) -> Squares:
        """Studies without any true difference, user by user, as their mean squares."""
        count = max(FAMILIES)
        means = np.empty((studies, count, self.replicates))
        within = np.empty_like(means)
        for study in range(studies):
            own = self.own * random.standard_normal((count + 1, self.population), np.float32)
            for replicate in range(self.replicates):
                test = random.choice(self.population, self.users, replace=False, shuffle=False)
                y = own[:, test]
                y += self.rest * random.standard_normal(y.shape, np.float32)
                differences = y[1:] - y[0]
                means[study, :, replicate] = differences.mean(1)
                within[study, :, replicate] = differences.var(1, ddof=1)
        b = self.spread * random.standard_normal((studies, count + 1, self.replicates))
        means += b[:, 1:] - b[:, :1]
        of_users = within.mean(-1)
        return Squares(
            means.mean(-1),
            (1 + self.replicates * self.common) * of_users,
            self.users * means.var(-1, ddof=1),
            of_users,
            self.users,
            self.replicates,
        )


def rates(design: Design, studies: int, seed: int = 0) -> dict[str, float]:
    """Shares of studies: one interval that misses, and any false verdict after Holm.

    ``replicates``: by the t on replicate means alone; ``nested``: by users and replicates alone;
    ``one``: by the larger p, one contrast; ``K contrasts``: by the larger p, any of K.
    """
    drawn = design.draw(np.random.default_rng(seed), studies)
    (error, freedom), (of_means, of_replicates) = drawn.claims()
    replicates = two_sided(drawn.mean, of_means, of_replicates)
    nested = two_sided(drawn.mean, error, freedom)
    both = np.fmax(replicates, nested)
    found = {"replicates": replicates, "nested": nested, "one": both}
    single = {name: float((p < ALPHA).mean()) for name, p in found.items()}
    return single | {
        f"{count} contrasts": float((step_down(both[:, :count]) < ALPHA).any(1).mean())
        for count in FAMILIES
    }


def designs() -> Iterator[Design]:
    """The grid."""
    for replicates, share, population in itertools.product(
        (3, 4, 5, 10), (0.1, 0.5, 0.9), (6_000, 1_500)
    ):
        yield Design(replicates, population=population, share=share)


def report(studies: int, seed: int = 0) -> str:
    """The table as Markdown."""
    lines: list[list[object]] = []
    found: dict[str, float] = {}
    for place, design in enumerate(designs()):
        found = rates(design, studies, seed + place)
        shown = [f"{rate:.3f}".removeprefix("0") for rate in found.values()]
        facts = [design.replicates, f"{design.share:.0%}", f"{design.common:.1%}"]
        lines.append([*facts, *shown])
    words = {"replicates": "t on means", "nested": "two-way", "one": "both"}
    named = [words.get(name, name) for name in found]
    head: list[object] = ["replicates", "users' share", "in common", *named]
    error = math.sqrt(ALPHA * (1 - ALPHA) / studies)
    note = (
        f"{studies:,} studies a row, seed {seed}; a true rate of .05 of families is seen as .05 ± "
        f"{2 * error:.3f} (single contrasts are {max(FAMILIES)} a study)."
    )
    rows: list[list[object]] = [head, ["---:"] * len(head), *lines]
    return "\n".join([note, "", *(f"| {' | '.join(map(str, row))} |" for row in rows)])


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--studies", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)
    print(report(given.studies, given.seed))  # noqa: T201 (a command)


if __name__ == "__main__":
    main()
