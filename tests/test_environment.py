"""One thing has one name: versions of dependencies, rules in profiles, folders in CONTRIBUTING."""

import re
import tomllib
from pathlib import Path

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
WANTED = [
    Requirement(text) for text in PROJECT["dependencies"] + PROJECT["optional-dependencies"]["dev"]
]
PINS = {
    canonicalize_name(name): version
    for name, version in re.findall(
        r"^([\w.-]+)==(\S+)$", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE
    )
}
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]


def test_every_dependency_is_pinned_to_an_allowed_version() -> None:
    for requirement in WANTED:
        assert requirement.specifier.contains(PINS[canonicalize_name(requirement.name)])


def test_conda_installs_the_pinned_versions_of_every_dependency() -> None:
    pip = next(entry["pip"] for entry in CONDA if isinstance(entry, dict))
    conda = {canonicalize_name(r.name): str(r.specifier) for r in map(Requirement, pip)}
    expected = {canonicalize_name(r.name) for r in WANTED}
    assert conda == {name: f"=={PINS[name]}" for name in expected}


def test_pythons_agree() -> None:
    python = next(entry for entry in CONDA if isinstance(entry, str) and "python" in entry)
    version = python.partition("=")[2]
    assert Requirement(f"python{PROJECT['requires-python']}").specifier.contains(version)


def test_torch_is_the_pinned_one_everywhere() -> None:
    """An unpinned torch drags in gigabytes."""
    assert "torch==2.13.0" in PROJECT["dependencies"]
    assert PINS["torch"] == "2.13.0"


def test_profiles_name_rules_that_there_are() -> None:
    """Snakemake takes groups and resources of an unknown rule without a word."""
    workflow = [ROOT / "Snakefile", *(ROOT / "workflow/rules").glob("*.smk")]
    rules = {
        name
        for file in workflow
        for name in re.findall(r"^ *rule (\w+):", file.read_text(encoding="utf-8"), re.MULTILINE)
    }
    for file in (ROOT / "profiles").glob("*/config.yaml"):
        profile = yaml.safe_load(file.read_text(encoding="utf-8"))
        for key in ("groups", "set-resources", "set-threads"):
            assert set(profile.get(key, {})) <= rules, f"{file}: {key}"


def test_the_tree_of_the_contributing_guide_is_that_of_the_package() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    tree = text.partition("\nvaebench/\n")[2].partition("\ntests/")[0]
    named = re.findall(r"(?<!\S)([a-z]+)/(?=\s)", tree)
    rooms = {path.parent.name for path in (ROOT / "vaebench").glob("*/__init__.py")}
    assert sorted(named) == sorted(rooms)
