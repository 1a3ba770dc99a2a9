"""The pages: every link leads somewhere, anybody can read them, and what they say is in records."""

import re
import shutil
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pyarrow as pa
import pyarrow.parquet
import pytest

from tests.records.conftest import world
from tests.sharing.site.conftest import RECORDS
from vaebench.errors import DataError
from vaebench.records import compared, schema
from vaebench.records.page import Results, bounds, signed
from vaebench.records.schema import FILES, RECORD, read
from vaebench.sharing.site.build import build
from vaebench.sharing.site.entries import Entry, entries
from vaebench.sharing.site.evidence import Evidence, shipped
from vaebench.sharing.site.pages import Pages

VOID = {"meta", "link", "line", "path", "polyline", "polygon", "br", "img"}


@dataclass
class Page(HTMLParser):
    """What a page is made of."""

    html: str
    ids: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.feed(self.html)
        assert self.open == [], "every element is closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append((tag, found))
        self.ids += [str(found["id"])] if "id" in found else []
        self.links += [str(found[name]) for name in ("href", "src") if name in found]
        if tag == "tr":
            self.rows.append([])
        if tag in ("th", "td"):
            self.rows[-1].append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)
        if self.rows and ("td" in self.open or "th" in self.open):
            self.rows[-1][-1] += data.strip()

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [found for name, found in self.tags if name == tag]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[str, Page]:
    files = sorted(site.rglob("*.html"))
    return {str(f.relative_to(site)): Page(f.read_text(encoding="utf-8")) for f in files}


def test_every_link_and_anchor_leads_somewhere(site: Path, pages: dict[str, Page]) -> None:
    checked = 0
    for name, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme:
                assert parts.scheme in ("https", "data"), (name, link)
                continue
            assert not parts.path.startswith("/"), (name, link)
            target = (site / name).parent / unquote(parts.path) if parts.path else site / name
            target = target.resolve()
            assert target.is_relative_to(site.resolve()), (name, link)
            assert target.is_file(), (name, link)
            if parts.fragment:
                other = pages[str(target.relative_to(site.resolve()))]
                assert parts.fragment in other.ids, (name, link)
            checked += 1
    assert checked > 300


def test_every_page_can_be_reached_from_the_first(site: Path, pages: dict[str, Page]) -> None:
    seen, waiting = set(), ["index.html"]
    while waiting:
        name = waiting.pop()
        if name not in seen and name in pages:
            seen.add(name)
            links = (urlsplit(link).path for link in pages[name].links)
            found = ((site / name).parent / link for link in links if link.endswith(".html"))
            waiting += [str(path.resolve().relative_to(site.resolve())) for path in found]
    assert seen == set(pages)


def test_nothing_comes_from_a_network_and_nothing_runs(pages: dict[str, Page], site: Path) -> None:
    for name, page in pages.items():
        assert not page.of("script"), name
        assert [found["href"] for found in page.of("link") if "stylesheet" in str(found)] == [
            "../" * name.count("/") + "style.css"
        ]
        assert not any(key.startswith("on") for _, found in page.tags for key in found), name
    style = (site / "style.css").read_text()
    assert "@import" not in style
    assert "url(" not in style


def test_a_screen_reader_finds_its_way(pages: dict[str, Page]) -> None:
    """WCAG 2.1: 1.1.1, 1.3.1, 2.4.1, 2.4.2, 2.4.4, 3.1.1 and 4.1.1, as far as text can say."""
    titles = set()
    for name, page in pages.items():
        assert page.of("html") == [{"lang": "en"}], name
        assert [len(page.of(tag)) for tag in ("title", "h1", "main", "header", "footer")] == [1] * 5
        assert len(set(page.ids)) == len(page.ids), name
        titles.add(re.search("<title>(.*)</title>", page.html)[1])  # type: ignore[index]
        levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
        assert all(after <= before + 1 for before, after in pairwise(levels))
        assert all(found.get("scope") in ("col", "row") for found in page.of("th")), name
        assert len(page.of("caption")) == len(page.of("table")), name
        for found in page.of("svg"):
            assert found.get("aria-hidden") == "true" or found.get("aria-label"), name
        for found in page.of("section"):
            assert found["aria-labelledby"] in page.ids, name
        for found in page.of("div"):
            if found.get("role") == "region":  # scrolls on a narrow screen, by keyboard as well
                assert found["tabindex"] == "0", name
                assert found["aria-label"], name
        assert not re.search(r"<(a|th|caption|h\d)\b[^>]*>\s*</\1>", page.html), name
    assert len(titles) == len(pages)


def _luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [x / 12.92 if x <= 0.03928 else ((x + 0.055) / 1.055) ** 2.4 for x in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_every_colour_of_text_can_be_read_on_every_ground(site: Path) -> None:
    """WCAG 2.1, 1.4.3: 4.5 to 1."""
    style = (site / "style.css").read_text()
    known = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", style))
    used = set(re.findall(r"(?<![-\w])color: var\(--(\w+)\)", style))
    assert used >= {"ink", "soft", "link", "better", "worse", "equal", "open"}
    for name in used:
        for ground in ("ground", "tint"):
            light, dark = sorted((_luminance(known[name]), _luminance(known[ground])), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (name, ground)


def test_the_answer_is_that_of_the_records(pages: dict[str, Page], worlds: Path) -> None:
    """Mean, simultaneous interval and prediction interval over six data sets."""
    results = Results(compared.together([read(folder) for folder in sorted(worlds.iterdir())]))
    (over,) = results.over
    (row,) = over.registered[over.registered["strategy"] == "scaled"].itertuples()
    (shown,) = [row for row in pages["index.html"].rows if row[0] == "scaled"]
    assert shown[2:4] == [signed(row.mean, ""), bounds(row.joint_low, row.joint_high, "")]
    assert shown[6] == bounds(row.predicted_low, row.predicted_high, "")
    assert row.predicted_low < row.joint_low < row.joint_high < row.predicted_high
    assert "decided against the control: scaled" in pages["index.html"].text


def test_a_board_and_a_study_say_what_the_record_says(pages: dict[str, Page]) -> None:
    table = compared.contrasts([read(RECORDS / "answer-digits")])
    board = pages["boards/digits/mlp-vae.html"].rows
    for row in table.itertuples():
        (shown,) = [cells for cells in board if cells[0] == row.label]
        assert shown[2] == signed(row.difference, "nats")
        assert row.verdict in shown[1], "where a narrow screen shows it"
    study = pages["studies/answer-digits.html"].text
    assert "2026-11-21T22:59:01Z" in study
    assert "095e6ba8a9d1fc945903b33ba3d888858e34f2c803c6c51e3ee24378bb7e2089" in study
    assert "CC BY 4.0" in study


def test_a_record_alone_is_reported_and_never_ranked(pages: dict[str, Page]) -> None:
    assert "none of them recomputed here, so nothing is ranked yet" in pages["index.html"].text
    for name, page in pages.items():
        if name.startswith("boards/") and name != "boards/index.html":
            assert "Nothing is ranked yet" in page.text
            assert not any("rank" in row for row in page.rows)
            assert "Reported, not recomputed" in page.text


def test_every_strategy_has_a_page_with_formula_curve_and_evidence(pages: dict[str, Page]) -> None:
    for path in shipped():
        page = pages[f"strategies/{path}.html"]
        assert len([found for found in page.of("svg") if found.get("role") == "img"]) == 1
        assert 'class="formula"' in page.html
    pid = pages["strategies/pid.PID.html"]
    assert "β(t) = Kp/(1 + exp(e(t)))" in pid.text
    assert "https://arxiv.org/abs/2004.05988" in pid.links
    assert "ControlVAE: Controllable Variational Autoencoder" in pid.text
    assert "digits, mlp-vae, as pid: equal within the margin" in pid.text
    assert "No study on this site used it" in pages["strategies/geco.GECO.html"].text
    worse = pages["strategies/decreasing.Decreasing.html"].text
    assert worse.index("Where it does not") < worse.index("digits, mlp-vae, as decreasing: worse")


def test_what_is_open_is_listed(pages: dict[str, Page]) -> None:
    page = pages["undecided.html"]
    assert {"step", "capacity", "cosine"} <= {row[0] for row in page.rows}
    assert "geco.GECO" in page.text
    assert "1 unit of data; 5 are needed" in page.text


def rows_of(folder: Path, **changes: Any) -> dict[str, list[dict[str, Any]]]:
    """The rows of a record as they were written, each with ``changes``."""
    return {
        name: [row | changes for row in pa.parquet.read_table(folder / file).to_pylist()]
        for name, file in FILES.items()
    }


def ranked(worlds: Path, tmp_path: Path) -> Evidence:
    """Three of the records as if they had been computed again, and a rival of one of them."""
    found = entries([worlds], None, tmp_path)
    chosen = [Entry(e.record, e.folder, e.name < "set-3", e.how) for e in found]
    return Evidence(chosen)


def test_what_was_computed_again_and_what_was_reported_never_meet(
    worlds: Path, tmp_path: Path
) -> None:
    evidence = ranked(worlds, tmp_path)
    first, second = evidence.answers
    assert (first.recomputed, second.recomputed) == (True, False)
    for answer, sets in ((first, ["set-0", "set-1", "set-2"]), (second, ["set-3", "set-4"])):
        assert answer.results is not None
        assert set(sets) <= set(answer.results.names)
        assert not set(sets) & set((second if answer is first else first).results.names)  # type: ignore[union-attr]
    boards = {board.dataset: board for board in evidence.boards()}
    best = boards["set-2"].ranked
    assert list(best["rank"]) == [1, 2, 3]
    assert best["label"].iloc[0] == "scaled"
    assert best["difference"].is_monotonic_decreasing
    assert boards["set-2"].reported.empty
    assert boards["set-4"].ranked.empty
    assert len(boards["set-4"].reported) == 3
    html = dict(Pages(evidence).all())["boards/set-2/mult-vae.html"]
    assert Page(html).rows[1][:2] == ["1", "scaled"]


def test_of_two_studies_of_one_difference_the_one_opened_first_counts(
    worlds: Path, tmp_path: Path
) -> None:
    """A later contribution on the same data is shown and moves no published answer."""
    folder = world(tmp_path, "set-9")
    about = read(folder).about
    for key in ("datasets", "primary"):
        about[key] = {"set-0": about[key].pop("set-9")}
    about["opening"]["opened_at"] = "2026-10-01T00:00:00Z"
    rows = rows_of(folder, dataset="set-0")
    for row in rows["cells"]:
        row["tested_at"], row["started_at"] = 1.791e9, 1.79e9
    schema.write(folder, {k: v for k, v in about.items() if k != "files"}, rows)
    (tmp_path / "read").mkdir()
    found = entries([worlds / "set-0", folder], None, tmp_path / "read")
    (answer,) = Evidence(found).answers
    assert answer.results is not None
    assert answer.results.names == ["set-0"]
    assert "registered by set-0" in answer.skipped["set-9"]
    (board,) = Evidence(found).boards()
    assert sorted(set(board.reported["study"])) == ["set-0", "set-9"]


def test_the_same_records_give_the_same_bytes(site: Path, worlds: Path, tmp_path: Path) -> None:
    build([worlds, RECORDS], tmp_path / "again")
    files = {path.relative_to(site) for path in site.rglob("*") if path.is_file()}
    again = {p.relative_to(tmp_path / "again") for p in (tmp_path / "again").rglob("*.*")}
    assert files <= again
    for path in files:
        assert (site / path).read_bytes() == (tmp_path / "again" / path).read_bytes(), path


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_bad_input_is_one_sentence_and_leaves_a_site_as_it_was(
    site: Path, worlds: Path, tmp_path: Path
) -> None:
    out = Path(shutil.copytree(site, tmp_path / "public"))
    before = snapshot(tmp_path)
    forged = Path(shutil.copytree(worlds / "set-0", tmp_path / "forged"))
    about = (forged / RECORD).read_text().replace('"planned": 12', '"planned": 13')
    (forged / RECORD).write_text(about)
    (tmp_path / "nothing").mkdir()
    twice = Path(shutil.copytree(worlds / "set-1", tmp_path / "twice"))
    own = tmp_path / "own"
    own.mkdir()
    (own / "thesis.tex").write_text("mine")
    for given, target, words in (
        ([forged], out, "forged: is refused: record.json: planned cells are not those of"),
        ([tmp_path / "nothing"], out, "there is no record, study or archive in it"),
        ([tmp_path / "absent"], out, "there is no record, study or archive in it"),
        ([worlds, twice], out, "the study set-1 is there twice"),
        ([worlds], own, "has files that are no site's"),
        ([worlds], own / "thesis.tex", "is no folder"),
    ):
        with pytest.raises(DataError, match=re.escape(words)) as caught:
            build(given, target)
        assert "\n" not in str(caught.value)
    for folder in (forged, twice, own):
        shutil.rmtree(folder)
    assert snapshot(tmp_path) == before


HOSTILE = '<script>alert("β")</script>'


def test_a_hostile_record_can_neither_write_elsewhere_nor_run(tmp_path: Path) -> None:
    """Names that climb are refused; other words are text on the page."""
    folder = world(tmp_path, "set-0")
    record = read(folder)
    rows = rows_of(folder)
    about = {key: value for key, value in record.about.items() if key != "files"}
    about["datasets"]["set-0"]["licence"] = HOSTILE
    schema.write(folder, about, rows)
    out = tmp_path / "public"
    build([folder], out)
    page = Page((out / "studies/set-0.html").read_text())
    assert HOSTILE in page.text
    assert not page.of("script")
    for bad in ("../../set", "index", "a/b", "", "a b"):
        schema.write(folder, about | {"study": bad}, rows)
        with pytest.raises(DataError, match="can be no name of a page"):
            build([folder], out)
    about["config"]["strategies"]["constant"]["class"] = "../constant.Constant"
    schema.write(folder, about, rows)
    with pytest.raises(DataError, match=r"'\.\./constant\.Constant' names no class"):
        build([folder], out)


def test_a_study_without_a_control_has_a_page_and_no_difference(
    worlds: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(worlds / "set-0", tmp_path / "set-0"))
    record = read(folder)
    rows = rows_of(folder)
    for name in ("cells", "metrics", "examples"):
        rows[name] = [row for row in rows[name] if row["strategy"] != "linear"]
    for row in rows["metrics"]:
        row["reference"] = None
    about = {key: value for key, value in record.about.items() if key != "files"}
    about["state"] |= {"planned": 8, "finished": 8}
    schema.write(folder, about, rows)
    build([folder], tmp_path / "public")
    page = Page((tmp_path / "public/studies/set-0.html").read_text())
    assert "No cell has a control beside it" in page.text
