# The tuning stage: trials as ordinary cells that leave the test part closed → one choice a strategy,
# which its final cells stand on → what was tried, for people.
TUNED = (
    [
        f"{study}/tables/tuning.csv",
        f"{study}/tables/tuning.md",
        *(
            f"{study}/figures/{name}.{ending}"
            for name in ("tuning_sensitivity", "tuning_budget")
            for ending in ("pdf", "png")
        ),
    ]
    if trials.groups
    else []
)


rule trial:
    input:
        card=f"{study}/data/{{dataset}}/card.json",
    output:
        multiext(
            f"{study}/tuning/trial-{{trial}}/cells/{{dataset}}/{{model}}/{{strategy}}/seed-{{seed}}/",
            *FILES,
        ),
    log:
        f"{study}/logs/tuning/trial-{{trial}}/{{dataset}}/{{model}}/{{strategy}}/seed-{{seed}}.log",
    benchmark:
        f"{study}/benchmarks/tuning/trial-{{trial}}/{{dataset}}/{{model}}/{{strategy}}/seed-{{seed}}.tsv"
    wildcard_constraints:
        trial=r"\d+",
    conda:
        "../../environment.yml"
    threads: plan.study.resources.threads
    resources:
        gpu=plan.study.resources.gpu,
        mem_mb=plan.study.resources.memory_mb,
        runtime=plan.study.resources.runtime_minutes,
    params:
        spec=lambda w: trial_of(w).spec,
        code=lambda w: plan.code(trial_of(w)),
        baseline=lambda w: w.strategy == NONE,
    script:
        "../scripts/trial.py"


rule choice:
    input:
        cells=lambda w: [
            f"{folder}/status.json"
            for seeds in trials.cells(key_of(w))
            for folder in seeds
        ],
        sources=source_files("vaebench.tuning.choose"),
    output:
        f"{study}/tuning/{{dataset}}/{{model}}/{{strategy}}.json",
    log:
        f"{study}/logs/tuning/{{dataset}}/{{model}}/{{strategy}}.log",
    conda:
        "../../environment.yml"
    params:
        designed=lambda w: trials.groups[key_of(w)].trials,
        cells=lambda w: trials.cells(key_of(w)),
        metric=lambda w: trials.metric(key_of(w)),
    script:
        "../scripts/choice.py"


if trials.groups:

    rule tuning:
        input:
            choices=trials.choices(),
            sources=source_files("vaebench.tuning.report", "vaebench.tuning.plots"),
        output:
            TUNED,
        log:
            f"{study}/logs/tuning.log",
        conda:
            "../../environment.yml"
        params:
            order=plan.order,
        script:
            "../scripts/tuning.py"
