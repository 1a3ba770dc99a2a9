"""The answer: one sentence a data set, with effect and interval; what to do follows from it."""

from typing import Any

import pandas as pd
import pytest

from tests.summaries import CONTROL, frames
from vaebench.report.answer import Answer, answers, how_sure, question, to_do
from vaebench.statistics.measures import Measure

NATS = {"elbo": Measure("elbo", "ELBO", nats=True)}
LOSS = {"gini": Measure("gini", "Gini", higher=False)}


def rows(verdicts: dict[str, tuple[float, str]], metric: str = "elbo", **more: Any) -> pd.DataFrame:
    """Results of one data set: strategy → difference and verdict; half of an interval is .5."""
    control = {"strategy": "one", "difference": float("nan"), "verdict": "control"}
    others = [
        {"strategy": name, "difference": found, "verdict": verdict}
        for name, (found, verdict) in verdicts.items()
    ]
    frame = pd.DataFrame([control, *others])
    return frame.assign(
        dataset="digits",
        model="vae",
        metric=metric,
        primary=True,
        p=0.01,
        margin=0.3,
        joint_low=frame["difference"] - 0.5,
        joint_high=frame["difference"] + 0.5,
        **more,
    )


def answer(*given: Any, measures: Any = NATS, **more: Any) -> Answer:
    (found,) = answers(rows(*given, **more), pd.DataFrame(), "one", measures)
    return found


@pytest.mark.parametrize(
    ("verdicts", "sentence"),
    [
        (
            {"a": (2, "higher"), "b": (3, "higher"), "c": (9, "undecided")},
            "2 of 3 are better than “one”, most of all b: +3.00 nats of ELBO [2.50, 3.50].",
        ),
        (
            {"a": (2, "higher"), "b": (-3, "lower")},
            "a is better than “one”: +2.00 nats of ELBO [1.50, 2.50].",
        ),
        (
            {"a": (-2, "lower"), "b": (-3, "lower")},
            "All 2 are worse than “one”, a the least: -2.00 nats of ELBO [-2.50, -1.50].",
        ),
        (
            {"a": (0.1, "equivalent"), "b": (-3, "lower")},
            (
                "None of 2 is shown to be better than “one”; the nearest to it is a: +0.10 nats of "
                "ELBO [-0.40, 0.60], within the margin of ±0.30."
            ),
        ),
        (
            {"a": (1, "undecided")},
            "a against “one”: not decided, +1.00 nats of ELBO [0.50, 1.50].",
        ),
        ({"a": (float("nan"), "no test")}, "Nothing could be tested against “one”."),
    ],
)
def test_the_sentence_names_the_effect_and_its_simultaneous_interval(
    verdicts: dict[str, tuple[float, str]], sentence: str
) -> None:
    assert answer(verdicts).sentence == sentence


def test_where_less_is_better_the_lowest_is_best() -> None:
    found = answer({"a": (-2, "lower"), "b": (1, "higher")}, measures=LOSS, metric="gini")
    assert found.sentence == "a is better than “one”: -2.0000 Gini [-2.5000, -1.5000]."
    assert [(group.word, group.names) for group in found.groups] == [
        ("better", ["a"]),
        ("worse", ["b"]),
    ]


def test_everybody_has_one_verdict() -> None:
    made = frames()
    found = answers(made["results"], made["models"], CONTROL)
    assert [each.place for each in found][:2] == ["my_data, mult-vae", "more, mult-vae"]
    for each in found:
        named = [name for group in each.groups for name in group.names]
        assert sorted(named) == sorted(each.rows["name"])


def test_what_was_registered_makes_the_sentence() -> None:
    verdicts = {"a": (5, "higher"), "b": (2, "higher")}
    found = answer(verdicts, registered=[None, False, True])
    assert found.sentence.startswith("b is better")
    assert found.groups[0].names == ["a (exploratory)", "b"]


def test_questions() -> None:
    assert question([answer({"a": (1, "higher")})], "one") == "Is a better than “one”?"
    two = answer({"a": (1, "higher"), "b": (1, "higher")})
    assert question([two], "one") == "Is any of 2 ways to set β better than “one”?"
    assert question([], "one") == "What does “one” reach?"


def test_advice_follows_from_the_verdicts() -> None:
    seeds = pd.DataFrame([{"dataset": "digits", "model": "vae", "metric": "elbo", "detectable": 2}])
    none = seeds[:0]
    mixed = answer({"a": (1, "higher"), "b": (-1, "lower"), "c": (0, "undecided")})
    assert to_do([mixed], seeds, 1, "results/s", "seed") == [
        "Use a.",
        "Do not use b.",
        (
            "Conclude nothing about c: more seeds are needed. This study finds a difference of "
            "2.00 nats with probability .8."
        ),
        "How many seeds decide a difference: vaebench power results/s --difference NUMBER.",
        "Run the study again for the 1 cell that failed, or say why not.",
    ]
    worse = answer({"b": (-1, "lower")})
    assert to_do([worse], none, 0, "results/s", "seed") == ["Keep “one”.", "Do not use b."]
    equal = answer({"b": (0, "equivalent")})
    assert "equal within the margin" in to_do([equal], none, 0, "results/s", "seed")[0]
    assert to_do([worse, equal], none, 0, "s", "seed")[0].startswith("digits, vae: keep")


def test_it_says_how_sure_it_is() -> None:
    said = how_sure([answer({"a": (1, "higher"), "b": (1, "higher")})], 0.9)
    for words in ("p < .1 after Holm", "2 comparisons", "90%, Bonferroni"):
        assert words in said
