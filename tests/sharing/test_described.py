"""What an experiment's description says before there are tables; with them: tests/test_workflow."""

from pathlib import Path
from typing import Any

import pandas as pd

from vaebench.sharing.described import MOST, _failed, description

CONFIG: dict[str, Any] = {
    "control": "constant",
    "datasets": {"digits": {}, "planted": {}},
    "registration": {"hypotheses": [{"kind": "statement", "text": "Scaling helps."}]},
}


def test_the_question_names_the_control_and_the_others(tmp_path: Path) -> None:
    said = description(CONFIG, tmp_path, ["constant", "linear"], "digits").split("\n\n")
    question = "**Question.** How should the weight β of the KL term be set? "
    assert said == [
        f"{question}Against `constant`: `linear`; on digits.",
        "**Registered.** Scaling helps.",
        "**Verdict.** There are no tables yet.",
    ]
    assert "on digits, planted." in description(CONFIG, tmp_path, ["constant"])


def test_failed_cells_are_named_as_far_as_there_is_room() -> None:
    row = {"dataset": "d", "model": "m", "strategy": "s", "status": "diverged", "reason": "why"}
    rows = pd.DataFrame([row | {"seed": seed} for seed in range(MOST + 2)])
    (text,) = _failed(rows.itertuples())
    lines = text.splitlines()
    assert lines[0] == f"**{MOST + 2} cells have no result.**"
    assert lines[2] == "- d/m/s/seed-0: diverged: why"
    assert lines[-1] == "- and 2 more"
    assert len(lines) == MOST + 3
    assert _failed(rows[:0].itertuples()) == []
