"""What do the live trace, the follower, `vaebench status` and a large store of MLflow cost?

    python benchmarks/tracker.py [--runs 10000] [--rows 200]

- a line of the live trace, against an epoch of the smallest study that comes with vaebench;
- a look of the follower at so many cells of which nothing is new, and `vaebench status` of them;
- the mirror in a store of so many runs: all of them again, one more epoch, one more cell;
- what MLflow's pages ask a server for in that store: a page of runs, one strategy's, one chart.

One cell is trained; the others are links to its files, and copies of its rows in the store.
"""

import argparse
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from vaebench.cells import test, vae
from vaebench.cells.live import LiveTrace
from vaebench.components import create
from vaebench.machine.leases import alone
from vaebench.sharing.tracking import Mirror
from vaebench.study.plan import Plan
from vaebench.study.standing import Standings

SEEDS = 100
STRATEGIES = ("constant", "linear", "cyclical", "cosine", "step")
PORT = 5093

STUDY: dict[str, Any] = {
    "name": "large",
    "seeds": SEEDS,
    "control": "constant",
    "training": {"epochs": 5, "batch_size": 100, "device": "cpu"},
    "datasets": {"digits": {"class": "digits.Digits"}},
    "models": {},
    "strategies": {name: {"class": f"{name}.{name.title()}"} for name in STRATEGIES},
    "grid": [],
}

COPIED = ("params", "tags", "metrics", "latest_metrics")
"""Tables of the store with rows of a run."""


def timed(name: str, work: Callable[[], Any], repeats: int = 1) -> None:
    """Print wall and CPU seconds: the least of so many repetitions."""
    best = (float("inf"), float("inf"))
    for _ in range(repeats):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        best = min(best, (time.perf_counter() - wall, time.process_time() - cpu))
    print(f"| {name} | {best[0]:.4f} | {best[1]:.4f} |", flush=True)


def plan_of(home: Path, cells: int) -> Plan:
    """A study of so many cells, at least."""
    models = max(1, cells // (SEEDS * len(STRATEGIES)))
    mlp = {"class": "bernoulli_mlp.BernoulliMLP", "hidden": [8], "latents": 2}
    names = [f"mlp-{number}" for number in range(models)]
    blocks = [{"dataset": "digits", "model": m, "strategies": [*STRATEGIES]} for m in names]
    return Plan(STUDY | {"results": str(home), "models": dict.fromkeys(names, mlp), "grid": blocks})


def fill(plan: Plan) -> Mirror:
    """Train one cell, link the others to it, mirror one and copy its rows."""
    cells = list(plan.cells.values())
    data = plan.folder / "data/digits"
    source = {"name": None, "sha256": None}
    create("vaebench.datasets", {"class": "digits.Digits"}).write_split(None, data, source)
    first = cells[0].folder
    vae.run(cells[0].spec, data, first.path)
    test.run(first.path, data, plan.study.all_metrics, samples=1)
    config = plan.study.model_dump()
    Mirror(config, [first.path]).update([data / "card.json"], [])
    for cell in cells[1:-1]:
        cell.folder.path.mkdir(parents=True)
        for file in first.path.iterdir():
            os.link(file, cell.folder.path / file.name)
    with closing(sqlite3.connect(plan.folder.parent / "mlflow.db")) as store:
        _copy(store, first.label, [cell.folder.label for cell in cells[1:-1]])
        store.commit()
    return Mirror(config, [cell.folder.path for cell in cells])


def _copy(store: sqlite3.Connection, key: str, labels: list[str]) -> None:
    tag = "SELECT run_uuid FROM tags WHERE key = 'vaebench.key' AND value = ?"
    (run,) = store.execute(tag, (key,)).fetchone()
    rows = {t: _rows(store, t, run) for t in ("runs", *COPIED)}
    for label in labels:
        new = uuid.uuid4().hex
        dataset, model, strategy, seed = label.split("/")
        told = {"vaebench.key": label, "model": model, "strategy": strategy}
        told |= {"dataset": dataset, "seed": seed.removeprefix("seed-")}
        for table, found in rows.items():
            for row in found:
                changed = row | {"run_uuid": new}
                if table == "tags":
                    changed["value"] = told.get(row["key"], row["value"])
                marks = ", ".join("?" * len(changed))
                columns = ", ".join(changed)
                store.execute(
                    f"INSERT INTO {table} ({columns}) VALUES ({marks})",  # noqa: S608
                    list(changed.values()),
                )


def _rows(store: sqlite3.Connection, table: str, run: str) -> list[dict[str, Any]]:
    found = store.execute(f"SELECT * FROM {table} WHERE run_uuid = ?", (run,))  # noqa: S608
    names = [column[0] for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found]


@contextmanager
def server(database: Path) -> Iterator[Callable[[str, dict[str, Any]], Any]]:
    """MLflow's server on the store, as `vaebench ui` starts it; asks it as its pages do."""
    command = [sys.executable, "-m", "mlflow", "server", "--workers", "1", "--port", str(PORT)]
    environment = os.environ | {
        "MLFLOW_BACKEND_STORE_URI": f"sqlite:///{database}",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)  # noqa: S603
    home = f"http://127.0.0.1:{PORT}/ajax-api/2.0/mlflow"

    def ask(what: str, given: dict[str, Any]) -> Any:  # noqa: ANN401
        data = json.dumps(given).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{home}/{what}", data, headers)  # noqa: S310
        with urllib.request.urlopen(request) as answer:  # noqa: S310
            return json.load(answer)

    try:
        for _ in range(600):
            try:
                ask("experiments/search", {"max_results": 10})
                break
            except OSError:
                time.sleep(0.1)
        yield ask
    finally:
        process.terminate()
        process.wait()


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--rows", type=int, default=200)
    given = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="tracker-"))
    print("| | wall s | CPU s |\n|---|---:|---:|")
    try:
        measure(home, given.runs, given.rows)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def measure(home: Path, runs: int, rows: int) -> None:
    """See :func:`main`."""
    columns = ("distortion", "rate", "elbo", "beta", "beta_q50", "validation_elbo", "seconds")
    trace = [dict.fromkeys(columns, 1 / 3) | {"updates": n, "epoch": n} for n in range(1, rows + 1)]
    live = LiveTrace(home / "one").watch({"config": STUDY})
    timed(f"{rows} epochs of a live trace", lambda: [live(trace[:n]) for n in range(rows)])
    plan = plan_of(home, runs)
    mirror, cards = fill(plan), [plan.folder / "data/digits/card.json"]
    last = list(plan.cells.values())[-1]
    count = len(plan.cells)
    timed(
        f"mirror {count} cells again, unchanged but for what stands above them",
        (lambda: mirror.update(cards, [])),
    )
    timed("a look at them, nothing new", lambda: mirror.update(cards, []), 5)
    standings = Standings(plan)
    timed("`vaebench status` of them", standings.look)
    timed("once more, as --watch does", standings.look, 5)
    live, cell = LiveTrace(last.folder.path), last.folder

    def watch(head: dict[str, Any]) -> Any:  # noqa: ANN401
        write = live.watch(head)

        def look(trace: Any) -> None:  # noqa: ANN401
            write(trace)
            what = f"epoch {len(trace)} of one more" if trace else "one more cell begins"
            timed(what, lambda: mirror.update(cards, []))

        return look

    with alone(cell.path):
        vae.run(last.spec, cards[0].parent, cell.path, watch=watch)
        live.end()
        test.run(cell.path, cards[0].parent, plan.study.all_metrics, samples=1)
    timed("it is finished", lambda: mirror.update(cards, []))
    with server(home / "mlflow.db") as ask:
        found = ask("experiments/search", {"max_results": 10})["experiments"]
        place = [e["experiment_id"] for e in found if e["name"].endswith("digits")]
        page = {"experiment_ids": place, "max_results": 100, "run_view_type": "ACTIVE_ONLY"}
        order = {"order_by": ["attributes.start_time DESC"]}
        mine = {"filter": "tags.strategy = 'linear'"}
        best = {"order_by": ["metrics.`test/elbo` DESC"]}
        timed("a page of 100 runs", lambda: ask("runs/search", page | order), 3)
        timed("those of one strategy", lambda: ask("runs/search", page | order | mine), 3)
        timed("the best 100", lambda: ask("runs/search", page | best), 3)
        ids = [r["info"]["run_id"] for r in ask("runs/search", page | order)["runs"]][:20]
        chart = "metrics/get-history-bulk?metric_key=train/elbo&max_results=320&"
        url = chart + "&".join(f"run_id={run}" for run in ids)

        def get() -> None:
            home_ = f"http://127.0.0.1:{PORT}/ajax-api/2.0/mlflow"
            urllib.request.urlopen(f"{home_}/{url}").read()  # noqa: S310

        timed("a chart of 20 runs", get, 3)


if __name__ == "__main__":
    main()
