"""``vaebench new KIND NAME``: a component of one's own, its test, and its line of a study.

What is written works: the test passes and the study runs. Then its formula is yours to change.
"""

import argparse
import keyword
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from vaebench.command.edited import added
from vaebench.components import find, module_spec
from vaebench.errors import ConfigError
from vaebench.files import whole
from vaebench.study.keys import HOMES
from vaebench.study.product import PACKAGE
from vaebench.study.sources import importable
from vaebench.study.written import read

TEMPLATES = Path(__file__).with_name("templates")

KINDS = ("strategy", "model", "dataset", "metric", "baseline", "update-order")

SECTIONS = {
    "strategy": "strategies",
    "model": "models",
    "dataset": "datasets",
    "metric": "metrics",
    "baseline": "baselines",
}
"""Kind → the key of a study that its class stands under."""

STUDY = """\
# vaebench run {name}.yaml
name: {name}
seeds: 2
control: constant # every other strategy is compared with this one
training: {{epochs: 2, batch_size: 50}}
datasets:
  planted:
    class: planted.Planted
    users: 300
    items: 110
    split: {{min_items_per_user: 0, validation_users: 50, test_users: 50}}
models:
  mult-vae: {{class: mult_vae.MultVAE, hidden: 16, latents: 4}}
strategies:
  constant: {{class: constant.Constant, beta: 0.2}}
grid:
  - {{dataset: planted, model: mult-vae, strategies: [constant]}}
"""
"""The study of a component that belongs to none yet: seconds, without a network."""


@dataclass(frozen=True)
class Name:
    """A name: ``slow_start`` of the file, ``SlowStart`` of the class, ``slow-start`` of the study.

    Raises:
        ConfigError: it can be no name of a Python module.
    """

    given: str

    def __post_init__(self) -> None:
        if not self.module.isidentifier() or keyword.iskeyword(self.module):
            raise ConfigError(
                f"{self.given!r} is no name of a module; allowed: letters, digits and _, a letter "
                "first"
            )

    @property
    def module(self) -> str:
        """In snake case."""
        words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", self.given)
        return words.replace("-", "_").lower()

    @property
    def of_class(self) -> str:
        """In camel case."""
        return "".join(word.capitalize() for word in self.module.split("_"))

    @property
    def of_study(self) -> str:
        """With hyphens."""
        return self.module.replace("_", "-")


def new(kind: str, given: str, config: Path | None = None) -> dict[Path, str]:
    """What would be written: file → its content.

    Args:
        kind: of :data:`KINDS`.
        given: the component's name.
        config: the study that it becomes a part of; by default a new one, of the component's name.

    Raises:
        ConfigError: the name cannot be used, a file is there already, or the study has no place
            for the component.
    """
    name = Name(given)
    folder = config.parent if config else Path()
    study = config or folder / f"{name.module}.yaml"
    files = {folder / f"{stem}.py": stem for stem in (name.module, f"test_{name.module}")}
    for path in (*files, *([] if config else [study])):
        if path.exists():
            raise ConfigError(f"{path}: is there already; allowed: another name")
    if module_spec(name.module) is not None:
        raise ConfigError(f"{given}: an installed module has this name; allowed: another one")
    template = kind.replace("-", "_")
    if config:
        read(config)  # that it is a study
    text = config.read_text(encoding="utf-8") if config else STUDY.format(name=name.of_study)
    written = {
        path: _named((TEMPLATES / f"{source}.py").read_text(encoding="utf-8"), template, name)
        for path, source in zip(files, (template, f"test_{template}"), strict=True)
    }
    return written | {study: in_study(text, kind, name)}


def in_study(  # noqa: PLR0911 (a kind, a place)
    text: str, kind: str, name: Name
) -> str:
    """The text of a study with the component in its catalogue and in its grid.

    Raises:
        ConfigError: the study has no place for it.
    """
    study = yaml.safe_load(text)
    spec: dict[str, Any] = {"class": f"{name.module}.{name.of_class}"}
    if kind == "update-order":
        if "training" not in study:
            return added(text, (), {"update_order": spec}, "training")
        return added(text, ("training",), spec, "update_order")
    section = SECTIONS[kind]
    if kind == "metric":
        spec |= {"k": 10}
    label = name.of_study
    if study.get(section):
        text = added(text, (section,), spec, label)
    else:
        text = added(text, (), {label: spec}, section)
    if kind == "strategy":
        return added(text, ("grid", 0, "strategies"), label)
    if kind == "metric":
        return text
    number, block = _block(study)
    if kind == "baseline":
        if block.get("baselines"):
            return added(text, ("grid", number, "baselines"), label)
        return added(text, ("grid", number), [label], "baselines")
    row = {"dataset": block["dataset"], "model": block["model"], "strategies": [study["control"]]}
    return added(text, ("grid",), row | {kind: label})


def _block(study: Mapping[str, Any]) -> tuple[int, Mapping[str, Any]]:
    """The first block of the grid that is about interactions."""
    for number, block in enumerate(study["grid"]):
        dataset = study["datasets"].get(block["dataset"], {})
        if find(HOMES["datasets"], dataset.get("class", "")).kind == "interactions":
            return number, block
    raise ConfigError("grid: no block is about interactions; allowed: a study with one")


def _named(text: str, template: str, name: Name) -> str:
    text = text.replace(f"vaebench.command.templates.{template}", name.module)
    text = re.sub(r"\bMine\b", name.of_class, text)
    return re.sub(r"\bmine\b", name.module, text)


def main(arguments: Sequence[str]) -> None:
    """Write the files of a new component and say what is next."""
    parser = argparse.ArgumentParser(
        prog="vaebench new",
        description="Write a component of your own: NAME.py, test_NAME.py, and its line of a\n"
        "study. All three work as they are; then put your own formula in.",
        epilog="""examples:
  vaebench new strategy slow_start                      with a small study, slow_start.yaml
  vaebench new metric precision --config mine.yaml      as a part of your study""",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("kind", choices=KINDS, help="strategy, model, dataset, …")
    parser.add_argument("name", metavar="NAME", help="of the file: letters, digits and _")
    parser.add_argument("--config", type=Path, help="the study that it becomes a part of")
    given = parser.parse_args(arguments)
    if given.config is not None:
        importable(PACKAGE.parent, [given.config.parent])
    files = new(given.kind, given.name, given.config)
    for path, text in files.items():
        with whole(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
    print(*_next(list(files), given.config), sep="\n")  # noqa: T201


def _next(files: Sequence[Path], config: Path | None) -> Iterator[str]:
    component, test, study = files
    yield f"{component}: the component"
    yield f"{test}: its test: `pytest {test}`"
    yield f"{study}: {'has a line more' if config else 'a small study'}: `vaebench run {study}`"
