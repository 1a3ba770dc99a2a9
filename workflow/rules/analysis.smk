# Cells → tidy tables → figures. Nothing here trains.
from vaebench.captions import FIGURES as CAPTIONS

FRAMES = [
    f"{study}/tables/{name}.csv"
    for name in (
        "cells",
        "results",
        "pairs",
        "activity",
        "components",
        "models",
        "seeds",
        "runs",
        "ranks",
        "nemenyi",
        "across",
        "profiles",
        "diagnostics",
        "variance",
        "measures",
    )
]
if plan.replicated:
    FRAMES.append(f"{study}/tables/splits.csv")
TABLES = [
    *FRAMES,
    *[f"{study}/tables/{name}" for name in ("results.md", "results.tex", "tables.tex")],
]
FIGURES = [
    f"{study}/figures/{name}.{ending}" for name in CAPTIONS for ending in ("pdf", "png")
]

# what `snakemake --report` shows, beside the page: the figures, and the tables with a caption here
IN_REPORT = {
    "results": "each strategy: mean, interval, difference to the control, p",
    "models": "models and baselines: mean, interval, difference to the control",
    "cells": "each cell: status, selected epoch, test values, seconds",
    "diagnostics": "what the latents carry",
}


def in_report(file, kind, category, says):
    labels = {kind: Path(file).stem, "shows": says}
    marked = report(
        file, caption=f"../report/{kind}s.rst", category=category, labels=labels
    )
    return marked


def shown_table(file):
    says = IN_REPORT.get(Path(file).stem) if file.endswith(".csv") else None
    return in_report(file, "table", "Tables", says) if says else file


def shown_figure(file):
    says = CAPTIONS[Path(file).stem]
    return in_report(file, "figure", "Figures", says) if file.endswith("png") else file


rule tables:
    input:
        cells=expand("{folder}/status.json", folder=shown_cells),
        tests=expand("{folder}/test.parquet", folder=shown_cells),
        cards=cards,
    output:
        [shown_table(file) for file in TABLES],
        traces=f"{study}/tables/traces.parquet",
    log:
        f"{study}/logs/tables.log",
    conda:
        "../../environment.yml"
    params:
        code=said("vaebench.tables.written"),
        cells=cell_folders,
        asked=lambda w: plan.question(),
    script:
        "../scripts/tables.py"


rule figures:
    input:
        frames=FRAMES,
        cards=cards,
        traces=f"{study}/tables/traces.parquet",
    output:
        [shown_figure(file) for file in FIGURES],
    log:
        f"{study}/logs/figures.log",
    conda:
        "../../environment.yml"
    params:
        code=said("vaebench.plots.study"),
        order=plan.order,
        control=plan.study.control,
        confidence=plan.study.confidence,
    script:
        "../scripts/figures.py"
