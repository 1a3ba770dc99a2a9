"""The answer in a few lines, as the README has it: every number is from the records."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from vaebench.errors import DataError
from vaebench.files import write_text
from vaebench.records import compared
from vaebench.records.compared import Over
from vaebench.records.printed import bounds, listed, signed
from vaebench.statistics.across import FEWEST_TESTED

if TYPE_CHECKING:
    import pandas as pd

    from vaebench.records.page import Results

BEGIN = "<!-- the answer: `vaebench results … --readme README.md` writes these lines -->"
END = "<!-- end of the answer -->"
DECIDED = 0.05
FEW = 3
"""Strategies that are named in a line."""
KINDS = {"images": "pictures"}
"""Kinds of data in print."""


def lines(results: "Results") -> list[str]:
    """At most ten lines in Markdown: what is decided, what is not, for whom."""
    table = results.counting
    sets = table.drop_duplicates("dataset")["kind"].value_counts()
    counted = [f"{number} of {KINDS.get(kind, kind)}" for kind, number in sets.items()]
    tried = table[table["registered"]]["label"].nunique()
    found = [
        (
            f"By {results.until}, data sets: {', '.join(counted)}; {tried} registered strategies, "
            f"{int(table['replicates'].min())} replicates."
        )
    ]
    decided = [each for each in results.over if len(each.units) >= FEWEST_TESTED]
    for each in decided or results.over:
        found += _of_group(each)
    found += [*_of_beta(results), *_of_rules(results), *_of_new(results)]
    return [f"- {line}" for line in found]


def _of_group(each: Over) -> Iterator[str]:
    kind, unit, block = each.group
    name = f"{KINDS.get(kind, kind).capitalize()}, {block}, {_units(len(each.units))}"
    if len(each.units) < FEWEST_TESTED:
        yield f"{name}: no headline below {FEWEST_TESTED}."
        return
    table = each.registered[each.registered["p_holm"].notna()]
    found = table[table["p_holm"] < DECIDED]
    ahead = found[each.sign * found["mean"] > 0]
    yield (
        f"{name}: better than the control {_first(ahead, unit)}; "
        f"{len(found) - len(ahead)} worse, {len(table) - len(found)} undecided."
    )
    for row in table[table["best"]].itertuples():
        yield (
            f"Best there: {row.strategy}, {signed(row.mean, unit)} "
            f"{bounds(row.joint_low, row.joint_high, unit)}; a new data set will show "
            f"{bounds(row.predicted_low, row.predicted_high, unit)}."
        )


def _first(rows: "pd.DataFrame", unit: str) -> str:
    """The best few by name, the rest by number."""
    ordered = rows.sort_values("mean", ascending=False, kind="stable", key=abs)
    more = f" and {len(rows) - FEW} more" if len(rows) > FEW else ""
    return (listed(ordered.head(FEW), unit) or "is nothing") + more


def _units(number: int) -> str:
    return f"{number} unrelated unit{'s' * (number != 1)}"


def _of_beta(results: "Results") -> Iterator[str]:
    best = results.optima
    if len(best) < FEWEST_TESTED:
        return
    spread = compared.coincidence(best).set_index("axis")["spread"]
    ends = [f"{10 ** best['log_beta'].agg(end):.2g}" for end in ("min", "max")]
    yield (
        f"The best constant β: {ends[0]} to {ends[1]} by data set (s.d. {spread['β']:.2f} "
        f"decades; of β / mean n_u {spread['β / mean n_u']:.2f})."
    )


def _of_rules(results: "Results") -> Iterator[str]:
    table: pd.DataFrame = results.untuned
    if table.empty:
        return
    known = table[(table["units"] >= FEWEST_TESTED) & ~table["tuned"].astype(bool)]
    for (kind, unit, _), rows in known.groupby(compared.GROUP, sort=False):
        row = rows.loc[rows["mean"].idxmin()]
        yield (
            f"Untuned, {KINDS.get(kind, kind)}: {row['rule']} loses least to a tuned constant, "
            f"{signed(row['mean'], unit)} {bounds(row['joint_low'], row['joint_high'], unit)}."
        )


def _of_new(results: "Results") -> Iterator[str]:
    found = results.foretold
    if len(found):
        yield (
            f"Outside of these: {int(found['inside'].sum())} of {len(found)} differences lie "
            "inside their 95 % prediction intervals."
        )


def put(text: str, said: list[str], name: str = "README.md") -> str:
    """``text`` with the lines between its two marks.

    Raises:
        DataError: the marks are not there, once each and in order.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end or BEGIN in rest or END in after:
        raise DataError(f"{name}: has not one place for the answer; allowed: {BEGIN} … {END}")
    return before + "\n".join([BEGIN, "", *said, "", END]) + after


def write(readme: Path, said: list[str]) -> None:
    """Put the lines into a file."""
    write_text(readme, put(readme.read_text(encoding="utf-8"), said, str(readme)))
