"""The report in a real browser: three widths, keyboard, screen reader, no network, print.

`make test-look` installs what this needs: Playwright, a Chromium, and axe.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.sizes import SIZES, config, names, study
from vaebench import plots
from vaebench.cells.folder import NONE
from vaebench.plots.study import figures
from vaebench.report.page import page

WIDTHS = (380, 1400, 2560)
MOST = 3 * 2**20
"""Bytes of a page."""

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

sync_api = pytest.importorskip("playwright.sync_api", reason="no Playwright: `make test-look`")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as player:
        arguments = ["--no-sandbox", "--disable-gpu"]
        own = shutil.which("chromium") or shutil.which("google-chrome")
        started = player.chromium.launch(executable_path=own, args=arguments)
        yield started
        started.close()


@pytest.fixture(scope="module", params=SIZES)
def report(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a study with 2 strategies and 1 data set, and of one with 24 and 8."""
    size, folder = SIZES[request.param], tmp_path_factory.mktemp(request.param)
    plots.use_style()
    order, _ = names(*size)
    made = study(*size)
    for name, draw in figures(made, {}, [*order, NONE], order[0], 0.95).items():
        plots.save(draw(), folder / name)
    path = folder / f"{request.param}.html"
    path.write_text(page(config(*size), made, {}, folder), encoding="utf-8")
    return path


@pytest.fixture(params=WIDTHS)
def shown(request: Any, browser: Any, report: Path) -> Iterator[Any]:
    """The page at a width, with what it asked the network for and what it complained of."""
    opened = browser.new_page(viewport={"width": request.param, "height": 900})
    opened.asked, opened.complaints = [], []
    opened.on("request", lambda sent: opened.asked.append(sent.url))
    opened.on("console", lambda said: opened.complaints.append(said.text))
    opened.on("pageerror", lambda error: opened.complaints.append(str(error)))
    opened.goto(report.as_uri())
    opened.wait_for_selector(".chart svg")
    opened.wait_for_timeout(500)
    if folder := os.environ.get("VAEBENCH_SHOTS"):
        opened.screenshot(path=f"{folder}/{report.stem}-{request.param}.png", full_page=True)
    yield opened
    opened.close()


def unfold(shown: Any) -> None:
    shown.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
    shown.wait_for_function("!document.querySelector('figure.live:not(.drawn)')", timeout=60_000)
    shown.wait_for_timeout(1_000)


def within(shown: Any, selector: str) -> list[bool]:
    """Of each element, whether all of it is between the left and right edge of the window."""
    return shown.evaluate(
        """selector => [...document.querySelectorAll(selector)].map(each => {
        const box = each.getBoundingClientRect();
        return box.width > 0 && box.left >= 0 && box.right <= innerWidth; })""",
        selector,
    )


def test_a_page_is_small(report: Path) -> None:
    assert report.stat().st_size <= MOST


def test_it_fits_the_window_and_every_verdict_can_be_seen(shown: Any) -> None:
    assert shown.evaluate("document.documentElement.scrollWidth") <= shown.viewport_size["width"]
    for selector in (
        "h1",
        ".sentence",
        ".verdicts dd",
        "#numbers td.verdict",
        "#figure-differences",
    ):
        seen = within(shown, selector)
        assert seen, selector
        assert all(seen), selector
    unfold(shown)
    assert shown.evaluate("document.documentElement.scrollWidth") <= shown.viewport_size["width"]


def test_it_asks_no_network_and_complains_of_nothing(shown: Any) -> None:
    unfold(shown)
    local = ("file:", "data:", "blob:")
    assert not [address for address in shown.asked if not address.startswith(local)]
    assert not shown.complaints


def test_axe_finds_nothing(shown: Any) -> None:
    """WCAG 2.2, level AA, folded and unfolded."""
    for _ in range(2):
        found = axe.Axe().run(shown, options={"runOnly": RULES})
        assert not found.response["violations"], found.generate_report()
        assert found.response["passes"], "it looked at something"
        unfold(shown)


def test_the_mouse_shows_seed_beta_and_value(shown: Any) -> None:
    ring = shown.locator("#figure-differences .mark-symbol path[fill='transparent']").first
    ring.hover(force=True)
    words = shown.locator("#vg-tooltip-element").inner_text(timeout=5_000)
    for what in ("strategy", "seed", "β selected", "NDCG@100"):
        assert what in words, words


def test_the_legend_switches_a_strategy_in_every_chart_by_keyboard(shown: Any) -> None:
    def marks() -> int:
        count: int = shown.locator(
            "#figure-differences .role-mark path[aria-label], #figure-differences .role-mark > path"
        ).count()
        return count

    before = marks()
    box = shown.locator("#figure-differences .legend input").first
    box.focus()
    shown.keyboard.press("Space")
    shown.wait_for_timeout(500)
    assert not box.is_checked()
    assert marks() < before
    shown.locator("#figure-differences .legend button").first.press("Enter")
    shown.wait_for_timeout(500)
    assert box.is_checked()
    assert marks() == before


def table(shown: Any) -> list[list[str]]:
    rows: list[list[str]] = shown.evaluate(
        """() => [...document.querySelector('#numbers table').tBodies[0].rows]
        .filter(row => !row.hidden).map(row => [...row.cells].map(cell => cell.textContent))"""
    )
    return rows


def test_tables_sort_filter_and_copy_by_keyboard(shown: Any) -> None:
    before = table(shown)
    heads = shown.locator("#numbers table").first.locator("thead button")
    place = heads.all_inner_texts().index("difference")
    for up in (True, False):
        heads.nth(place).press("Enter")
        known = [row[place] for row in table(shown)]
        assert known[-1] == "–", "what is no number comes last"
        values = [float(text) for text in known[:-1]]
        assert values == sorted(values, reverse=not up)
    filled = shown.locator("#numbers input").first
    filled.fill(before[-1][0])
    assert [row[0] for row in table(shown)] == [before[-1][0]]
    shown.context.grant_permissions(["clipboard-read", "clipboard-write"])
    for what, start in (("CSV", "strategy,verdict,mean,"), ("LaTeX", r"\begin{tabular}{lr")):
        shown.locator("#numbers .tools button", has_text=what).first.press("Enter")
        shown.wait_for_function(f"document.getElementById('said').textContent.includes('{what}')")
        copied = shown.evaluate("navigator.clipboard.readText()")
        assert copied.startswith(start)
        assert before[-1][0] in copied
        assert before[0][0] + "," not in copied


def test_print_has_the_pictures_instead_of_the_charts(shown: Any) -> None:
    shown.emulate_media(media="print")
    assert shown.locator("#figure-differences img").is_visible()
    assert not shown.locator("#figure-differences .chart").first.is_visible()


def test_without_scripts_it_has_the_pictures(browser: Any, report: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    opened = context.new_page()
    opened.goto(report.as_uri())
    assert opened.locator("#figure-differences img").is_visible()
    assert opened.locator("#numbers td.verdict").first.is_visible()
    context.close()
