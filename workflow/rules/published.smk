# Published numbers beside ours, on the splits that they were published for.
rule published:
    input:
        cells=expand("{folder}/status.json", folder=shown_cells),
        tests=expand("{folder}/test.parquet", folder=shown_cells),
        numbers=shown(PACKAGE / "report/published.yaml"),
    output:
        table=f"{study}/tables/published.csv",
        text=f"{study}/tables/published.md",
    log:
        f"{study}/logs/published.log",
    conda:
        "../../environment.yml"
    params:
        code=said("vaebench.report.published"),
        datasets=plan.published(),
    script:
        "../scripts/published.py"
