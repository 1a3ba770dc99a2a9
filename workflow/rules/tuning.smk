# The tuning stage: trials as ordinary cells that leave the test part closed → one choice a strategy,
# which its final cells depend on → what was tried, for people. With rungs the trials train a little
# and leave their state; then the best of them go on from it, in the places of the next rung. Which
# trial has a place is in a file; the states vanish when the last job that may need them is done.
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


RUNGS = (
    len(tuning.rungs.training) if (tuning := plan.study.tuning) and tuning.rungs else 1
)
GROUP = "{dataset}/{model}/{strategy}"
if plan.replicated:
    GROUP = f"{GROUP}/seed-{{seed}}"
TRIAL = f"{study}/tuning/trial-{{trial}}/cells/{NAMES}"
TRIAL_LOG = f"{study}/logs/tuning/trial-{{trial}}/{NAMES}/train.log"
PLACE = f"{study}/tuning/rung-{{rung}}/place-{{trial}}/cells/{NAMES}"
PLACE_LOG = f"{study}/logs/tuning/rung-{{rung}}/place-{{trial}}/{NAMES}/train.log"


ruleorder: baseline_trial > trial


rule trial:
    input:
        card=card_of,
    output:
        multiext(f"{TRIAL}/", *TRAINED),
        *([temp(f"{TRIAL}/{STATE}")] if RUNGS > 1 else []),
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
        rung=rung_of,
    shell:
        f"{JOB} {{params.rung}} --step train"


rule place:
    input:
        card=card_of,
        places=lambda w: trials.choice_of(cell_of(w)),
        states=lambda w: trials.states(folder_of(w)),
    output:
        multiext(f"{PLACE}/", *TRAINED),
        temp(f"{PLACE}/{STATE}"),
    log:
        PLACE_LOG,
    wildcard_constraints:
        rung="|".join(map(str, range(2, RUNGS))) or "(?!)",
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
        rung=rung_of,
    shell:
        f"{JOB} {{params.rung}} --choice {{input.places:q}} --states {{input.states:q}}"
        " --step train"


use rule place as last_place with:
    output:
        multiext(f"{PLACE}/", *TRAINED),
    wildcard_constraints:
        rung=str(RUNGS) if RUNGS > 1 else "(?!)",


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


rule places:
    input:
        cells=lambda w: seals_of(group_of(w), int(w.rung) - 1),
        places=lambda w: placed_in(group_of(w), int(w.rung) - 1),
    output:
        f"{study}/tuning/rung-{{rung}}/places/{GROUP}.json",
    log:
        f"{study}/logs/tuning/rung-{{rung}}/places/{GROUP}.log",
    conda:
        "../../environment.yml"
    params:
        code=said("vaebench.statistics.tuning"),
        designed=lambda w: trials.groups[group_of(w)].trials,
        rung=lambda w: trials.run(group_of(w))[int(w.rung) - 2],
        places=lambda w: trials.groups[group_of(w)].rungs[int(w.rung) - 1].places,
        metric=lambda w: trials.metric(group_of(w)),
    script:
        "../scripts/places.py"


rule choice:
    input:
        cells=lambda w: [
            seal
            for rung in (1, *trials.later(group_of(w)))
            for seal in seals_of(group_of(w), rung)
        ],
        places=lambda w: [
            path
            for rung in trials.later(group_of(w))
            for path in placed_in(group_of(w), rung)
        ],
    output:
        f"{study}/tuning/{GROUP}.json",
    log:
        f"{study}/logs/tuning/{GROUP}.log",
    conda:
        "../../environment.yml"
    params:
        code=said("vaebench.statistics.tuning"),
        designed=lambda w: trials.groups[group_of(w)].trials,
        rungs=lambda w: trials.run(group_of(w)),
        replicate=lambda w: trials.groups[group_of(w)].cell.replicate,
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
