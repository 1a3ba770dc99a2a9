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


def lines(results: "Results") -> list[str]:
    """At most ten lines in Markdown: what is decided, what is not, for whom."""
    counted = results.counting.drop_duplicates("dataset")
    sets = counted["kind"].value_counts()
    said = ", ".join(f"{n} {kind}" for kind, n in sets.items())
    replicates = int(results.counting["replicates"].min())
    tried = results.counting[results.counting["registered"]]["label"].nunique()
    found = [
        (
            f"Finished studies by {results.until}: {len(counted)} data sets ({said}), {tried} "
            f"registered strategies, tuned alike, {replicates} replicates each."
        )
    ]
    for each in results.over:
        found += _of_group(each)
    found += [*_of_beta(results), *_of_rules(results), *_of_new(results)]
    return [f"- {line}" for line in found]


def _of_group(each: Over) -> Iterator[str]:
    kind, unit, block = each.group
    name = f"{kind.capitalize()}, {block}"
    if len(each.units) < FEWEST_TESTED:
        yield f"{name}: {len(each.units)} unrelated units; no headline below {FEWEST_TESTED}."
        return
    table = each.registered[each.registered["p_holm"].notna()]
    ahead, behind = (
        table[(table["p_holm"] < DECIDED) & (each.sign * side * table["mean"] > 0)]
        for side in (1, -1)
    )
    words = [f"better {listed(ahead, unit)}" if len(ahead) else "nothing is better"]
    words += [f"worse {listed(behind, unit)}"] if len(behind) else []
    open_ones = len(table) - len(ahead) - len(behind)
    yield (
        f"{name}, {len(each.units)} units, against its control: {'; '.join(words)}; "
        f"{open_ones} undecided."
    )
    for row in table[table["best"]].itertuples():
        yield (
            f"Best of {len(table)} there: {row.strategy}, {signed(row.mean, unit)} "
            f"{bounds(row.joint_low, row.joint_high, unit)}; a new data set will show "
            f"{bounds(row.predicted_low, row.predicted_high, unit)}."
        )


def _of_beta(results: "Results") -> Iterator[str]:
    best = results.optima
    if len(best) < FEWEST_TESTED:
        return
    spread = compared.coincidence(best).set_index("axis")["spread"]
    ends = [f"{10 ** best['log_beta'].agg(end):.2g}" for end in ("min", "max")]
    yield (
        f"The best constant β is {ends[0]} to {ends[1]} by data set (s.d. {spread['β']:.2f} "
        f"decades; of β / mean n_u {spread['β / mean n_u']:.2f})."
    )


def _of_rules(results: "Results") -> Iterator[str]:
    table: pd.DataFrame = results.untuned
    if table.empty:
        return
    for group, rows in table[table["units"] >= FEWEST_TESTED].groupby(compared.GROUP, sort=False):
        rules = rows[~rows["tuned"]]
        if len(rules):
            row = rules.loc[rules["mean"].idxmin()]
            yield (
                f"Without tuning, {row['rule']} loses least to a tuned constant on {group[0]} "
                f"({group[2]}): {signed(row['mean'], group[1])} "
                f"{bounds(row['joint_low'], row['joint_high'], group[1])}."
            )


def _of_new(results: "Results") -> Iterator[str]:
    found = results.foretold
    if len(found):
        yield (
            f"On {found['dataset'].nunique()} data sets outside of these, "
            f"{int(found['inside'].sum())} of {len(found)} differences lie inside their prediction "
            "intervals."
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
