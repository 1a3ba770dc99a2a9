"""The best cell of a strategy as a logged model of MLflow, where ``tracking.models`` asks for it.

The best is that of the highest selected value of the validation metric; the test part chooses
nothing. The model has the selected weights and the configuration that they belong to; MLflow shows
it beside its run. Nothing in it is executed to read it: weights are Safetensors, the rest is JSON.
"""

from collections.abc import Mapping, Sequence

from mlflow import MlflowClient

from vaebench.cells.folder import NONE
from vaebench.sharing.runs import CONTENT, KEY, Finished

FILES = ("best.safetensors", "config.json", "training.json")
"""What a model is made of."""


def best_of(cells: Sequence[Finished]) -> Finished | None:
    """The best of a strategy's cells; None of baselines, and where none has a result."""
    done = [each for each in cells if each.done and each.cell.strategy != NONE]
    return max(done, key=_selected, default=None)


def _selected(found: Finished) -> float:
    """The validation metric at the selected epoch; higher is better."""
    return float(found.summary["selected"][f"validation_{found.summary['selecting']}"])


def log_best(
    client: MlflowClient, home: str, cells: Sequence[Finished], runs: Mapping[str, str]
) -> None:
    """Log the best of a strategy's cells as its model, in the place of another.

    Args:
        client: of MLflow.
        home: the experiment.
        cells: all that are finished.
        runs: a cell's label → its run.
    """
    best = best_of(cells)
    group = cells[0].cell.group if cells else ""
    whole = False
    for model in client.search_logged_models([home], f"tags.`{KEY}` = '{group}'"):
        same = best is not None and model.tags.get(CONTENT) == best.content
        if same and not whole and model.status == "READY":
            whole = True
        else:
            client.delete_logged_model(model.model_id)
    if best is None or whole:
        return
    cell = best.cell
    made = client.create_logged_model(
        home,
        f"{cell.strategy}-{cell.model}",
        source_run_id=runs[cell.label],
        tags={KEY: group, CONTENT: best.content, "cell": cell.label},
        model_type="vaebench",
    )
    for name in FILES:
        client.log_model_artifact(made.model_id, str(cell.file(name)))
    client.finalize_logged_model(made.model_id, "READY")
