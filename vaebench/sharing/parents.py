"""Runs that stand above others: one a strategy over its seeds, one a tuning over its trials.

The first has for every metric of the test part the mean over the seeds that are finished, with
Student's interval: ``mean/…``, ``low/…``, ``high/…``; the second the best validation value so far,
``best/…``. Their steps count finished members, in the order of their ends, so that the last value
is that of all and the chart shows how it came about. The order is a matter of the files alone:
who follows a study and who mirrors it at its end write the same.
"""

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from mlflow import MlflowClient
from mlflow.entities import Metric, Run

from vaebench.cells.folder import CellFolder
from vaebench.sharing import runs
from vaebench.sharing.runs import KEY, PARENT, Finished
from vaebench.statistics.seeds import mean_over_seeds

OF = "vaebench.members"
"""Tag: how many members are counted, and a digest of them."""


@dataclass(frozen=True)
class Result:
    """What a parent must know of a finished member."""

    label: str
    content: str
    end: int
    done: bool
    values: Mapping[str, float]

    @classmethod
    def of(cls, found: Finished) -> "Result":
        """Of a finished cell, or trial."""
        section = "test/" if found.cell.trial is None else "best/validation_"
        values = {m.key: m.value for m in found.finals() if m.key.startswith(section)}
        return cls(found.cell.label, found.content, found.end, found.done, values)


def key_of(cell: CellFolder) -> str:
    """What the parent of a cell, or trial, mirrors."""
    return cell.group if cell.trial is None else f"tuning/{cell.group}"


class Parent:
    """The run above ``members``, in the experiment ``home``."""

    def __init__(self, client: MlflowClient, members: Sequence[CellFolder]) -> None:
        self.client, self.members = client, members
        self.key = key_of(members[0])
        self.run, self.is_new = "", False
        self._tags: dict[str, str] = {}
        self._status = ""

    def find(self, home: str, there: Sequence[Run], study: str, look: tuple[str, int]) -> "Parent":
        """The run, made if need be, with this ``look``: its colour, and its start in ms."""
        one = self.members[0]
        colour, start = look
        mine = runs.keep(self.client, there, lambda run: run.info.start_time == start)
        self.is_new = mine is None
        if mine is None:
            what = "strategy" if one.trial is None else "tuning"
            names = {"dataset": one.dataset, "model": one.model, "strategy": one.strategy}
            name = f"{one.strategy} · {one.model}"
            mine = self.client.create_run(
                home,
                start_time=start,
                tags={KEY: self.key, "study": study, "status": what, **names}
                | {"mlflow.runColor": colour, OF: "0 "}
                | runs.SOURCE,
                run_name=name if one.trial is None else f"tuning of {name}",
            )
        self.run, self._tags, self._status = mine.info.run_id, mine.data.tags, mine.info.status
        return self

    def is_of(self, results: Sequence[Result]) -> bool:
        """Whether what it has counted are the first of these members."""
        count = int(self._tags[OF].split()[0])
        return count <= len(results) and self._tags[OF] == counted(results[:count])

    def update(self, results: Sequence[Result], confidence: float, *, runs_on: bool) -> None:
        """Count the members that are new; ``runs_on``: there will be more of them."""
        known = int(self._tags[OF].split()[0])
        metrics = [
            metric
            for count in range(known + 1, len(results) + 1)
            for metric in _metrics(results[:count], confidence)
        ]
        if metrics:
            runs.log(self.client, self.run, metrics, tags={OF: counted(results)})
        status = self._ended(results) or ("RUNNING" if runs_on else "KILLED")
        if status == self._status:
            return
        if status == "RUNNING":
            self.client.update_run(self.run, status)
        else:
            ends = [result.end for result in results]
            self.client.set_terminated(self.run, status, max(ends) if ends else None)

    def _ended(self, results: Sequence[Result]) -> str:
        if len(results) < len(self.members):
            return ""
        return "FINISHED" if any(result.done for result in results) else "FAILED"

    def adopt(self, children: Sequence[str]) -> None:
        """Stand above these runs, in the place of another."""
        for child in children:
            self.client.set_tag(child, PARENT, self.run)


def _metrics(results: Sequence[Result], confidence: float) -> Iterator[Metric]:
    """What the last one of ``results`` changes."""
    step, time = len(results), results[-1].end
    done = [result for result in results if result.done]
    yield Metric("failed", float(step - len(done)), time, step)
    yield Metric("finished", float(len(done)), time, step)
    for name in dict.fromkeys(name for result in done for name in result.values):
        values = [result.values[name] for result in done if name in result.values]
        section, _, rest = name.partition("/")
        if section == "best":
            yield Metric(name, max(values), time, step)
            continue
        found = mean_over_seeds(values, confidence)
        for what in ("mean", "low", "high"):
            if math.isfinite(value := getattr(found, what)):
                yield Metric(f"{what}/{rest}", value, time, step)


def counted(results: Sequence[Result]) -> str:
    """How many members are counted, and a digest of them: the tag ``OF``."""
    text = "\n".join(f"{result.label} {result.content}" for result in results)
    return f"{len(results)} {hashlib.sha256(text.encode()).hexdigest()[:16] if results else ''}"
