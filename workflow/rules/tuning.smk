# The tuning stage: trials as ordinary cells that leave the test part closed → one choice a strategy,
# which its final cells depend on → what was tried, for people.
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


TRIAL = f"{study}/tuning/trial-{{trial}}/cells/{NAMES}"
TRIAL_LOG = f"{study}/logs/tuning/trial-{{trial}}/{NAMES}/train.log"


ruleorder: baseline_trial > trial


rule trial:
    input:
        card=card_of,
    output:
        multiext(f"{TRIAL}/", *TRAINED),
    log:
        TRIAL_LOG,
    conda:
        "../../environment.yml"
    threads: plan.study.resources.threads
    resources:
        gpu=plan.study.resources.gpu,
        mem_mb=plan.study.resources.memory_mb,
        runtime=plan.study.resources.runtime_minutes,
    params:
        spec=spec_of,
        code=lambda w: plan.training_code(cell_of(w)),
    shell:
        f"{JOB} --step train"


rule baseline_trial:
    input:
        card=card_of,
    output:
        multiext(f"{TRIAL}/", *TRAINED),
    log:
        TRIAL_LOG,
    wildcard_constraints:
        model=BASELINES,
        strategy=NONE,
    conda:
        "../../environment.yml"
    threads: plan.study.resources.threads
    resources:
        mem_mb=plan.study.resources.memory_mb,
        runtime=plan.study.resources.runtime_minutes,
    params:
        spec=spec_of,
        code=lambda w: plan.training_code(cell_of(w)),
    shell:
        f"{JOB} --step baseline-trial"


rule choice:
    input:
        cells=lambda w: [
            folder.file("training.json") for seeds in trials_of(w) for folder in seeds
        ],
    output:
        f"{study}/tuning/{{dataset}}/{{model}}/{{strategy}}.json",
    log:
        f"{study}/logs/tuning/{{dataset}}/{{model}}/{{strategy}}.log",
    conda:
        "../../environment.yml"
    params:
        code=said("vaebench.statistics.tuning"),
        designed=lambda w: trials.groups[group_of(w)].trials,
        cells=lambda w: [[str(f.path) for f in seeds] for seeds in trials_of(w)],
        metric=lambda w: trials.metric(group_of(w)),
    script:
        "../scripts/choice.py"


if trials.groups:

    rule tuning:
        input:
            choices=trials.choices(),
        output:
            TUNED,
        log:
            f"{study}/logs/tuning.log",
        conda:
            "../../environment.yml"
        params:
            code=said("vaebench.report.tuning"),
            order=plan.order,
        script:
            "../scripts/tuning.py"
