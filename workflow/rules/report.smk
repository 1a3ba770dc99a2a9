# One page for people, and the verdict: a study with a failed cell ends with a non-zero status after
# everything else is written.


rule report:
    input:
        frames=[*FRAMES, f"{study}/tables/published.csv"],
        figures=FIGURES,
        traces=[f"{study}/tables/traces.parquet"],  # a list, as all its inputs
        tuned=TUNED,
        choices=trials.choices(),
        images=IMAGES,
        cards=cards,
        templates=[
            shown(PACKAGE / "report" / name)
            for name in (
                *("base.html.jinja", "page.html.jinja", "parts.html.jinja"),
                *("paper.tex.jinja", "style.css", "tables.js", "charts.js"),
            )
        ],
        numbers=shown(PACKAGE / "report/published.yaml"),
    output:
        page=report(
            f"{study}/report.html",
            caption="../report/page.rst",
            category="Report",
            labels={"page": "findings, tables, figures"},
        ),
        paper=f"{study}/paper/paper.tex",
        numbers=f"{study}/paper/numbers.tex",
    log:
        f"{study}/logs/report.log",
    conda:
        "../../environment.yml"
    params:
        code=said("vaebench.report.page"),
        config=plan.study.model_dump(),
    script:
        "../scripts/report.py"


rule seal:
    input:
        documents=[
            *(*TABLES, *FIGURES, *TUNED, *IMAGES),
            *(f"{study}/{name}" for name in ("report.html", "tables/published.md")),
        ],
    output:
        f"{study}/seal.json",
    log:
        f"{study}/logs/seal.log",
    localrule: True
    conda:
        "../../environment.yml"
    params:
        cells=cell_folders,
    script:
        "../scripts/seal.py"


rule verdict:
    input:
        report=f"{study}/report.html",
        seal=f"{study}/seal.json",
        frames=FRAMES,
        # the mirror comes first: a failed cell must not keep the others out of MLflow
        mirror=f"{study}/tracking.json" if plan.study.tracking.enabled else [],
    output:
        f"{study}/verdict.txt",
    log:
        f"{study}/logs/verdict.log",
    localrule: True
    conda:
        "../../environment.yml"
    params:
        code=said("vaebench.report.verdict"),
        control=plan.study.control,
        confidence=plan.study.confidence,
    script:
        "../scripts/verdict.py"
