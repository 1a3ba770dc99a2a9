"""Tables as Markdown."""

import pandas as pd

from vaebench.tables import Grid


def document(grids: list[Grid], failed: pd.DataFrame) -> str:
    """All tables of a study, failures first."""
    parts, section = [failure_list(failed)], ""
    for grid in grids:
        if grid.section != section:
            section = grid.section
            parts.append(f"# {section}\n")
        parts += [f"## {grid.title}\n", table(grid.head, grid.lines), f"{grid.caption}\n"]
    return "\n".join(parts)


def failure_list(failed: pd.DataFrame) -> str:
    """Every cell that did not finish and why, or that there is none."""
    if failed.empty:
        return "All cells finished.\n"
    lines = [
        f"- {row.dataset}/{row.model}/{row.strategy}/seed-{row.seed}: {row.status}: {row.reason}"
        for row in failed.itertuples()
    ]
    return "\n".join([f"**{len(failed)} cells failed and are not in the tables:**\n", *lines, ""])


def table(head: list[str], lines: list[list[str]]) -> str:
    """A Markdown table; all columns but the first to the right."""
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "".join(f"| {' | '.join(line)} |\n" for line in (head, rule, *lines))
