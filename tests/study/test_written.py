"""A config file says one thing, whoever reads it."""

from pathlib import Path
from typing import Any

import pytest
from snakemake.utils import update_config

from vaebench.errors import ConfigError
from vaebench.study.written import check, merged, read

ROOT = Path(__file__).parents[2]


def written(folder: Path, text: str, name: str = "study.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("seeds: yes", "seeds: yes is true to some readers"),
        ("seeds: 010", "seeds: 010 is 8 to some readers"),
        ("seeds: 1:30", "seeds: 1:30 is 90 to some readers"),
        ("seeds: [1, 0o17]", "seeds.1: 0o17 is a text to some readers"),
        ("a: {b: 1_000}", "a.b: 1_000 is 1000 to some readers"),
        ("name: 2026-01-01", "name: 2026-01-01 is a date to some readers"),
        ("a: {off: 1}", "a: off is false to some readers"),
        ("a: 1\nb: 2\na: 3", "line 3: a: the key is already in line 1; allowed: once"),
        ("a: {b: {c: 1, c: 1}}", "a.b.c: the key is already in line 1"),
        ("a: [{b: 1}, {c: 1, c: 2}]", "a.1.c: the key is already in"),
        ("a: &x {b: yes}\nc: *x", "a.b: yes is true"),
        ("- a", "this is no study"),
        ("a: [", "cannot read"),
        ("a: 1\n---\na: 2", "cannot read"),
    ],
)
def test_what_two_readers_read_differently_is_refused(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as found:
        read(written(tmp_path, text))
    assert said in str(found.value)
    assert str(tmp_path / "study.yaml") in str(found.value)
    assert len(str(found.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "config"),
    [
        ("a: true\nb: ~\nc: -7\nd: 1.0e-3", {"a": True, "b": None, "c": -7, "d": 0.001}),
        ("a: 'yes'\nb: \"010\"\nc: !!str yes", {"a": "yes", "b": "010", "c": "yes"}),
        ("a: &x {b: 1}\nc: {<<: *x, b: 2}", {"a": {"b": 1}, "c": {"b": 2}}),
        ('{"a": 1e-3}', {"a": 0.001}),  # JSON, which Snakemake tries first
    ],
)
def test_what_all_read_alike_is_read(text: str, config: object, tmp_path: Path) -> None:
    assert read(written(tmp_path, text)) == config


def test_a_number_without_a_point_is_shown_as_all_read_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"allowed: 1.0e-05, or '1e-5' in quotes"):
        read(written(tmp_path, "learning_rate: 1e-5"))


def test_a_key_twice_in_json_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="b: the key is written twice"):
        check([written(tmp_path, '{"a": {"b": 1, "b": 2}}', "study.json")])


def test_a_circle_of_aliases_ends(tmp_path: Path) -> None:
    check([written(tmp_path, "a: &x [*x]")])


def test_all_shipped_configs_say_one_thing() -> None:
    check([ROOT / "config.yaml", *(ROOT / "configs").rglob("*.yaml")])


def test_several_files_are_one_as_snakemake_merges_them(tmp_path: Path) -> None:
    """Key by key, the later one first; a list is replaced, and so is a section by a value."""
    texts = (
        "a: {b: 1, c: {d: [1, 2], e: 3}}\nf: {g: 1}\nh: 1",
        "a: {b: 2, c: {d: [3]}}\nf: 5\nh: {i: 1}",
        "a: {c: {k: 4}}",
    )
    files = [written(tmp_path, text, f"{number}.yaml") for number, text in enumerate(texts)]
    theirs: dict[str, Any] = {}
    for file in files:
        update_config(theirs, read(file))
    assert merged(files) == theirs
    assert theirs["a"] == {"b": 2, "c": {"d": [3], "e": 3, "k": 4}}
    assert merged(files[:1]) == read(files[0])
