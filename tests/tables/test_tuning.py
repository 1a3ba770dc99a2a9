"""What was tried, in tables and figures."""

import numpy as np
import pandas as pd

from vaebench.plots import tuning as tuning_plots
from vaebench.plots.palette import Look
from vaebench.tables import tuning as tuning_report


def choice(strategy: str, scores: list[float | None], model: str = "vae") -> dict:
    role, option = ("model", "l2") if strategy == "none" else ("strategy", "cap")
    settings = [
        {role: {option: 0.1 * 10**n}, "training": {"epochs": n}} for n in range(len(scores))
    ]
    known = [score for score in scores if score is not None]
    best = scores.index(max(known)) if known else None
    return {
        "dataset": "d", "model": model, "strategy": strategy, "metric": "ndcg@100",
        "chosen": None if best is None else settings[best],
        "trial": best, "score": max(known, default=None),
        "budget": {"trials": len(scores), "failed": scores.count(None), "updates": 1234,
                   "seconds": 5400.0},
        "trials": [
            {"number": n, "settings": settings[n], "score": score, "updates": 1, "seconds": 2.0,
             "reason": None if score is not None else "diverged"}
            for n, score in enumerate(scores)
        ],
    }  # fmt: skip


CHOICES = [choice("linear", [0.1, 0.3, None]), choice("none", [0.2, 0.1, 0.15], "ease")]


def test_one_row_a_trial_and_option() -> None:
    table = tuning_report.trials(CHOICES)
    assert len(table) == 12
    chosen = table[table["chosen"]]
    assert chosen[["label", "option", "value"]].to_numpy().tolist() == [
        ["linear", "cap", 1.0],
        ["linear", "training epochs", 1],
        ["ease", "l2", 0.1],
        ["ease", "training epochs", 0],
    ]
    assert table["score"].isna().sum() == 2


def test_a_failed_trial_counts_as_the_worst_in_the_curve() -> None:
    """E[max of 1] of .1, .3, .1; of 3: .3 with probability 1 − (2/3)³."""
    curve = tuning_report.curves(CHOICES).query("label == 'linear'")["expected"].to_numpy()
    np.testing.assert_allclose(curve[[0, 2]], [0.5 / 3, 0.1 + 0.2 * (1 - (2 / 3) ** 3)])


def test_the_table_has_choice_and_cost() -> None:
    text = tuning_report.markdown(CHOICES)
    assert "## d: what tuning chose (validation NDCG@100)" in text
    assert "| vae, linear | cap = 1, epochs = 1 | 0.3000 | 0.2000 | 3 | 1 | 1,234 | 1.50 |" in text
    assert "| ease | l2 = 0.1, epochs = 0 | 0.2000 | 0.1500 |" in text


def test_a_strategy_without_a_finished_trial_is_listed() -> None:
    lost = [choice("linear", [None, None])]
    assert "| vae, linear | – | – | – | 2 | 2 |" in tuning_report.markdown(lost)
    assert tuning_report.curves(lost).empty


def test_figures_have_a_panel_an_option_and_a_line_a_strategy() -> None:
    look = Look(["linear", "none"])
    figure = tuning_plots.sensitivity(tuning_report.trials(CHOICES), look)
    shown = [axis for axis in figure.axes if axis.get_visible()]
    assert [axis.get_xlabel() for axis in shown] == [
        "cap",
        "training epochs",
        "l2",
        "training epochs",
    ]
    assert shown[0].get_xscale() == "log"
    lines = tuning_plots.budget(tuning_report.curves(CHOICES), look).axes[0].get_lines()
    assert [line.get_label() for line in lines] == ["linear", "ease"]
    empty = tuning_report.curves([choice("linear", [None])])
    assert isinstance(empty, pd.DataFrame)
    tuning_plots.budget(empty, look)


def test_a_chosen_value_beyond_which_nothing_was_tried_is_named() -> None:
    text = tuning_report.markdown([choice("linear", [0.1, 0.3, 0.2]), choice("pid", [0.1, 0.3])])
    assert "Chosen at an end of what was tried" in text
    assert "d, pid (cap = 1, the highest, epochs = 1, the highest)." in text
    assert "linear (" not in text
    low = choice("linear", [0.4, 0.3, 0.2], "vae")
    assert tuning_report.ends(low) == ["cap = 0.1, the lowest", "epochs = 0, the lowest"]
    assert not tuning_report.ends(choice("linear", [None, None]))
    assert not tuning_report.ends(choice("linear", [0.1])), "one trial has no ends"


def test_trials_of_rungs_are_compared_where_they_trained_alike() -> None:
    made = choice("linear", [0.3, 0.2, 0.1])
    made["rungs"] = [{"trials": 3, "until": 1}, {"trials": 1, "until": 3}]
    for trial, scores in zip(made["trials"], ([0.1, 0.3], [0.2], [0.1]), strict=True):
        trial |= {"rung": len(scores), "scores": scores, "score": scores[-1]}
    frame = tuning_report.trials([made]).query("option == 'cap'")
    assert frame["score"].tolist() == [0.1, 0.2, 0.1]
    assert frame["last_score"].tolist() == [0.3, 0.2, 0.1]
    assert tuning_report.curves([made])["expected"].iloc[0] == np.mean([0.1, 0.2, 0.1])
    assert "| 0.3000 | – | 3 → 1 |" in tuning_report.markdown([made])
    assert "Trials ran in rungs" in tuning_report.markdown([made])
    assert "Trials ran in rungs" not in tuning_report.markdown(CHOICES)


def test_replicates_have_a_row_each_and_one_curve() -> None:
    both = [choice("linear", [0.1, 0.3]) | {"replicate": 0}]
    both += [choice("linear", [0.3, 0.5]) | {"replicate": 1}]
    text = tuning_report.markdown(both)
    assert "| vae, linear, replicate 0 |" in text
    assert "| vae, linear, replicate 1 |" in text
    np.testing.assert_allclose(tuning_report.curves(both)["expected"], [0.3, 0.35])
    assert set(tuning_report.trials(both)["replicate"]) == {0, 1}
    more = [*both, choice("pid", [0.1, 0.3, 0.2])]
    assert "the same number of trials for each of its tuned options" in tuning_report.markdown(more)
