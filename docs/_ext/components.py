"""The reference, generated from the code when the documentation is built.

Each kind of component has a page, and each class a section: its docstring (formula, source,
example), its options with type, default and range of tuning, its raw files. Two more pages have
the public functions and the commands. To change a page, change the code.
"""

import contextlib
import importlib
import inspect
import io
import os
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, get_args, get_origin

from pydantic import Tag
from pydantic.fields import FieldInfo
from sphinx.application import Sphinx

from vaebench import contracts, errors
from vaebench.baselines import Baseline
from vaebench.command import COMMANDS, usage
from vaebench.components import options_model
from vaebench.datasets import Dataset
from vaebench.datasets.protocol import Given, Protocol, Temporal
from vaebench.metrics import Metric
from vaebench.models import VAE
from vaebench.search import Range
from vaebench.strategies import Strategy
from vaebench.training.orders import UpdateOrder

KINDS: dict[str, tuple[str, type, str]] = {
    "strategies": ("vaebench.strategies", Strategy, "Strategies: ways to set β"),
    "models": ("vaebench.models", VAE, "Models"),
    "baselines": ("vaebench.baselines", Baseline, "Baselines"),
    "datasets": ("vaebench.datasets", Dataset, "Data sets"),
    "metrics": ("vaebench.metrics", Metric, "Metrics"),
    "orders": ("vaebench.training.orders", UpdateOrder, "Update orders"),
}
"""Page → package, contract, title."""

INTRODUCTIONS = {
    "strategies": "Training minimises the mean over examples of `w_i (D_i + Σ_j β_ij R_ij)`, in "
    "nats. A strategy is β. t counts updates from 0, T is their number, n_i a user's interactions.",
    "models": "The first argument, the number of features, comes from the data.",
    "baselines": "A baseline has no β. It is fitted to the same data and tested in the same way.",
    "datasets": "Options beside `split`; the keys of `split` are in [](../configuration.md).",
    "metrics": "`k` is the number of best items that a ranking metric looks at.",
    "orders": "Which batches come in an epoch, and which part of the model learns from each.",
}

PUBLIC = {
    "One VAE": ["vaebench.library.fit", "vaebench.library.Fitted", "vaebench.library.load"],
    "Contracts": [f"vaebench.contracts.{name}" for name in contracts.__all__],
    "The contract of a strategy": [f"vaebench.strategies.{name}" for name in ("Strategy", "Stats")],
    "Errors": [
        f"vaebench.errors.{name}"
        for name, value in vars(errors).items()
        if inspect.isclass(value) and value.__module__ == errors.__name__
    ],
}
"""What is public beside the components: title → names."""


def modules(package: str) -> Iterator[ModuleType]:
    """The modules of a package, by name."""
    found = importlib.import_module(package)
    for each in sorted(pkgutil.iter_modules(found.__path__), key=lambda each: each.name):
        yield importlib.import_module(f"{package}.{each.name}")


def components(kind: str) -> Iterator[tuple[str, type]]:
    """``file.Class`` and class, of every component that a configuration can name."""
    package, contract, _ = KINDS[kind]
    found = {
        f"{module.__name__.removeprefix(package + '.')}.{name}": value
        for module in modules(package)
        for name, value in vars(module).items()
        if inspect.isclass(value)
        and issubclass(value, contract)
        and value.__module__ == module.__name__
        and not inspect.isabstract(value)
    }
    bases = {base for value in found.values() for base in value.__mro__[1:]}
    for path, value in found.items():
        file, _, name = path.partition(".")
        if value not in bases or file.replace("_", "") == name.lower():
            yield path, value


def said(annotation: Any) -> str:  # noqa: ANN401 (a type as it was annotated)
    """A type in words."""
    if annotation is type(None):
        return "none"
    if get_args(annotation):
        if getattr(get_origin(annotation), "__name__", "") == "Literal":
            return ", ".join(map(str, get_args(annotation)))
        parts = [each for each in get_args(annotation) if not isinstance(each, FieldInfo | Tag)]
        words = [said(each) for each in parts]
        return " or ".join(dict.fromkeys(words)) if len(words) > 1 else words[0]
    names = {"float": "number", "int": "whole number", "str": "text", "bool": "true or false"}
    names |= {
        kind.__name__: f"`kind: {kind.model_fields['kind'].default}`"
        for kind in (Protocol, Given, Temporal)
    }
    name = getattr(annotation, "__name__", str(annotation))
    return names.get(name, name)


def limits(field: FieldInfo) -> str:
    """The range that an annotation allows."""
    signs = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤"}
    found = [
        f"{sign} {getattr(each, name)}"
        for each in field.metadata
        for name, sign in signs.items()
        if hasattr(each, name)
    ]
    return ", ".join(found)


def tuned(space: Range) -> str:
    """A range of tuning in words."""
    kinds = {"whole numbers": space.whole, "on a log scale": space.log}
    return ", ".join([f"{space.low:g} to {space.high:g}", *(kind for kind in kinds if kinds[kind])])


def variants(component: type[Dataset]) -> Iterator[tuple[str, Dataset]]:
    """What a published data set comes as: one object, or one for each choice of a required option.

    Of a user's own data there is none, because a path is required.
    """
    fields = options_model(component).model_fields
    required = [name for name, field in fields.items() if field.is_required()]
    if not required:
        yield "", component()
    elif len(required) == 1:
        for choice in get_args(fields[required[0]].annotation):
            yield f" ({choice})", component(**{required[0]: choice})


def raw_files(component: type[Dataset]) -> list[str]:
    """Which files a published data set is read from, and the sub-folder where they may lie."""
    lines = []
    for label, dataset in variants(component):
        forms = " or ".join(f"`{file.name}`" for file in dataset.raw_files())
        beside = ", ".join(f"`{file.name}`" for file in dataset.companions())
        words = forms + (f" with {beside}" if beside else "")
        if words:
            lines.append(f"- Raw file{label}: {words}; sub-folder `{dataset.raw_folder()}`")
    return [*lines, ""] if lines else []


def table(component: type) -> list[str]:
    """The options of a component as a table of Markdown."""
    fields = options_model(component).model_fields
    if not fields:
        return ["No options.", ""]
    space = getattr(component, "search_space", {})
    lines = ["| option | type | default |" + (" tuned over |" if space else "")]
    lines.append("|---|---|---|" + ("---|" if space else ""))
    for name, field in fields.items():
        words = " ".join(filter(None, [said(field.annotation), limits(field)]))
        default = "required" if field.is_required() else f"`{value(field.default)}`"
        cells = [f"`{name}`", words, default]
        if space:
            cells.append(tuned(space[name]) if name in space else "")
        lines.append(f"| {' | '.join(cells)} |")
    return [*lines, ""]


def value(default: object) -> str:
    """A default as a configuration writes it."""
    if hasattr(default, "model_dump"):
        return ", ".join(f"{k}: {v}" for k, v in default.model_dump().items())
    return (
        {None: "none", True: "true", False: "false"}.get(default, str(default))
        if isinstance(default, bool | None)
        else str(default)
    )


def page(kind: str) -> str:
    """The Markdown of a kind's page."""
    title = KINDS[kind][2]
    lines = [f"# {title}", "", INTRODUCTIONS[kind], ""]
    for path, component in components(kind):
        lines += [f"## {path}", ""]
        lines += ["```{eval-rst}", f".. autoclass:: {component.__module__}.{component.__name__}"]
        lines += ["```", "", f"In a configuration: `{{class: {path}}}`.", "", *table(component)]
        if issubclass(component, Dataset):
            lines += raw_files(component)
    return "\n".join(lines)


def python() -> str:
    """The page of what is public in Python beside the components."""
    lines = ["# Python", "", "[As a library](../library.md) shows how these are used.", ""]
    for title, names in PUBLIC.items():
        lines += [f"## {title}", "", "```{eval-rst}"]
        for name in names:
            made = pkgutil.resolve_name(name)
            lines += [f".. auto{'class' if inspect.isclass(made) else 'function'}:: {name}"]
            lines += ["   :members:", ""] if inspect.isclass(made) else [""]
        lines += ["```", ""]
    return "\n".join(lines)


def commands() -> str:
    """The page of the commands: what ``--help`` says of each."""
    lines = ["# Commands", "", "```text", usage(), "```", ""]
    os.environ["COLUMNS"] = "96"  # the width that argparse wraps to
    for name, (module, words) in COMMANDS.items():
        said = io.StringIO()
        with contextlib.suppress(SystemExit), contextlib.redirect_stdout(said):
            importlib.import_module(module).main(["--help"])
        lines += [f"## {name}", "", f"{words[0].upper()}{words[1:]}.", ""]
        lines += ["```text", said.getvalue().rstrip(), "```", ""]
    return "\n".join(lines)


def pages() -> dict[str, str]:
    """Name → Markdown of every generated page of the folder ``reference``."""
    return {kind: page(kind) for kind in KINDS} | {"python": python(), "commands": commands()}


def write(app: Sphinx) -> None:
    """Write every page that changed, before Sphinx looks for pages."""
    folder = Path(app.srcdir) / "reference"
    for name, text in pages().items():
        file = folder / f"{name}.md"
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")


def no_address(*given: Any) -> None:  # noqa: ANN401 (Sphinx's)
    """``NDCG@100`` in a docstring is a metric; reST would make an address of it."""
    lines: list[str] = given[-1]
    lines[:] = [
        line if "``" in line or ">>>" in line else re.sub(r"(\w)@(\w)", r"\1\\@\2", line)
        for line in lines
    ]


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.setup_extension("sphinx.ext.autodoc")  # whose event the second is
    app.connect("builder-inited", write)
    app.connect("autodoc-process-docstring", no_address)
    return {"parallel_read_safe": True}
