"""How MLflow's pages show an experiment at the first click: charts by strategy, and a table.

MLflow keeps a view that somebody shares as a tag of the experiment; ours are such views. A version
of MLflow that reads them otherwise shows its usual one.
"""

import base64
import json
import zlib
from typing import Any

PLACE = "mlflow.sharedViewState."
"""How the name of such a tag begins."""

CHARTS: dict[str, Any] = {
    "groupBy": {
        "aggregateFunction": "average",
        "groupByKeys": [{"mode": "tag", "groupByData": "strategy"}],
    },
    "useGroupedValuesInCharts": True,
    "hideEmptyCharts": True,
    "runsHiddenMode": "SHOWALL",
}

TABLE: dict[str, Any] = {"groupBy": None, "viewMaximized": True}


def views(metric: str | None) -> dict[str, str]:
    """Tag → view; a table only where there is a ``metric`` of the test part to show."""
    found = {f"{PLACE}charts": _packed(CHARTS)}
    if metric:
        columns = [f"metrics.`{what}/{metric}`" for what in ("mean", "low", "high")]
        order = {"orderByKey": columns[0], "orderByAsc": False}
        columns.append(f"metrics.`test/{metric}`")
        found[f"{PLACE}table"] = _packed(TABLE | {"selectedColumns": columns} | order)
    return found


def links(experiment: str, metric: str | None) -> str:
    """Where MLflow's own pages show the views, as Markdown."""
    place = f"#/experiments/{experiment}/runs?viewStateShareKey="
    found = [f"[Charts by strategy]({place}charts&compareRunsMode=CHART)"]
    if metric:
        found.append(f"[table of strategies]({place}table)")
    return " · ".join(found)


def _packed(state: dict[str, Any]) -> str:
    """JSON, compressed as MLflow's pages do it."""
    packed = zlib.compress(json.dumps(state).encode())
    return f"deflate;{base64.b64encode(packed).decode()}"
