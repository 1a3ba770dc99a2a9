# Two jobs per (data set, model, strategy, seed): train leaves weights, test measures them. A job
# depends on the source files that it imports: editing strategies/cyclical.py reruns the cyclical cells
# only, and a further metric trains nothing.


rule train:
    input:
        card=card,
        stages=stages,
        choice=choice,
    output:
        multiext(f"{study}/cells/{NAMES}/", *TRAINED),
    log:
        f"{study}/logs/cells/{NAMES}/train.log",
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
        f"{JOB} --stages {{input.stages:q}} --choice {{input.choice:q}} --step train"


rule test:
    input:
        card=card,
        trained=[f"{study}/cells/{NAMES}/{name}" for name in TRAINED],
        opened=opened,
    output:
        multiext(f"{study}/cells/{NAMES}/", *TESTED),
    log:
        f"{study}/logs/cells/{NAMES}/test.log",
    priority: 1  # a cell is tested as soon as it is trained
    conda:
        "../../environment.yml"
    threads: plan.study.resources.threads
    resources:
        mem_mb=plan.study.resources.memory_mb,
        runtime=plan.study.resources.runtime_minutes,
    params:
        spec=spec_of,
        metrics=json.dumps(plan.study.all_metrics),
        samples=lambda w: cell_of(w).samples,
        code=lambda w: plan.test_code(cell_of(w)),
    shell:
        f"{JOB} --metrics {{params.metrics:q}} --samples {{params.samples}}"
        " --opened {input.opened:q} --step test"
