"""The site in a real browser: three widths, screen reader, keyboard, no network.

`make test-look` installs what this needs: Playwright, a Chromium, and axe.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.records.conftest import world
from vaebench.sharing.site.build import build

ROOT = Path(__file__).parents[2]
PAGES = ("index", "undecided", "contribute", "strategies/index", "strategies/pid.PID")
PAGES += ("boards/index", "boards/digits/mlp-vae", "studies/index", "studies/answer-digits")
WIDTHS = (380, 1400, 2560)
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

sync_api = pytest.importorskip("playwright.sync_api", reason="no Playwright: `make test-look`")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as player:
        own = shutil.which("chromium") or shutil.which("google-chrome")
        arguments = ["--no-sandbox", "--disable-gpu"]
        started = player.chromium.launch(executable_path=own, args=arguments)
        yield started
        started.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The published record of pictures, and six data sets of a world."""
    home = tmp_path_factory.mktemp("look")
    for place in range(6):
        world(home / "worlds", f"set-{place}", gains={"constant": 0.0, "scaled": 0.01})
    build([ROOT / "docs/results/records/answer-digits", home / "worlds"], home / "public")
    return home / "public"


@pytest.mark.parametrize("page", PAGES)
def test_axe_finds_nothing_and_a_page_fits_every_window(
    page: str, browser: Any, site: Path
) -> None:
    """WCAG 2.2, level AA; the verdict is in sight at every width; nothing is asked of a network."""
    shown, asked = browser.new_page(), []
    shown.on("request", lambda sent: asked.append(sent.url))
    for width in WIDTHS:
        shown.set_viewport_size({"width": width, "height": 900})
        shown.goto((site / f"{page}.html").as_uri())
        shown.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        assert shown.evaluate("document.documentElement.scrollWidth") <= width
        verdicts = shown.evaluate(
            "[...document.querySelectorAll('.verdict')].map(e => e.getBoundingClientRect().right)"
        )
        assert all(right <= width for right in verdicts), (width, verdicts)
    found = axe.Axe().run(shown, options={"runOnly": RULES})
    assert not found.response["violations"], found.generate_report()
    assert found.response["passes"], "it looked at something"
    assert all(address.startswith(("file:", "data:")) for address in asked)
    shown.keyboard.press("Tab")
    assert shown.evaluate("document.activeElement.className") == "skip"
    shown.close()
