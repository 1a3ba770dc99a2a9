# vaebench: data → cells → tables → figures → report → MLflow. `snakemake` runs config.yaml;
# `snakemake --configfile configs/NAME.yaml` runs another study.

# the default study is loaded only where no other is given: Snakemake merges configs deeply
if not workflow.overwrite_configfiles:

    configfile: "config.yaml"


report: "workflow/report/workflow.rst"


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
    started()


onsuccess:
    succeeded()


onerror:
    failed()


rule all:
    default_target: True
    input:
        f"{study}/verdict.txt",
        f"{study}/tables/published.md",
        TUNED,
