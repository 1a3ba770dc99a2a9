# vaebench: data → cells → tables → figures → report → MLflow. `snakemake` runs config.yaml;
# `snakemake --configfile configs/NAME.yaml` runs another study.

# the default study is loaded only where no other is given: Snakemake merges configs deeply
if not workflow.overwrite_configfiles:

    configfile: "config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/opening.smk"
include: "workflow/rules/cells.smk"
include: "workflow/rules/baselines.smk"
include: "workflow/rules/tuning.smk"
include: "workflow/rules/analysis.smk"
include: "workflow/rules/published.smk"
include: "workflow/rules/images.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/tracking.smk"


onstart:
    try:
        expect(
            plan.folder,
            to_run=sum(
                job.rule.name in ("test", "baseline")
                for job in workflow.dag.needrun_jobs()
            ),
        )
        planned(plan.folder / CODE, upkeep.uses(), content)
        warm.start(IMPORTS, threads=plan.study.resources.threads)
        write_json(plan.folder / "study.json", plan.study.model_dump())
    except (DataError, OSError) as error:  # a full disk, a folder that is read-only
        raise WorkflowError(str(error)) from None


onsuccess:
    expect_no_more(plan.folder)
    terminal.end(
        plan.folder,
        report=any(job.rule.name == "verdict" for job in workflow.dag.jobs),
    )


onerror:
    expect_no_more(plan.folder)
    print(without_result(cell_folders), end="", file=sys.stderr)


rule all:
    default_target: True
    input:
        f"{study}/verdict.txt",
        f"{study}/tables/published.md",
        TUNED,
