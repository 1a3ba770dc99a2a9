# One job per (data set, baseline, seed); one without randomness has one seed. Its folder has
# the form of every cell's, with no strategy in its path.
import re

BASELINES = "|".join(map(re.escape, plan.study.baselines)) or "(?!)"


ruleorder: baseline > train
ruleorder: baseline > test


rule baseline:
    input:
        card=card_of,
        choice=lambda w: trials.choice_of(cell_of(w)),
        opened=opened,
    output:
        multiext(f"{study}/cells/{NAMES}/", *FILES),
    log:
        f"{study}/logs/cells/{NAMES}/train.log",
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
        metrics=json.dumps(plan.study.all_metrics),
        code=lambda w: plan.training_code(cell_of(w)),
    shell:
        f"{JOB} --metrics {{params.metrics:q}} --choice {{input.choice:q}}"
        " --opened {input.opened:q} --step baseline"
