"""The reference of components, generated from their classes when the documentation is built.

A page a kind; a section a class: its docstring (formula, source, example), its options with type,
default and range of tuning. Nothing is written twice: to change the page, change the class.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, get_args, get_origin

from pydantic.fields import FieldInfo
from sphinx.application import Sphinx

from vaebench.baselines import Baseline
from vaebench.components import options_model
from vaebench.datasets import Dataset
from vaebench.metrics import Metric
from vaebench.models import VAE
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
    yield from ((path, value) for path, value in found.items() if value not in bases)


def said(annotation: Any) -> str:  # noqa: ANN401 (a type as it was annotated)
    """A type in words."""
    if annotation is type(None):
        return "none"
    if get_args(annotation):
        if getattr(get_origin(annotation), "__name__", "") == "Literal":
            return ", ".join(map(str, get_args(annotation)))
        words = [said(each) for each in get_args(annotation) if not isinstance(each, FieldInfo)]
        return " or ".join(dict.fromkeys(words)) if len(words) > 1 else words[0]
    names = {"float": "number", "int": "whole number", "str": "text", "bool": "true or false"}
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
            cells.append(str(space[name]) if name in space else "")
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
    return "\n".join(lines)


def write(app: Sphinx) -> None:
    """Write every page that changed, before Sphinx looks for pages."""
    folder = Path(app.srcdir) / "reference"
    for kind in KINDS:
        file, text = folder / f"{kind}.md", page(kind)
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("builder-inited", write)
    return {"parallel_read_safe": True}
