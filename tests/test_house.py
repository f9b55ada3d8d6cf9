"""The page for those who work in the house names what is there, and nothing that is gone."""

import re
import tomllib
from pathlib import Path

import pytest
from conftest import ROOT

PACKAGE = ROOT / "autopicker_lab"
PAGE = (PACKAGE / "README.md").read_text("utf-8")
PAGES = sorted(PACKAGE.rglob("*.md"))
_CODE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\]\(([^)#:]+)\)")


def places(text: str) -> list[str]:
    """What is named in backquotes and looks like a file or a folder."""
    return [name for name in _CODE.findall(text) if re.fullmatch(r"[\w./-]+(/|\.(py|md|json|js|mjs|toml|ipynb))", name)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PACKAGE)))
def test_every_file_that_a_page_names_is_there(page: Path) -> None:
    text = page.read_text("utf-8")
    for name in places(text):
        roots = (page.parent, PACKAGE, ROOT)
        assert any((root / name).exists() for root in roots), f"{name} is gone"
    for name in _LINK.findall(text):
        assert (page.parent / name).exists(), f"the link to {name} is dead"


def test_every_room_is_on_the_page() -> None:
    rooms = [path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()]
    for room in rooms:
        assert f"{room}/" in PAGE, f"{room}/ is missing"


def test_the_layers_are_those_that_are_checked() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    checked = next(c["layers"] for c in contracts if c["type"] == "layers")
    rows = [set(re.findall(r"autopicker_lab\.(\w+)", layer)) for layer in checked]
    block = PAGE.split("## The layers")[1].split("`assets.py`")[0]
    lines = [line[4:] for line in block.split("\n") if line.startswith("    ")]
    drawn = [set(re.findall(r"(\w+)(?:/|\.py)", re.split(r"\s{3,}", line)[0])) for line in lines]
    assert drawn == rows


def test_every_class_that_the_page_names_is_there() -> None:
    code = "\n".join(path.read_text("utf-8") for folder in (PACKAGE, ROOT / "tests") for path in folder.rglob("*.py"))
    for name in _CODE.findall(PAGE):
        if re.fullmatch(r"[A-Z][A-Za-z]+s?", name):
            assert re.search(rf"^class {name.removesuffix('s')}s?\b", code, re.M), f"{name} is gone"
        if re.fullmatch(r"[A-Z_]{4,}", name):
            assert re.search(rf"^{name}\b", code, re.M), f"{name} is gone"
