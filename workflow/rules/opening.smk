# The test part of a study that registers something is opened once, after all training and tuning. Every
# test waits for one file, whose time no job looks at; a study without a registration has no such file.
opened = ancient(f"{study}/{OPENED}") if plan.study.registration else []


if plan.study.registration:

    rule open:
        input:
            trained=ancient(
                [
                    str(cell.folder.file("training.json"))
                    for cell in plan.cells.values()
                    if not cell.is_baseline
                ]
            ),
            choices=ancient(trials.choices()),
        output:
            update(f"{study}/{OPENED}"),
        log:
            f"{study}/logs/opening.log",
        localrule: True
        conda:
            "../../environment.yml"
        params:
            registered=registration.registered(plan.study),
            digest=plan.study.registration.digest,
        script:
            "../scripts/open.py"
