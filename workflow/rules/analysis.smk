# Cells → tidy tables → figures. Nothing here trains.
TABLES = [
    f"{study}/tables/{name}"
    for name in ("cells.csv", "results.csv", "results.md", "results.tex")
]
FIGURES = [
    f"{study}/figures/{name}.{ending}"
    for name in ("differences", "ranking", "elbo", "curves", "beta", "rate_distortion")
    for ending in ("pdf", "png")
]


rule tables:
    input:
        cells=expand("{folder}/status.json", folder=cell_folders),
        tests=expand("{folder}/test.parquet", folder=cell_folders),
        cards=expand(f"{study}/data/{{dataset}}/card.json", dataset=plan.datasets_used),
        sources=source_files("vaebench.analysis", "vaebench.tables"),
    output:
        TABLES,
        traces=f"{study}/tables/traces.parquet",
    log:
        f"{study}/logs/tables.log",
    conda:
        "../../environment.yml"
    params:
        order=list(plan.study.strategies),
        control=plan.study.control,
        confidence=plan.study.confidence,
    script:
        "../scripts/tables.py"


rule figures:
    input:
        summary=f"{study}/tables/results.csv",
        cells=f"{study}/tables/cells.csv",
        cards=expand(f"{study}/data/{{dataset}}/card.json", dataset=plan.datasets_used),
        traces=f"{study}/tables/traces.parquet",
        sources=source_files("vaebench.plots"),
    output:
        FIGURES,
    log:
        f"{study}/logs/figures.log",
    conda:
        "../../environment.yml"
    params:
        order=list(plan.study.strategies),
        control=plan.study.control,
    script:
        "../scripts/figures.py"
