# MLflow mirrors the files; one writer, after the fact.


rule track:
    input:
        documents=[*TABLES, *FIGURES, f"{study}/report.html"],
        cells=expand("{folder}/status.json", folder=shown_cells),
        trials=[cell.folder.file("training.json") for cell in trials.all_cells()],
        cards=cards,
    output:
        f"{study}/tracking.json",
    log:
        f"{study}/logs/tracking.log",
    localrule: True
    conda:
        "../../environment.yml"
    params:
        code=said("vaebench.sharing.sync"),
        config=plan.study.model_dump(),
    script:
        "../scripts/track.py"
