"""Evidence → pages. Every link is relative, every page stands without a network or a script."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
from markupsafe import Markup

from vaebench import __version__
from vaebench.components import find
from vaebench.records.compared import Over
from vaebench.records.page import DECIDED, titled
from vaebench.records.printed import bounds, listed, number, probability, signed
from vaebench.records.schema import FILES, RECORD, Record
from vaebench.sharing import citations
from vaebench.sharing.site import drawn
from vaebench.sharing.site.curves import curve
from vaebench.sharing.site.evidence import HOME, Answer, Board, Evidence, shipped
from vaebench.sharing.site.words import said
from vaebench.statistics.across import FEWEST_TESTED

DECISIONS = ("better", "worse", "equal within the margin")
"""Verdicts that say something; the others are ``undecided``, ``exploratory``, ``no test``."""

MENU = (
    ("index.html", "Answer"),
    ("undecided.html", "Not decided yet"),
    ("strategies/index.html", "Strategies"),
    ("boards/index.html", "Leaderboards"),
    ("studies/index.html", "Studies"),
    ("contribute.html", "Contribute"),
)


class Pages:
    """The pages of a site, by path."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence, self.shipped = evidence, shipped()
        environment = jinja2.Environment(
            loader=jinja2.PackageLoader("vaebench.sharing.site"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        last = [entry.record.about["measured"]["last"][:10] for entry in evidence.entries]
        environment.globals |= {
            "entries": evidence.entries,
            "version": __version__,
            "until": max(last, default="no study"),
            "menu": MENU,
        }
        self.environment = environment

    def all(self) -> Iterator[tuple[str, str]]:
        """Path and content of every page."""
        yield self._page("index.html", "index", **self._answer())
        yield self._page("undecided.html", "undecided", **self._undecided())
        yield self._page("contribute.html", "contribute")
        yield self._page("strategies/index.html", "strategies", cards=self._cards())
        for path in self.classes:
            yield self._page(f"strategies/{path}.html", "strategy", **self._strategy(path))
        boards: dict[tuple[str, str], list[Board]] = {}
        for board in self.boards:
            boards.setdefault((board.dataset, board.model), []).append(board)
        listed = [_listed(board) for board in self.boards]
        yield self._page("boards/index.html", "boards", boards=listed)
        for (dataset, model), mine in boards.items():
            content = self._board(dataset, model, mine)
            yield self._page(f"boards/{dataset}/{model}.html", "board", **content)
        studies = [_summary(entry.record, entry.recomputed) for entry in self.evidence.entries]
        yield self._page("studies/index.html", "studies", studies=studies)
        for entry in self.evidence.entries:
            yield self._page(f"studies/{entry.name}.html", "study", **self._study(entry.name))

    @cached_property
    def boards(self) -> list[Board]:
        """All of them, read once."""
        return self.evidence.boards()

    @cached_property
    def classes(self) -> list[str]:
        """The classes of strategies that have a page: all of vaebench's, and those of studies."""
        return sorted({*self.shipped, *self.evidence.classes()})

    def _page(self, file: str, template: str, **content: Any) -> tuple[str, str]:  # noqa: ANN401
        section = file if file in dict(MENU) else f"{file.partition('/')[0]}/index.html"
        text = self.environment.get_template(f"{template}.html.jinja").render(
            top="../" * file.count("/"), here=file, section=section, **content
        )
        return file, text

    def _answer(self) -> dict[str, Any]:
        answers = [self._answered(answer) for answer in self.evidence.answers]
        return {"answers": answers, "sentences": self._sentences(), "fewest": FEWEST_TESTED}

    def _sentences(self) -> Iterator[str]:
        """The answer in a few words; what nobody computed again is called reported."""
        sets = {name for entry in self.evidence.entries for name in entry.record.about["datasets"]}
        count, done = (
            len(self.evidence.entries),
            sum(entry.recomputed for entry in self.evidence.entries),
        )
        yield (
            f"{_many(count, 'study', 'studies')} on {_many(len(sets), 'data set')}; "
            f"{done or 'none'} of them recomputed here"
            f"{'.' if done else ', so nothing is ranked yet.'}"
        )
        for answer in self.evidence.answers[:1]:
            how = "" if answer.recomputed else "Reported: "
            for over in answer.results.over if answer.results else []:
                yield f"{how}{_first(titled(over))}: {_short(over)}"

    def _answered(self, answer: Answer) -> dict[str, Any]:
        results = answer.results
        return {
            "recomputed": answer.recomputed,
            "skipped": answer.skipped,
            "groups": [self._group(answer, over) for over in results.over] if results else [],
            "hypotheses": [
                {"name": name, "text": one["text"], "answer": results.answers[name]}
                for name, one in results.asked.items()
            ]
            if results
            else [],
        }

    def _group(self, answer: Answer, over: Over) -> dict[str, Any]:
        kind, unit, block = over.group
        table, rows = over.registered, self.evidence.rows
        headline = len(over.units) >= FEWEST_TESTED
        if answer.recomputed:
            table = table.sort_values("mean", ascending=False, kind="stable")
        ends = ("joint_low", "joint_high", "predicted_low", "predicted_high")
        most = drawn.reach(table, *ends)
        mine = rows[(rows["kind"] == kind) & (rows["block"] == block) & ~rows["is_control"]]
        paths = dict(zip(mine["label"], mine["class"], strict=True))
        return {
            "title": f"{_first(titled(over))}, {' / '.join(dict.fromkeys(mine['metric']))}",
            "units": over.units,
            "measure": unit,
            "axis": _axis(most),
            "headline": headline,
            "ranged": bool(table["within"].notna().any()),
            "sentence": _best(table, unit) if headline and answer.recomputed else _few(headline),
            "rows": [
                {
                    "label": row.strategy,
                    "path": paths.get(row.strategy, ""),
                    "units": row.units,
                    "mean": signed(row.mean, unit),
                    "joint": bounds(row.joint_low, row.joint_high, unit),
                    "bar": drawn.bar(
                        row.joint_low,
                        row.mean,
                        row.joint_high,
                        most,
                        (row.predicted_low, row.predicted_high),
                    ),
                    "p": probability(row.p_holm),
                    "predicted": bounds(row.predicted_low, row.predicted_high, unit),
                    "true": bounds(row.true_low, row.true_high, unit),
                    "range": bounds(row.least, row.most, unit),
                    "within": number(row.within, "nats"),
                }
                for row in table.itertuples()
            ],
        }

    def _undecided(self) -> dict[str, Any]:
        rows, tried = self.evidence.undecided(), set(self.evidence.rows["class"])
        tried = {path for path in tried if len(self.evidence.of_class(str(path)))}
        entries = self.evidence.entries
        return {
            "over": list(self._open()),
            "rows": [
                _row(row, 1.0)
                | {
                    "margin": number(row.margin, row.measure),
                    "margins": number(row.margins, "nats"),
                }
                for row in rows.rename(columns={"class": "path"}).itertuples()
            ],
            "never": [path for path in self.shipped if path not in tried],
            "reported": [entry.name for entry in entries if not entry.recomputed],
        }

    def _open(self) -> Iterator[str]:
        """What is open over data sets, a sentence each."""
        for answer in self.evidence.answers:
            kind = "recomputed" if answer.recomputed else "reported"
            for over in answer.results.over if answer.results else []:
                names = list(over.registered["strategy"])
                if len(over.units) < FEWEST_TESTED:
                    yield (
                        f"{_first(titled(over))} ({kind}): {_many(len(over.units), 'unit')} of "
                        f"data; {FEWEST_TESTED} are needed before anything is said of "
                        f"{', '.join(names)}."
                    )
                    continue
                rows = over.registered[~(over.registered["p_holm"] < DECIDED)]
                for row in rows.itertuples():
                    yield (
                        f"{_first(titled(over))} ({kind}): {row.strategy}, "
                        f"{signed(row.mean, over.group[1])} "
                        f"{bounds(row.joint_low, row.joint_high, over.group[1])}."
                    )

    def _cards(self) -> Iterator[dict[str, Any]]:
        for path in self.classes:
            rows = self.evidence.of_class(path)
            found = rows["verdict"].value_counts()
            words = ", ".join(
                f"{verdict} on {found[verdict]}"
                for verdict in (*DECISIONS, "undecided")
                if found.get(verdict, 0)
            )
            yield {
                "path": path,
                "name": path.rpartition(".")[2],
                "curve": _picture(path)[0] if path in self.shipped else "",
                "words": words or "no decision yet",
            }

    def _strategy(self, path: str) -> dict[str, Any]:
        rows = self.evidence.of_class(path)
        content: dict[str, Any] = {"name": path.rpartition(".")[2], "path": path, "formula": ""}
        if path in self.shipped:
            formula, text = said(find(HOME, path))
            picture, low, high, words = _picture(path)
            content |= {
                "formula": formula,
                "text": text,
                "picture": picture,
                "papers": list(_papers(path)),
            }
            content |= {"top_value": high, "bottom_value": low, "caption": words}
        controls = self.evidence.rows[self.evidence.rows["is_control"]]
        return content | {
            "rows": _rows(rows, _reach(rows)),
            "axis": _axis(_reach(rows)),
            "helps": list(_where(rows, ("better",))),
            "hurts": list(_where(rows, ("worse", "equal within the margin"))),
            "is_control": path in set(controls["class"]),
        }

    def _board(self, dataset: str, model: str, boards: Sequence[Board]) -> dict[str, Any]:
        kind = {
            entry.record.about["datasets"][dataset]["kind"]
            for entry in self.evidence.entries
            if dataset in entry.record.about["datasets"]
        }
        about = f"Data of {' and '.join(sorted(kind))}. "
        about += "Only what was computed again from stored weights has a rank."
        return {
            "dataset": dataset,
            "model": model,
            "about": about,
            "boards": [
                {
                    "metric": board.metric,
                    "measure": board.measure,
                    "setting": board.setting,
                    "axis": _axis(_reach(board.both)),
                    "ranked": _rows(board.ranked, _reach(board.both)),
                    "reported": _rows(board.reported, _reach(board.both)),
                }
                for board in boards
            ],
        }

    def _study(self, name: str) -> dict[str, Any]:
        entry = self.evidence.by_name[name]
        about, rows = entry.record.about, self.evidence.rows
        mine = rows[rows["study"] == name]
        section = about["config"].get("registration") or {}
        state = about["state"]
        failed = [f"{cell}: {why}" for cell, why in state["failed"].items()]
        sizes = {file: (entry.folder / file).stat().st_size for file in (RECORD, *FILES.values())}
        return {
            "name": name,
            "recomputed": entry.recomputed,
            "how": entry.how,
            "facts": list(_facts(entry.record)),
            "boards": [
                {
                    "dataset": dataset,
                    "model": block,
                    "metric": part["metric"].iloc[0],
                    "control": about["question"]["control"],
                    "axis": _axis(_reach(part)),
                    "rows": _rows(part, _reach(part)),
                }
                for (dataset, block), part in mine.groupby(["dataset", "block"], sort=False)
            ],
            "hypotheses": [
                {"name": key, "text": one["text"]}
                for key, one in section.get("hypotheses", {}).items()
            ],
            "absent": [*failed, *(f"{cell}: not finished" for cell in state["missing"])],
            "datasets": [
                {"name": key, "facts": list(_data(one))} for key, one in about["datasets"].items()
            ],
            "files": [(file, _bytes(size)) for file, size in sizes.items()],
        }


def _papers(path: str) -> Iterator[tuple[str, str | None]]:
    """The works behind a strategy, and their addresses; this software is none of them."""
    for key in citations.keys(HOME, path) or ():
        if key != citations.SOFTWARE:
            work = citations.bibliography()[key]
            yield work.plain, work.address


def _short(over: Over) -> str:
    """What a group says, in a sentence."""
    if len(over.units) < FEWEST_TESTED:
        units = _many(len(over.units), "unit")
        return f"{units} of data, too few for a headline (at least {FEWEST_TESTED})."
    found = over.registered[over.registered["p_holm"] < DECIDED]
    return f"decided against the control: {listed(found, over.group[1]) or 'nothing'}."


def _many(count: int, one: str, many: str | None = None) -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"


def _first(text: str) -> str:
    return text[:1].upper() + text[1:]


def _few(headline: bool) -> str:  # noqa: FBT001
    return "" if headline else f"Fewer than {FEWEST_TESTED} units: no headline."


def _best(table: pd.DataFrame, unit: str) -> str:
    """The best of a group, with what a new data set will show."""
    return " ".join(
        f"Best of {len(table)}: {row.strategy}, {signed(row.mean, unit)} "
        f"{bounds(row.joint_low, row.joint_high, unit)}, at the level of a choice among "
        f"{len(table)}; a new data set will show "
        f"{bounds(row.predicted_low, row.predicted_high, unit)}."
        for row in table[table["best"]].itertuples()
    )


def _row(row: Any, most: float) -> dict[str, Any]:  # noqa: ANN401 (a row of a frame)
    """A row of the evidence for people."""
    unit = row.measure
    return {
        **{key: getattr(row, key) for key in ("study", "dataset", "label", "options", "verdict")},
        "model": row.block,
        "path": getattr(row, "path", ""),
        "rank": getattr(row, "rank", ""),
        "mean": number(row.mean, unit).replace("-", "−"),
        "difference": "–" if row.is_control else signed(row.difference, unit),
        "joint": "–" if row.is_control else bounds(row.joint_low, row.joint_high, unit),
        "bar": drawn.bar(row.joint_low, row.difference, row.joint_high, most),
        "p": "–" if row.is_control else probability(row.p_holm),
        "beta": "–" if pd.isna(row.beta) else f"{row.beta:.3g}",
        "replicates": row.replicates,
        "recomputed": row.recomputed,
    }


def _rows(rows: pd.DataFrame, most: float) -> list[dict[str, Any]]:
    shown = rows.rename(columns={"class": "path"})
    return [_row(row, most) for row in shown.itertuples()]


def _reach(rows: pd.DataFrame) -> float:
    return drawn.reach(rows, "joint_low", "joint_high") if len(rows) else 1.0


def _axis(most: float) -> str:
    """Both ends of a drawn axis."""
    return f"−{most:.2g} to +{most:.2g}"


def _where(rows: pd.DataFrame, verdicts: Sequence[str]) -> Iterator[str]:
    """Where a verdict is, a sentence each."""
    for row in rows[rows["verdict"].isin(verdicts)].itertuples():
        state = "recomputed" if row.recomputed else "reported, not recomputed"
        interval = bounds(row.joint_low, row.joint_high, row.measure)
        yield (
            f"{row.dataset}, {row.block}, as {row.label}: {row.verdict}, "
            f"{signed(row.difference, row.measure)} {interval} in {row.metric} ({state})."
        )


def _listed(board: Board) -> dict[str, Any]:
    first = board.ranked["label"].iloc[0] if len(board.ranked) else "–"
    counts = {"ranked": len(board.ranked), "reported": len(board.reported)}
    names = {"dataset": board.dataset, "model": board.model, "metric": board.metric}
    return {**names, **counts, "first": first}


def _summary(record: Record, recomputed: bool) -> dict[str, Any]:  # noqa: FBT001
    about, opening = record.about, record.about["opening"]
    state = about["state"]
    return {
        "name": record.name,
        "data": ", ".join(about["datasets"]),
        "cells": f"{state['finished']} of {state['planned']}",
        "replicates": int(record.tables["cells"]["seed"].nunique()),
        "registered": f"{opening['registration'][:12]}" if opening else "nothing",
        "until": about["measured"]["last"][:10],
        "recomputed": recomputed,
    }


def _facts(record: Record) -> Iterator[tuple[str, str]]:
    about = record.about
    question, opening, state = about["question"], about["opening"], about["state"]
    yield "control", str(question["control"])
    yield "primary metric", ", ".join(dict.fromkeys(about["primary"].values()))
    yield "level of intervals", f"{question['confidence']:.0%}"
    margin = question.get("margin")
    yield (
        "margin",
        str(
            margin
            if not isinstance(margin, Mapping)
            else ", ".join(f"{key} {value}" for key, value in margin.items())
        ),
    )
    yield "cells", f"{state['finished']} of {state['planned']} finished"
    yield f"{about['seed_is']}s", str(record.tables["cells"]["seed"].nunique())
    yield "trials of tuning", str(len(record.tables["trials"]))
    if opening:
        yield "registration", str(opening["registration"])
        yield "test part opened", str(opening["opened_at"])
    else:
        yield "registration", "none: everything is exploratory"
    yield "measured", f"{about['measured']['first']} to {about['measured']['last']}"
    made = about["made_with"]
    for what, said_of in (("versions", _pairs), ("commits", _pairs), ("machines", _pairs)):
        if made[what]:
            yield what, "; ".join(said_of(each) for each in made[what])


def _pairs(each: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in each.items())


def _data(about: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "kind", str(about["kind"])
    yield "licence", str(about["licence"])
    if about["cite"]:
        yield "cite", str(about["cite"])
    source = about["source"] or {}
    if source.get("name"):
        yield "raw file", f"{source['name']}, SHA-256 {source.get('sha256')}"
    yield "first split", _pairs(about["splits"][0]["counts"])


def _bytes(size: int) -> str:
    return f"{size / 1024:.0f} KiB" if size < 2**20 else f"{size / 2**20:.1f} MiB"


@cache
def _picture(path: str) -> tuple[Markup, str, str, str]:
    """The picture of β(t), the ends of its axis, and its caption."""
    found = curve(path)
    bottom, top = drawn.span(found.low, found.high)
    mean = found.mean
    alt = (
        f"β over training: {mean[0]:.3g} at the start, {mean[len(mean) // 2]:.3g} in the middle, "
        f"{mean[-1]:.3g} at the end; least {bottom:.3g}, largest {top:.3g}"
    )
    options = ", ".join(f"{name} {value}" for name, value in found.options.items())
    several = any(one != two for one, two in zip(found.low, found.high, strict=True))
    words = "The line is the mean β of each update"
    words += "; the band spans all examples and latents. " if several else ". "
    words += f"Drawn from the class itself, with {options or 'its default options'}, in a small "
    words += "Gaussian world: the shape is the strategy's, the scale is no data set's."
    picture = drawn.line(found.times, found.low, found.mean, found.high, alt)
    return picture, f"{bottom:.3g}", f"{top:.3g}", words


def stylesheet() -> str:
    """The style of all pages."""
    return Path(__file__).with_name("style.css").read_text(encoding="utf-8")
