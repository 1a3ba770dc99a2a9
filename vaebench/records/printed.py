"""Numbers, intervals and tables of the results in print."""

from collections.abc import Sequence

import pandas as pd

DIGITS = {"": 4, "nats": 2}
"""Unit of a metric → decimals in print."""


def listed(rows: pd.DataFrame, unit: str) -> str:
    """Strategies with their mean differences."""
    return ", ".join(f"{row.strategy} ({signed(row.mean, unit)})" for row in rows.itertuples())


def section(title: str, lines: Sequence[str]) -> list[str]:
    """A section of the page; nothing where there are no lines."""
    return [f"## {title}", "", *lines, ""] if lines else []


def grid(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A table in Markdown; the first column is left-aligned."""
    rule = "|".join(["---", *["---:"] * (len(heads) - 1)])
    clean = [[each.replace("|", "\\|") for each in row] for row in [heads, *rows]]
    return [
        f"| {' | '.join(clean[0])} |",
        f"|{rule}|",
        *(f"| {' | '.join(r)} |" for r in clean[1:]),
    ]


def number(value: float, unit: str) -> str:
    """A value of a metric in print; – where there is none."""
    return "–" if pd.isna(value) else f"{value:.{DIGITS.get(unit, 4)}f}"


def signed(value: float, unit: str) -> str:
    """A difference in print, with its sign."""
    return "–" if pd.isna(value) else f"{value:+.{DIGITS.get(unit, 4)}f}".replace("-", "−")


def bounds(low: float, high: float, unit: str) -> str:
    """An interval in print."""
    return "–" if pd.isna(low) else f"[{signed(low, unit)}, {signed(high, unit)}]"


def probability(p: float) -> str:
    """A p-value in print."""
    if pd.isna(p):
        return "–"
    return "< .001" if p < 0.001 else f"{p:.3f}"  # noqa: PLR2004 (three digits)
