"""``vaebench adopt CONFIG``: take finished cells over into a newer version of the code.

A cell is what the study asks for if its specification and its code are. Another version of
vaebench may say the same in other words, and then the study would be trained again for nothing.
This command compares what each cell was trained with, its ``config.json``, with what the study asks
for now, every default filled in. Where they are equal it writes the present code into the cell's
seals: that the code computes the same is your word, and the seal says so (``adopted``). Cells of
version 0.1 get the files of the present layout. Nothing is trained, and no result is changed.
"""

import argparse
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from vaebench import __version__
from vaebench.cells import baseline, kept, stamp, vae
from vaebench.cells.files import seal
from vaebench.cells.folder import FILES, NONE, TESTED, TRAINED, CellFolder
from vaebench.cells.found import found_elsewhere
from vaebench.cells.tested import described
from vaebench.errors import VaebenchError
from vaebench.files import digest, read_json, write_json
from vaebench.study.current import Stage, Upkeep
from vaebench.study.plan import Plan
from vaebench.study.product import PRODUCT
from vaebench.study.sources import importable
from vaebench.study.trials import Trials
from vaebench.study.written import merged

OF_TESTS = (
    *("test", "test_examples", "test_without_target", "metrics", "latents"),
    *("test_started_at", "test_seconds"),
)
"""Keys of ``summary.json`` that training did not write."""


@dataclass(frozen=True)
class Adopted:
    """What became of a study's finished stages: adopted, left alone for a reason, or current."""

    adopted: list[Stage]
    refused: dict[str, str]
    current: int


def adopt(plan: Plan) -> Adopted:
    """Adopt every finished stage whose specification is what the plan asks for.

    Raises:
        DataError: a file cannot be read or written.
    """
    trials = Trials(plan)
    for cell in plan.cells.values():
        _from_0_1(cell.folder, plan)
    stages = list(Upkeep(plan, trials).stages())
    old = {stage.folder for stage in stages if stage.name == "training" and not stage.as_planned}
    # a test names its training, whose seal will be another
    wanted = [stage for stage in stages if not stage.as_planned or stage.folder in old]
    reasons = {id(stage): _differs(plan, trials, stage) for stage in wanted}
    refused = {f"{s.folder.label} ({s.name})": reasons[id(s)] for s in wanted if reasons[id(s)]}
    # the test of a training that is refused is one of other weights
    lost = {s.folder for s in wanted if reasons[id(s)] and s.name == "training"}
    adopted = [s for s in wanted if not reasons[id(s)] and s.folder not in lost]
    for stage in adopted:
        _take_over(stage)
    return Adopted(adopted, refused, len(stages) - len(wanted))


def _take_over(stage: Stage) -> None:
    """Write the plan's stamp into the stage's seal, and a second name for the way back."""
    file = stage.folder.file(stage.files[-1])
    content = read_json(file)
    card = next(path for path in stage.inputs if path.name == "card.json")
    found = [path for path in stage.inputs if path not in (card, stage.trained)]
    before = content.get("stamp")
    opened = (before or {}).get("opened")
    place = stage.folder.place
    mark = stamp.complete(stage.wanted, card, found, stage.trained, place, opened=opened)
    adopted = {"adopted": {"by": __version__, "stamp": before}, "stamp": mark}
    if TRAINED[0] in stage.files:  # with the options that are new, at their defaults
        config = read_json(stage.folder.file(TRAINED[0]))
        resolve = baseline.resolve if config["strategy"]["name"] == NONE else vae.resolve
        write_json(stage.folder.file(TRAINED[0]), resolve(config))
    for name in ("training.json", "status.json"):
        if name in stage.files:  # a baseline has both
            old = {k: v for k, v in read_json(stage.folder.file(name)).items() if k != "files"}
            seal(stage.folder.path, name, old | adopted)
    kept.keep(stage.folder, stage.files, mark)


def _differs(plan: Plan, trials: Trials, stage: Stage) -> str:
    """Why the stage is not what the plan asks for; empty if it is, but for its code."""
    folder = stage.folder
    for name, wanted in read_json(folder.file(stage.files[-1]))["files"].items():
        if digest(folder.file(name)) != wanted:
            return f"{name} is not the file that was sealed"
    cell = plan.cell(folder) if folder.trial is None else trials.cell(folder)
    if stage.files[0] == TESTED[0]:
        summary = read_json(folder.file("summary.json"))
        about = described(plan.study.all_metrics)
        wrong = [n for n, each in summary["metrics"].items() if about.get(n) != each]
        wrong += [n for n in plan.study.metrics if n not in summary["metrics"]]
        return f"metrics other than the study asks for: {', '.join(wrong)}" if wrong else ""
    choice = trials.choice_of(cell)
    stages = {name: first.path for name, first in cell.stages.items()}
    spec = found_elsewhere(cell.spec, stages, Path(choice[0]) if choice else None, folder.place)
    resolve = baseline.resolve if cell.is_baseline else vae.resolve
    asked, trained = resolve(spec), resolve(read_json(folder.file("config.json")))
    keys = [key for key in {*asked, *trained} if asked.get(key) != trained.get(key)]
    return f"{', '.join(sorted(keys))} other than the study asks for" if keys else ""


def _from_0_1(cell: CellFolder, plan: Plan) -> None:
    """Give a finished cell of version 0.1 the seals and keys of the present layout."""
    if cell.file("training.json").exists() or not cell.finished:
        return
    if not all(cell.file(name).exists() for name in set(FILES) - {"training.json"}):
        return
    summary, status = read_json(cell.file("summary.json")), read_json(cell.file("status.json"))
    config = read_json(cell.file("config.json"))
    training = dict(config.get("training") or {})
    if "rule" in training:
        training["update_order"] = training.pop("rule")
    for setting in ("test_samples",):
        training.pop(setting, None)
    if training:
        training.setdefault("select", None)
    write_json(cell.file("config.json"), config | {"training": training})
    about = described(plan.study.all_metrics)
    summary["metrics"] = {n: each for n, each in about.items() if n in summary["test"]}
    trained = {key: value for key, value in summary.items() if key not in OF_TESTS}
    write_json(cell.file("summary.json"), summary)
    mark = {"stamp": {"version": "0.1"}}
    said = {key: status[key] for key in ("status", "reason")}
    seal(cell.path, TRAINED[-1], said | trained | mark)
    seal(cell.path, TESTED[-1], said | mark)


def main(arguments: Sequence[str]) -> None:
    """Adopt the finished cells of a study."""
    parser = argparse.ArgumentParser(
        prog="vaebench adopt",
        description="Take finished cells over into a newer version of the code.",
        epilog="example: vaebench adopt config.yaml",
    )
    parser.add_argument(
        "config", type=Path, nargs="+", help="the study's config file; of several, a later one wins"
    )
    parser.add_argument("--results", help="the folder of results, where the config has another")
    given = parser.parse_args(arguments)
    try:
        config = merged(given.config)
        importable(Path(__file__).parents[2], [path.parent for path in given.config])
        plan = Plan(config | ({"results": given.results} if given.results else {}))
        done = adopt(plan)
    except VaebenchError as error:
        sys.exit(f"vaebench: {error}")
    _forget_parameters(done.adopted)
    for line in _lines(done, plan):
        print(line)  # noqa: T201
    if done.refused and not done.adopted and not done.current:
        sys.exit(1)


def _lines(done: Adopted, plan: Plan) -> Iterator[str]:
    cells = {stage.folder for stage in done.adopted}
    yield f"{plan.folder}: adopted {len(cells)} cells; {done.current} stages were current"
    for name, reason in done.refused.items():
        yield f"{name}: not adopted: {reason}"


def _forget_parameters(stages: Sequence[Stage]) -> None:
    """Snakemake's record of the parameters that made these files, which are others now."""
    files = [str(path) for stage in stages for path in stage.paths]
    for first in range(0, len(files), 1_000):
        command = [sys.executable, "-m", "snakemake", "--cores", "1", "--quiet", "all"]
        command += ["--snakefile", str(PRODUCT / "Snakefile")]
        command += ["--cleanup-metadata", *files[first : first + 1_000]]
        subprocess.run(command, capture_output=True, check=False)  # noqa: S603 (our own words)


if __name__ == "__main__":
    main(sys.argv[1:])
