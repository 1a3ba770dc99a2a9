# One job per (data set, model, strategy, seed). A cell stands on the source files it imports:
# editing strategies/cyclical.py reruns the cyclical cells only.


rule cell:
    input:
        card=f"{study}/data/{{dataset}}/card.json",
        stages=lambda w: [
            f"{study}/cells/{path}/summary.json" for path in cell_of(w).stages.values()
        ],
        choice=lambda w: trials.choice_of(cell_of(w)),
    output:
        multiext(
            f"{study}/cells/{{dataset}}/{{model}}/{{strategy}}/seed-{{seed}}/",
            "config.json",
            "trace.parquet",
            "best.safetensors",
            "last.safetensors",
            "test.parquet",
            "latents.parquet",
            "summary.json",
            "status.json",
        ),
    log:
        f"{study}/logs/cells/{{dataset}}/{{model}}/{{strategy}}/seed-{{seed}}.log",
    benchmark:
        f"{study}/benchmarks/{{dataset}}/{{model}}/{{strategy}}/seed-{{seed}}.tsv"
    conda:
        "../../environment.yml"
    threads: plan.study.resources.threads
    resources:
        gpu=plan.study.resources.gpu,
        mem_mb=plan.study.resources.memory_mb,
        runtime=plan.study.resources.runtime_minutes,
    params:
        spec=lambda w: cell_of(w).spec,
        code=lambda w: plan.code(cell_of(w)),
    script:
        "../scripts/cell.py"
