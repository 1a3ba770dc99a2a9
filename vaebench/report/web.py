"""What every page of vaebench is made of: one template, one style, two scripts, no network.

A page is one file. ``base.html.jinja`` is its frame, ``parts.html.jinja`` has tables and figures as
macros, ``style.css`` the looks, ``tables.js`` and ``charts.js`` what a click does.
"""

import subprocess
import sys
from functools import cache
from importlib import resources
from typing import Any

import jinja2

HOME = "vaebench.report"


SNIPPET = "window.vegaEmbed = vegaEmbed;"
"""What ``charts.js`` calls."""

BUNDLE = """import sys, vl_convert
sys.stdout.reconfigure(encoding="utf-8")
sys.stdout.write(vl_convert.javascript_bundle(sys.argv[1], vl_version=sys.argv[2]))"""
"""What makes the script, of a snippet and a version of Vega-Lite."""


@cache
def part(name: str) -> str:
    """The text of a file of this folder."""
    return resources.files(HOME).joinpath(name).read_text(encoding="utf-8")


@cache
def library() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script, of the version that Altair writes for."""
    import altair as alt  # noqa: PLC0415 (a second, and only for pages with charts)

    version = alt.SCHEMA_VERSION.removeprefix("v").rsplit(".", 1)[0]
    # in a process of its own, whose engine of JavaScript takes its memory and threads with it
    command = [sys.executable, "-I", "-c", BUNDLE, SNIPPET, version]
    return subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout  # noqa: S603 (our own words)


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
