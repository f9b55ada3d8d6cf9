"""Reports of runs: a cover that tells what was found, and a page in which nothing runs, whatever a notebook printed."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from conftest import needs
from support.jupyter import chromium

from autopicker_lab import benchmark
from autopicker_lab.benchmark import report
from autopicker_lab.benchmark.report import report_html

BREAK_IN = "<img src=x onerror=\"document.title='broken'\"><script>document.title='broken'</script>"
FETCH = "".join(
    f"<p style='{style}'>a</p>"
    for style in (
        "background:url(http://127.0.0.1:1/x)",
        "background:u\\72l(http://127.0.0.1:1/e)",
        'background:image-set("http://127.0.0.1:1/s" 1x)',
        'background:-webkit-image-set("http://127.0.0.1:1/w" 1x)',
    )
)
FETCH += "<img src='http://127.0.0.1:1/y'>"
DRAWN = "<svg onload=\"document.title='broken'\">"
HOSTILE = f"{BREAK_IN}{FETCH}</title></script></style>'\">{DRAWN}</svg>{DRAWN}`$\\text{{{BREAK_IN}}}$"
STAMP = {
    "utc": "2026-01-02T03:04:05",
    "machine": "a machine",
    "python": "3.12",
    "commit": "abcdef0123456789",
    "dirty": True,
}


def executed(folder: Path, *outputs: dict[str, Any]) -> Path:
    import nbformat

    shown = [nbformat.v4.new_output("display_data", data, metadata={"width": HOSTILE}) for data in outputs]
    failed = nbformat.v4.new_output("error", ename=HOSTILE, evalue=HOSTILE, traceback=[HOSTILE])
    printed = nbformat.v4.new_output("stream", name="stdout", text=HOSTILE)
    cells = [
        nbformat.v4.new_markdown_cell(f"# Of {HOSTILE}\n\n[press](javascript:alert(1)) {HOSTILE}"),
        nbformat.v4.new_raw_cell(HOSTILE, metadata={"raw_mimetype": "text/html"}),
        nbformat.v4.new_code_cell("1", outputs=[*shown, printed, failed], metadata={"tags": [HOSTILE]}),
    ]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"title": HOSTILE, "widgets": {"x": HOSTILE}})
    nbformat.write(notebook, folder / "own.ipynb")
    return folder / "own.ipynb"


def record(**fields: Any) -> dict[str, Any]:
    return {"benchmark": "own", "name": "", "parameters": {}, "figures": {}, "stamp": STAMP, **fields}


@pytest.mark.browser
@needs("chromium")
def test_hostile_names_prompts_and_answers_are_text(tmp_path: Path) -> None:
    kinds = ("text/html", "text/markdown", "image/svg+xml", "text/latex", "text/plain", "application/javascript")
    path = executed(tmp_path, *({kind: HOSTILE} for kind in kinds))
    hostile = record(
        name=HOSTILE, verdict=HOSTILE, parameters={HOSTILE: HOSTILE}, figures={HOSTILE: HOSTILE}, look_first=[HOSTILE]
    )
    html = report_html(path, hostile)
    asked: list[str] = []
    page = tmp_path / "report.html"
    with chromium() as opened:
        for guarded in (html, re.sub("<meta http-equiv=[^>]*>", "", html)):  # the page holds without its policy, too
            assert (guarded is html) == ("default-src 'none'" in guarded)
            page.write_text(guarded, "utf-8")
            tab = opened.new_page()
            tab.on("request", lambda request: asked.append(request.url))
            tab.goto(page.as_uri(), wait_until="load")
            assert tab.title() != "broken"
            assert tab.locator("script, svg, iframe, [onerror], [onload], [href^='javascript']").count() == 0
            assert "document.title='broken'" in tab.locator(".cover .verdict").inner_text()
    assert {url for url in asked if not url.startswith("data:")} == {page.as_uri()}


def test_the_cover_tells_the_verdict_the_machine_and_what_to_look_at_first(tmp_path: Path) -> None:
    found = record(
        name="the second run",
        verdict="It holds 120 a second.",
        figures={"rate": {"held": 120.0}, "other": 3},
        look_first=["rate.held", "not there"],
        parameters={"seconds": 2, "seed": 20261127},
    )
    html = report_html(executed(tmp_path), found)
    cover = re.search("<section class='cover'>.*?</section>", html, re.DOTALL)[0]
    words = re.sub("<[^>]*>", "|", cover)
    for told in (
        "the second run",
        "It holds 120 a second.",
        "rate.held||120",
        "a machine",
        "abcdef012345, changed since",
        "seconds||2",
        "seed||20261127",
    ):
        assert told in words
    assert "other" not in words
    assert html.index("<section class='cover'") < html.index('<div class="jp-RenderedHTMLCommon jp-RenderedMarkdown')


def test_tables_pictures_and_styles_of_a_report_stay(tmp_path: Path) -> None:
    head = "<table style='line-height:1.4'><thead><tr><th scope='col'>a</th></tr></thead>"
    table = f"{head}<tbody><tr><td>1</td></tr></tbody></table>"
    drawing = "<svg xmlns='http://www.w3.org/2000/svg' aria-label=\"a curve\"><script>alert(1)</script></svg>"
    drawing += "<svg role='group' aria-label='a &quot;b&quot; &lt;c'><g aria-label='inside'/></svg>"
    drawing += "<svg><g aria-label='inside'/></svg>"
    links = "<a href='https://a/b'>out</a><a href='data:text/html,x'>in</a>"
    shown = f"<style scoped>td {{}}</style>{table}{drawing}{links}"
    html = report_html(executed(tmp_path, {"text/html": shown}, {"image/png": "aGk="}), record())
    assert '<img alt="a curve" src="data:image/svg+xml;base64,' in html
    assert """ alt='a "b" <c' """.strip() in unescape(html)
    assert '<img alt="a plot" src="data:image/svg+xml;base64,' in html
    assert '<a href="https://a/b">out</a><a>in</a>' in html
    for kept in ('<table style="line-height:1.4">', '<th scope="col">a</th>', "data:image/png;base64,aGk="):
        assert kept in html


@pytest.mark.parametrize(
    ("style", "kept"),
    [
        ("color:rgb(1, 2, 3)", True),
        ("background:linear-gradient(red, blue)", True),
        ("background:url(//a/b)", False),
        ("background:image-set (1x)", False),
        ("color:" + "a" * 200_000, False),
        ("color:" + " " * 200_000 + "red", False),
    ],
)
def test_styles_stay_that_fetch_nothing(style: str, kept: bool) -> None:
    """At a cost that grows with the length: the square of the longest would take minutes."""
    assert ("style=" in report._cleaned(f'<p style="{style}">x</p>')) == kept


def test_drawings_without_end_are_looked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []

    class Pattern:
        def __init__(self, pattern: str, flags: int):
            self._pattern = compile_pattern(pattern, flags)

        def search(self, html: str, at: int) -> re.Match[str] | None:
            looked.append(len(html) - at)
            return self._pattern.search(html, at)

    compile_pattern = re.compile
    monkeypatch.setattr(report, "re", SimpleNamespace(compile=Pattern, IGNORECASE=re.IGNORECASE))
    html = "<svg>" * 5000
    assert report._replaced(html, "svg", lambda _: "") == html
    assert sum(looked) <= 2 * len(html)


@pytest.mark.slow
def test_a_notebook_gives_its_verdict(tmp_path: Path) -> None:
    import nbformat

    call = "save_figures({'a': 1}, out, verdict='Well done.', look_first=['a'])"
    source = f"from autopicker_lab.benchmark import save_figures\n{call}"
    cells = [
        nbformat.v4.new_code_cell('out = ""', metadata={"tags": ["parameters"]}),
        nbformat.v4.new_code_cell(source),
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "own.ipynb")
    run = benchmark.run(tmp_path / "own.ipynb", runs=tmp_path / "runs")
    kept = json.loads((run.folder / "record.json").read_text("utf-8"))
    assert (kept["verdict"], kept["look_first"]) == ("Well done.", ["a"])
    assert "Well done." in (run.folder / "own.html").read_text("utf-8")
