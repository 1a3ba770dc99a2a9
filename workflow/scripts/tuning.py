"""Choices → tables and figures of what was tried."""

from pathlib import Path

from vaebench.files import read_json, write_frame, write_text
from vaebench.machine.logged import job
from vaebench.plots import save, use_style
from vaebench.plots import tuning as tuning_plots
from vaebench.plots.palette import Look
from vaebench.tables import tuning as tuning_report

with job(snakemake.log[0]):
    use_style()
    choices = [read_json(Path(path)) for path in snakemake.input.choices]
    trials, curves = tuning_report.trials(choices), tuning_report.curves(choices)
    study = Path(snakemake.output[0]).parents[1]
    look = Look(snakemake.params.order)
    write_frame(study / "tables/tuning.csv", trials)
    write_text(study / "tables/tuning.md", tuning_report.markdown(choices))
    save(tuning_plots.sensitivity(trials, look), study / "figures/tuning_sensitivity")
    save(tuning_plots.budget(curves, look), study / "figures/tuning_budget")
