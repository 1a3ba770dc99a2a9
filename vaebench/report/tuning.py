"""What the tuning stage tried: choices in, tables and figures out."""

from collections.abc import Sequence
from pathlib import Path

from vaebench.files import read_json, write_frame, write_text
from vaebench.plots import save, use_style
from vaebench.plots import tuning as plots
from vaebench.plots.palette import Look
from vaebench.tables import tuning as tables


def write(choices: Sequence[str], order: list[str], study: Path) -> None:
    """Write ``tables/tuning.*`` and ``figures/tuning_*`` of the study in the folder ``study``.

    Args:
        choices: the files of the choices.
        order: strategies in the order of the study.
        study: its folder.
    """
    use_style()
    found, look = [read_json(Path(path)) for path in choices], Look(order)
    trials = tables.trials(found)
    write_frame(study / "tables/tuning.csv", trials)
    write_text(study / "tables/tuning.md", tables.markdown(found))
    save(plots.sensitivity(trials, look), study / "figures/tuning_sensitivity")
    save(plots.budget(tables.curves(found), look), study / "figures/tuning_budget")
