"""The page for those who work in the house names what is there, and nothing that is gone."""

import re
import tomllib
from pathlib import Path

import pytest
from conftest import LONGEST, ROOT

PACKAGE = ROOT / "autopicker_lab"
PAGE = (PACKAGE / "README.md").read_text("utf-8")
PAGES = sorted(PACKAGE.rglob("*.md"))
MADE_BY_RUNS = ("runs/",)
_CODE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\]\(([^)#:]+)\)")


def places(text: str) -> list[str]:
    """What is named in backquotes and looks like the path of a file or a folder; NAME stands for any."""
    paths = re.compile(r"\w[\w.-]*/([\w./-]*(/|\.(py|md|json|js|mjs|toml|ipynb)))?")
    named = [name for name in _CODE.findall(text) if paths.fullmatch(name) and "NAME" not in name]
    return [name for name in named if name not in MADE_BY_RUNS]


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


def test_every_class_and_constant_that_the_page_names_is_there() -> None:
    files = [path for folder in (PACKAGE, ROOT / "tests") for path in folder.rglob("*.py")]
    code = "\n".join(path.read_text("utf-8") for path in files)
    for name in _CODE.findall(PAGE):
        if re.fullmatch(r"[A-Z_]{4,}", name):
            assert re.search(rf"^{name}\b", code, re.M), f"{name} is gone"
        elif re.fullmatch(r"[A-Z][A-Za-z]+", name):
            assert re.search(rf"^class {name.removesuffix('s')}s?\b", code, re.M), f"{name} is gone"


def test_the_files_that_are_tested_first_are_there() -> None:
    assert [name for name in LONGEST if not (ROOT / "tests" / name).is_file()] == []
