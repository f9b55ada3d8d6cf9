"""One version, and what is said of it."""

import json
import re
import tomllib
from importlib.metadata import version

from conftest import ROOT

from autopicker_lab import __version__


def test_the_version_stands_in_one_place() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert "version" not in project
    assert "version" in project["dynamic"]
    assert json.loads((ROOT / "autopicker_lab/client/package.json").read_text("utf-8"))["version"] == __version__
    assert version("autopicker-lab") == __version__, "install the package again: uv sync"


def test_the_newest_entry_of_the_changelog_is_this_version_and_dated() -> None:
    text = (ROOT / ".github/CHANGELOG.md").read_text("utf-8")
    newest = re.search(r"(?m)^## (\S+) \((.*)\)$", text)
    assert newest[1] == __version__
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", newest[2])
