# One job per (data set, baseline, seed); a baseline that draws nothing has one seed. Its folder has
# the form of every cell's, with no strategy in its path.
import re


ruleorder: baseline > cell


rule baseline:
    input:
        card=f"{study}/data/{{dataset}}/card.json",
        choice=lambda w: trials.choice_of(baseline_of(w)),
    output:
        multiext(f"{study}/cells/{{dataset}}/{{model}}/none/seed-{{seed}}/", *FILES),
    log:
        f"{study}/logs/cells/{{dataset}}/{{model}}/none/seed-{{seed}}.log",
    benchmark:
        f"{study}/benchmarks/{{dataset}}/{{model}}/none/seed-{{seed}}.tsv"
    wildcard_constraints:
        model="|".join(map(re.escape, plan.study.baselines)) or "(?!)",
    conda:
        "../../environment.yml"
    threads: plan.study.resources.threads
    resources:
        mem_mb=plan.study.resources.memory_mb,
        runtime=plan.study.resources.runtime_minutes,
    params:
        spec=lambda w: baseline_of(w).spec,
        code=lambda w: plan.code(baseline_of(w)),
    script:
        "../scripts/baseline.py"
