"""Optional packages: the table and pyproject.toml agree, and what is missing says the exact line."""

import ast
import re
import sys
import tomllib
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT

from autopicker_lab import Workbench, assets
from autopicker_lab.core import MissingPackageError
from autopicker_lab.core.optional import EXTRAS, PURPOSES, install_line, missing, require, require_extra

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
DECLARED = PROJECT["optional-dependencies"]
OPTIONAL = {module.partition(".")[0] for modules in EXTRAS.values() for module in modules}


@cache
def distributions() -> Any:
    """The distributions of each importable name."""
    return {
        module: {name.lower().replace("_", "-") for name in names} for module, names in packages_distributions().items()
    }


def named(requirements: Any) -> Any:
    """The distributions and the project's own extras that a list of requirements names."""
    packages, extras = set(), set()
    for line in requirements:
        name, inner = re.match(r"([\w.-]+)(?:\[([\w,-]+)\])?", line).groups()
        if name == PROJECT["name"]:
            extras |= set(inner.split(","))
        else:
            packages.add(name.lower().replace("_", "-"))
    return packages, extras


def test_the_table_is_of_the_extras_that_the_project_declares() -> None:
    assert set(EXTRAS) == set(PURPOSES) == set(DECLARED) - {"all"}
    assert named(DECLARED["all"]) == (set(), set(EXTRAS))


@pytest.mark.parametrize("extra", EXTRAS)
def test_an_extra_brings_the_modules_of_its_row(extra: Any) -> None:
    brought, base = named(DECLARED[extra])[0], named(PROJECT["dependencies"])[0]
    assert not brought & base
    for module in EXTRAS[extra]:
        here = distributions()[module.partition(".")[0]]
        assert here & brought, f"no package of {module} is in {extra}: {here}"


def test_what_serves_only_benchmarks_is_not_in_the_base() -> None:
    base = named(PROJECT["dependencies"])[0]
    assert not base & {"aiohttp", "rapidfuzz", "whisper-normalizer", "jupyterlab", "voila", "papermill", "pandas"}


# Rooms that are an extra whole: their modules may import its packages as they are loaded.
_WHOLE = ("widgets/", "benchmark/serving/passthrough.py", "benchmark/loadgen/locustfile.py", "loadtest/locust_user.py")


def test_no_module_of_the_base_imports_an_optional_package_as_it_is_loaded() -> None:
    package = ROOT / "autopicker_lab"
    for path in package.rglob("*.py"):
        if str(path.relative_to(package)).startswith(_WHOLE):
            continue
        for node in ast.parse(path.read_text("utf-8")).body:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not {name.partition(".")[0] for name in names} & OPTIONAL, path


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function that makes an extra's modules missing."""

    def hide(extra: Any) -> None:
        for module in EXTRAS[extra]:
            monkeypatch.setitem(sys.modules, module, None)

    return hide


@pytest.mark.parametrize("extra", EXTRAS)
def test_what_is_missing_names_the_line(without: Any, extra: Any) -> None:
    assert missing(extra) == ()
    require_extra(extra)
    without(extra)
    assert missing(extra) == EXTRAS[extra]
    with pytest.raises(MissingPackageError, match=re.escape(f"pip install 'autopicker-lab[{extra}]'")) as caught:
        require(EXTRAS[extra][-1])
    assert caught.value.status == 501
    assert caught.value.hint.endswith(install_line(extra))


def _transcribe() -> None:
    Workbench().transcribe(assets.samples() / "announcement.mp3")


def _extract_sound() -> None:
    Workbench().extract(assets.samples() / "announcement.mp3")


def _recognise() -> None:
    from PIL import Image

    from autopicker_lab.extraction import ocr

    ocr.read_text(Image.new("RGB", (8, 8)))


def _frame() -> None:
    Workbench().score("hi").to_frame()


def _plot() -> None:
    Workbench().score("hi").plot()


def _tune() -> None:
    from autopicker_lab.tuning import read_outcomes

    read_outcomes(assets.outcomes() / "outcomes.jsonl")


def _questions() -> None:
    from autopicker_lab.tuning import read_questions

    read_questions(assets.outcomes() / "questions.jsonl")


def _bench() -> None:
    from autopicker_lab.benchmark import run

    run(assets.benchmarks() / "answers.ipynb")


def _word_errors() -> None:
    from autopicker_lab.benchmark.transcription import word_errors

    word_errors("one", "two")


def _lab() -> None:
    from autopicker_lab.cli.jupyter import start

    start()


def _load() -> None:
    from autopicker_lab.core import ModelSpec
    from autopicker_lab.models.local import LocalModel

    LocalModel(ModelSpec("m", "local")).load()


@pytest.mark.parametrize(
    ("extra", "call"),
    [
        ("speech", _transcribe),
        ("speech", _extract_sound),
        ("ocr", _recognise),
        ("tuning", _frame),
        ("tuning", _plot),
        ("tuning", _tune),
        ("tuning", _questions),
        ("bench", _bench),
        ("bench", _word_errors),
        ("notebook", _lab),
        ("local", _load),
    ],
)
def test_each_family_says_its_line_before_it_begins(
    monkeypatch: pytest.MonkeyPatch, without: Any, extra: str, call: Any
) -> None:
    from autopicker_lab.extraction.ocr import tesseract

    monkeypatch.setattr(tesseract, "has_tesseract", lambda: False)
    without(extra)
    with pytest.raises(MissingPackageError, match=re.escape(install_line(extra))):
        call()


def test_a_picture_is_described_and_a_scan_is_told_without_ocr(
    monkeypatch: pytest.MonkeyPatch, without: Any, samples: Path
) -> None:
    from autopicker_lab.extraction import extract
    from autopicker_lab.extraction.ocr import engines, tesseract

    monkeypatch.setattr(tesseract, "has_tesseract", lambda: False)
    without("ocr")
    document = extract(samples / "sign.jpg")
    assert "pixels" in document.text
    assert install_line("ocr") in document.warnings[0]
    report = extract(samples / "report.pdf")
    assert "Harbour Light" in report.text
    assert engines() == []


async def test_a_local_model_without_its_package_is_not_available(without: Any) -> None:
    from autopicker_lab.core import ModelSpec
    from autopicker_lab.models.local import LocalModel

    without("local")
    answer = await LocalModel(ModelSpec("m", "local")).available()
    assert not answer.ok
    assert install_line("local") in answer.hint


@pytest.mark.slow
def test_doctor_names_the_extra_of_each_missing_part(without: Any) -> None:
    from autopicker_lab.cli.doctor import examine

    without("redis")
    without("bench")
    checks = {check.name: check for check in examine(Workbench())}
    for extra in ("redis", "bench"):
        assert not checks[f"extra {extra}"].ok
        assert install_line(extra) in checks[f"extra {extra}"].detail
    assert checks["extra speech"].ok
