"""The views that an experiment links to, read as MLflow's pages read them."""

import base64
import json
import zlib

from vaebench.sharing.view import PLACE, links, views


def test_a_view_is_what_mlflow_unpacks() -> None:
    found = views("ndcg_100")
    head, _, packed = found[f"{PLACE}charts"].partition(";")
    state = json.loads(zlib.decompress(base64.b64decode(packed)))
    assert head == "deflate"
    assert state["groupBy"]["groupByKeys"] == [{"mode": "tag", "groupByData": "strategy"}]
    table = json.loads(zlib.decompress(base64.b64decode(found[f"{PLACE}table"][8:])))
    assert "metrics.`low/ndcg_100`" in table["selectedColumns"]


def test_every_link_leads_to_a_view_that_there_is() -> None:
    for metric in (None, "elbo"):
        keys = {part.partition("&")[0].partition(")")[0] for part in _keys(links("7", metric))}
        assert {f"{PLACE}{key}" for key in keys} == set(views(metric))


def _keys(text: str) -> list[str]:
    return text.split("viewStateShareKey=")[1:]
