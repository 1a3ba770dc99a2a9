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
TABLES = [
    *FRAMES,
    *[f"{study}/tables/{name}" for name in ("results.md", "results.tex", "tables.tex")],
]
FIGURES = [
    f"{study}/figures/{name}.{ending}" for name in CAPTIONS for ending in ("pdf", "png")
]


rule tables:
    input:
        cells=expand("{folder}/status.json", folder=shown_cells),
        tests=expand("{folder}/test.parquet", folder=shown_cells),
        cards=expand(f"{study}/data/{{dataset}}/card.json", dataset=plan.datasets_used),
        sources=source_files(
            "vaebench.statistics.study",
            "vaebench.statistics.diagnostics",
            "vaebench.statistics.variance",
            "vaebench.tables.content",
            "vaebench.tables.latex",
            "vaebench.tables.markdown",
        ),
    output:
        TABLES,
        traces=f"{study}/tables/traces.parquet",
    log:
        f"{study}/logs/tables.log",
    conda:
        "../../environment.yml"
    params:
        cells=cell_folders,
        order=plan.order,
        control=plan.study.control,
        confidence=plan.study.confidence,
        margin=plan.study.margin,
        primary=plan.study.primary,
        units=lambda w: plan.units(),
    script:
        "../scripts/tables.py"


rule figures:
    input:
        frames=FRAMES,
        cards=expand(f"{study}/data/{{dataset}}/card.json", dataset=plan.datasets_used),
        traces=f"{study}/tables/traces.parquet",
        sources=source_files("vaebench.plots.study"),
    output:
        FIGURES,
    log:
        f"{study}/logs/figures.log",
    conda:
        "../../environment.yml"
    params:
        order=plan.order,
        control=plan.study.control,
        confidence=plan.study.confidence,
    script:
        "../scripts/figures.py"
