# Raw files are found or downloaded where the workflow runs (a login node), never inside a cell.


rule fetch:
    input:
        local=lambda w: plan.local_inputs(w.dataset),
    output:
        f"{study}/data/{{dataset}}/raw.json",
    log:
        f"{study}/logs/fetch/{{dataset}}.log",
    localrule: True
    conda:
        "../../environment.yml"
    params:
        code=said("vaebench.datasets.fetch"),
        dataset=lambda w: plan.dataset_options(w.dataset),
        local=str(plan.local_folder() or ""),
        beside=[str(folder) for folder in plan.beside],
        downloads=f"{plan.study.results}/downloads",
    script:
        "../scripts/fetch.py"


# One split a data set, or one a replicate where the split is drawn (vaebench/study/plan.py).
rule split:
    input:
        raw=f"{study}/data/{{dataset}}/raw.json",
    output:
        f"{study}/data/{SPLITS[0]}/card.json",
    log:
        f"{study}/logs/split/{SPLITS[0]}.log",
    conda:
        "../../environment.yml"
    params:
        code=lambda w: plan.dataset_code(w.dataset),
        dataset=lambda w: plan.split_options(split_of(w)),
        drawn_for=lambda w: plan.drawn_for(split_of(w)),
    script:
        "../scripts/split.py"


use rule split as split_replicate with:
    output:
        f"{study}/data/{SPLITS[1]}/card.json",
    log:
        f"{study}/logs/split/{SPLITS[1]}.log",
