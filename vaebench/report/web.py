"""What every page of vaebench is made of: one template, one style, two scripts, no network.

A page is one file. ``base.html.jinja`` is its frame, ``parts.html.jinja`` has tables and figures as
macros, ``style.css`` the looks, ``tables.js`` and ``charts.js`` what a click does.
"""

from functools import cache
from importlib import resources
from typing import Any

import jinja2

HOME = "vaebench.report"


SNIPPET = "window.vegaEmbed = vegaEmbed;"
"""What ``charts.js`` calls."""


@cache
def part(name: str) -> str:
    """The text of a file of this folder."""
    return resources.files(HOME).joinpath(name).read_text(encoding="utf-8")


@cache
def library() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script, of the version that Altair writes for."""
    import altair as alt  # noqa: PLC0415 (a second, and only for pages with charts)
    import vl_convert  # noqa: PLC0415 (likewise)

    version = alt.SCHEMA_VERSION.removeprefix("v").rsplit(".", 1)[0]
    return str(vl_convert.javascript_bundle(SNIPPET, vl_version=version))


def render(template: str, *, charts: object = None, **given: Any) -> str:  # noqa: ANN401
    """A page as HTML.

    Args:
        template: a file of this folder that extends ``base.html.jinja``.
        charts: what ``charts.js`` draws, see :func:`vaebench.report.charts.drawn`; None where
            nothing is drawn, and the page is without the library.
        given: what the template names.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(HOME, "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {
        "sort_keys": False,
        "separators": (",", ":"),
        "ensure_ascii": False,
    }
    environment.globals["part"] = part
    environment.globals["library"] = library
    return environment.get_template(template).render(charts=charts, **given)
