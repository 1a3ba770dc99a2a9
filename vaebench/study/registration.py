"""What a study says before its test part is opened, as a section of its configuration.

The digest is over everything that decides a registered number: primary metric, control, margin,
confidence, seeds, data sets, models, training, tuning, and of strategies and baselines those of the
field. Strategies outside of the field, further metrics, resources and paths may change afterwards:
what they give is exploratory.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from vaebench.cells.opening import OPENED
from vaebench.errors import ConfigError, DataError
from vaebench.files import read_json

if TYPE_CHECKING:
    from vaebench.study.keys import Study
    from vaebench.study.plan import Plan

Shape = Literal["mean_n", "spread_n", "density", "items", "gini"]
"""A number that describes interactions: mean of n_u, its coefficient of variation, share of all
user-item pairs, number of items, Gini coefficient of the items' popularity."""

Text = Annotated[str, Field(min_length=1)]

NEEDS: dict[str, tuple[str, ...]] = {
    "difference": (),
    "activity": ("strategy",),
    "gain_grows": ("strategy", "shape"),
    "best_beta": ("strategy", "shapes"),
    "rule_of_thumb": ("strategy",),
    "statement": (),
}
"""Kind of hypothesis → the keys that it needs beside ``kind`` and ``text``.

- ``difference``: over data sets, the mean difference to the control of each strategy of the field,
  or of ``strategy``, is not 0;
- ``activity``: within data sets, the difference of ``strategy`` depends on the user's activity;
- ``gain_grows``: over data sets, the difference of ``strategy`` grows with ``shape``;
- ``best_beta``: the β that tuning chooses for ``strategy`` depends on one of ``shapes``;
- ``rule_of_thumb``: what one rule for the β of ``strategy`` on every data set loses;
- ``statement``: words alone; nothing is computed.
"""


class Hypothesis(BaseModel):
    """A hypothesis: words for people, and what the program tests (:data:`NEEDS`)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["difference", "activity", "gain_grows", "best_beta", "rule_of_thumb", "statement"]
    text: Text
    strategy: str | None = None
    shape: Shape | None = None
    shapes: Annotated[list[Shape], Field(min_length=1)] | None = None


class Registration(BaseModel):
    """The section ``registration`` of a study.

    Attributes:
        field: strategies and baselines whose difference to the control is registered.
        exploratory: data set → names of the field that were added after a look at these data.
        hypotheses: name → hypothesis.
        digest: of what is registered (:func:`digest`); one that is written has to be right.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    field: Annotated[list[str], Field(min_length=1)]
    exploratory: dict[str, list[str]] = {}
    hypotheses: dict[str, Hypothesis] = {}
    digest: str | None = None


FREE = (
    *("results", "local_files", "finished_only", "resources", "tracking", "images"),
    *("metrics", "strategies", "baselines", "grid", "tuning", "registration"),
)
"""Keys of a study that a registration leaves free, or has as far as its field needs them."""


def registered(study: "Study") -> dict[str, Any]:
    """Everything of a study that is registered, as plain data; defaults are not repeated."""
    section, written = study.registration, study.model_dump(exclude_defaults=True)
    assert section is not None  # noqa: S101 (asked for of a study with the section alone)
    field = {*section.field, study.control}
    primary = study.primary or ""
    kept = {key: value for key, value in written.items() if key not in FREE}
    if isinstance(study.margin, dict):
        kept["margin"] = {primary: study.margin.get(primary)}
    tuning = dict(written.get("tuning", {}))
    if "space" in tuning:
        tuning["space"] = {n: space for n, space in tuning["space"].items() if n in field}
    if "fixed" in tuning:
        tuning["fixed"] = [name for name in tuning["fixed"] if name in field]
    grid = []
    for block in written["grid"]:
        mine = {key: [n for n in block.get(key, []) if n in field] for key in _CATALOGUES}
        grid += [block | mine] if any(mine.values()) else []
    return {
        **kept,
        **{key: _of(written.get(key, {}), field) for key in _CATALOGUES},
        "metric": study.all_metrics.get(primary),
        "tuning": tuning,
        "grid": grid,
        **section.model_dump(exclude_defaults=True, exclude={"digest"}),
    }


_CATALOGUES = ("strategies", "baselines")


def by_dataset(study: "Study") -> dict[str, list[str]]:
    """Data set → strategies and baselines of the field that are not exploratory there."""
    section = study.registration
    assert section is not None  # noqa: S101 (asked for of a study with the section alone)
    return {
        dataset: [n for n in section.field if n not in section.exploratory.get(dataset, [])]
        for dataset in dict.fromkeys(block.dataset for block in study.grid)
    }


def _of(catalogue: Mapping[str, Any], field: set[str]) -> dict[str, Any]:
    return {name: component for name, component in catalogue.items() if name in field}


def digest(study: "Study") -> str:
    """SHA-256 of :func:`registered` as JSON with sorted keys."""
    text = json.dumps(registered(study), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def completed(study: "Study") -> "Study":
    """The study with the digest of its registration, if it has one.

    Raises:
        ConfigError: the section does not fit the study, or its digest is that of another one.
    """
    section = study.registration
    if section is None:
        return study
    _check(study, section)
    found = digest(study)
    if section.digest not in (None, found):
        raise ConfigError(
            f"registration.digest: {section.digest!r} is not that of what is registered, {found}; "
            "allowed: the registered configuration, or no digest"
        )
    return study.model_copy(update={"registration": section.model_copy(update={"digest": found})})


def _check(study: "Study", section: Registration) -> None:
    """Whether a registration speaks of what the study has."""
    if study.primary is None:
        raise ConfigError(
            "primary: missing; a registration is about one metric; allowed: "
            f"{', '.join(study.all_metrics)}"
        )
    if isinstance(study.margin, dict) and study.primary not in study.margin:
        raise ConfigError(
            f"margin.{study.primary}: missing; a registration needs the primary metric's margin"
        )
    used = {
        dataset: {
            name
            for block in study.grid
            if block.dataset == dataset
            for name in (*block.strategies, *block.baselines)
        }
        for dataset in {block.dataset for block in study.grid}
    }
    everywhere = set().union(*used.values())
    for name in section.field:
        if name not in everywhere:
            raise ConfigError(
                f"registration.field: {name!r} is not in the grid; allowed: "
                f"{', '.join(sorted(everywhere))}"
            )
    for dataset, names in section.exploratory.items():
        if dataset not in used:
            raise ConfigError(
                f"registration.exploratory.{dataset}: no data set of the grid; allowed: "
                f"{', '.join(sorted(used))}"
            )
        for name in names:
            if name not in section.field or name == study.control:
                raise ConfigError(
                    f"registration.exploratory.{dataset}: {name!r} is not in the field, or is the "
                    f"control; allowed: {', '.join(n for n in section.field if n != study.control)}"
                )
    for name, hypothesis in section.hypotheses.items():
        _check_hypothesis(f"registration.hypotheses.{name}", hypothesis, section)


def _check_hypothesis(key: str, hypothesis: Hypothesis, section: Registration) -> None:
    given = {name for name in ("strategy", "shape", "shapes") if getattr(hypothesis, name)}
    needs = NEEDS[hypothesis.kind]
    for name in needs:
        if name not in given:
            raise ConfigError(f"{key}.{name}: missing; {hypothesis.kind} needs {', '.join(needs)}")
    allowed = {*needs, *(("strategy",) if hypothesis.kind == "difference" else ())}
    for name in sorted(given - allowed):
        raise ConfigError(
            f"{key}.{name}: unknown key for {hypothesis.kind}; allowed: "
            f"{', '.join(['kind', 'text', *sorted(allowed)])}"
        )
    if hypothesis.strategy is not None and hypothesis.strategy not in section.field:
        raise ConfigError(
            f"{key}.strategy: {hypothesis.strategy!r} is not in the field; allowed: "
            f"{', '.join(section.field)}"
        )


def unopened_or_same(plan: "Plan") -> None:
    """Refuse a study that was opened with another registration, or before it was registered.

    Raises:
        ConfigError: which of the two.
        DataError: the opening cannot be read.
    """
    section, path = plan.study.registration, plan.folder / OPENED
    if path.exists():
        opening = read_json(path)
        try:
            was, when = opening["registration"], opening["opened_at"]
        except (KeyError, TypeError) as error:
            raise DataError(f"{path}: is damaged; allowed: as vaebench wrote it") from error
        if section is None or section.digest != was:
            now = "is none now" if section is None else f"is {str(section.digest)[:12]}… now"
            raise ConfigError(
                f"registration: the test part was opened at {when} with the registration "
                f"{was[:12]}…, which {now}; allowed: the one in {path}, or another name for the "
                "study"
            )
    elif section is not None:
        tested = [*plan.folder.glob("cells/*/*/*/*/status.json")]
        if tested:
            raise ConfigError(
                f"registration: {tested[0]} was tested before anything was registered; allowed: "
                "another name for the study"
            )
