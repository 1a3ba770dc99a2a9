# MLflow mirrors the files, one writer at a time: the cells beside the tables and figures, which take as
# long, and then the study itself.


rule track_cells:
    input:
        cells=expand("{folder}/status.json", folder=shown_cells),
        trials=[cell.folder.file("training.json") for cell in trials.all_cells()],
        cards=cards,
    output:
        temp(f"{study}/tracking-cells.json"),
    log:
        f"{study}/logs/tracking-cells.log",
    localrule: True
    conda:
        "../../environment.yml"
    params:
        code=said("vaebench.sharing.sync"),
        config=plan.study.model_dump(),
    script:
        "../scripts/track_cells.py"


rule track:
    input:
        documents=[*TABLES, *FIGURES, f"{study}/report.html"],
        cells=expand("{folder}/status.json", folder=shown_cells),
        trials=[cell.folder.file("training.json") for cell in trials.all_cells()],
        cards=cards,
        mirrored=f"{study}/tracking-cells.json",
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
