# What AEVB does with a VAE of pictures: measured once a cell, drawn once a study. Nothing trains, and
# nothing is made unless the study has a section `images`.
images = plan.study.images
image_cells = [path for path in plan.cells if plan.has_pictures(path)] if images else []
IMAGES = (
    [f"{study}/images/index.json", f"{study}/tables/images.csv"] if image_cells else []
)


rule image_cell:
    input:
        cell=f"{study}/cells/{NAMES}/status.json",
        card=card_of,
    output:
        multiext(
            f"{study}/images/cells/{NAMES}/",
            "metrics.json",
            "values.npz",
        ),
    log:
        f"{study}/logs/images/{NAMES}.log",
    conda:
        "../../environment.yml"
    threads: plan.study.resources.threads
    resources:
        mem_mb=plan.study.resources.memory_mb,
        runtime=plan.study.resources.runtime_minutes,
    params:
        code=said("vaebench.images.measure"),
        options=images.model_dump() if images else {},
    script:
        "../scripts/image_cell.py"


rule image_figures:
    input:
        cells=expand(f"{study}/images/cells/{{cell}}/metrics.json", cell=image_cells),
        cards=cards,
        traces=f"{study}/tables/traces.parquet",
    output:
        index=f"{study}/images/index.json",
        table=f"{study}/tables/images.csv",
    log:
        f"{study}/logs/images.log",
    conda:
        "../../environment.yml"
    params:
        code=said("vaebench.report.pictures"),
        options=images.model_dump() if images else {},
        order=list(plan.study.strategies),
        control=plan.study.control,
    script:
        "../scripts/image_figures.py"
