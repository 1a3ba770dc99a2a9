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
SHOWN_TABLES = [
    in_report(file, "table", IN_REPORT) if file.endswith(".csv") else file
    for file in TABLES
]
SHOWN_FIGURES = [
    in_report(file, "figure", CAPTIONS) if file.endswith(".png") else file
    for file in FIGURES
]


rule tables:
    input:
        cells=expand("{folder}/status.json", folder=shown_cells),
        tests=expand("{folder}/test.parquet", folder=shown_cells),
        cards=cards,
    output:
        SHOWN_TABLES,
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
        SHOWN_FIGURES,
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
