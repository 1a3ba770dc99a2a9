"""Docstrings as HTML: what a strategy's class says of itself is what its page says."""

import inspect
import re

from markupsafe import Markup, escape

SECTIONS = re.compile(r"^(Example|Raises|References|Args|Attributes):$", re.MULTILINE)
_ROLE = re.compile(r":(?:class|mod|func|meth|data):`~?([\w.]+)`")


def said(component: type) -> tuple[str, Markup]:
    """The first sentence of a class's docstring, and the rest of its text.

    Sections (an example, errors, references) are no part of it.
    """
    text = SECTIONS.split(inspect.getdoc(component) or "")[0].strip()
    first, _, rest = text.partition("\n\n")
    return " ".join(first.split()), Markup("\n").join(map(_block, re.split(r"\n\n+", rest)))


def _block(text: str) -> Markup:
    if not text.strip():
        return Markup("")
    if all(line.startswith("    ") for line in text.splitlines()):
        return Markup("<pre>{}</pre>").format(inspect.cleandoc(text))
    return Markup("<p>{}</p>").format(inline(" ".join(text.split())))


def inline(text: str) -> Markup:
    """``code``, roles and *emphasis* of a docstring."""
    plain = _ROLE.sub(lambda found: f"``{found[1].rpartition('.')[2]}``", text)
    parts = re.split(r"``(.+?)``", plain)
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if place % 2 else escape(part)
        for place, part in enumerate(parts)
    )
