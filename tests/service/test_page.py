"""The page at `/`, in a real browser that may reach the service and nothing else."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from conftest import needs
from support.axe import violations
from support.gateway import gateway
from support.looks import look_at_page
from support.raw_upstream import END, piece, raw_upstream, stream
from support.upstream import TEXT, soon, upstream

from autopicker_lab.settings import ModelConfig

FILE = "# Zeals\n\nThe boat yard of Zeals employed 190 people at its height.\n\nIt is a museum now.\n"
ANSWER = (
    "It employed **190 people**. It closed in 1999.\n\n| a | b |\n|---|--:|\n| \\(x^2\\) | `code` |\n\n"
    "<img src=x onerror=\"document.title='broken into'\"> [press](javascript:document.title='broken-into') "
    "$\\text{<img src=y onerror=1>}$ $\\href{javascript:alert(1)}{z}$ ![far](http://127.0.0.1:1/far.png)"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
        opened = play.chromium.launch(executable_path=shutil.which("chromium"), args=options)
        yield opened
        opened.close()


def visit(browser: Any, base: Any, refused: Any, **options: Any) -> Any:
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"], **options)
    tab = context.new_page()
    tab.route(
        lambda url: not url.startswith((base, "data:", "blob:")),
        lambda route: (refused.append(route.request.url), route.abort()),
    )
    tab.on("pageerror", lambda error: refused.append(str(error)))
    tab.on("console", lambda line: refused.append(line.text) if line.type == "error" else None)
    tab.goto(base)
    return tab


def test_the_page_needs_no_key_and_has_a_policy() -> None:
    with upstream() as up, gateway(up, api_key="secret") as base:
        answer = httpx.get(base)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert "default-src 'self'" in answer.headers["content-security-policy"]
        assert httpx.get(f"{base}/page/page.js").status_code == 200
        assert httpx.get(f"{base}/page/..%2fapp.py").status_code == 404
        assert httpx.get(f"{base}/v1/models").status_code == 401
        assert httpx.post(f"{base}/page-data/typeset", json={"text": "x"}).status_code == 401
        key = {"X-API-Key": "secret"}
        answer = httpx.post(f"{base}/page-data/typeset", json={"text": "*x* <b>"}, headers=key)
        assert answer.json() == {"html": "<p><em>x</em> &lt;b&gt;</p>\n"}
        for refused in ({"text": "x" * 200_001}, {"text": "x", "stops": [-1]}):
            assert httpx.post(f"{base}/page-data/typeset", json=refused, headers=key).status_code == 400
        assert httpx.get(f"{base}/page-data/examples", headers=key).json() == {"examples": []}


@pytest.mark.browser
@needs("chromium")
def test_ask_drop_watch_stop_and_copy(browser: Any, samples: Path) -> None:
    wrong: list[Any] = []
    with upstream() as up, gateway(up) as base:
        tab = visit(browser, base, wrong)
        tab.get_by_role("option", name="m", exact=True).wait_for(state="attached")
        tab.set_input_files("#pick", [samples / "notes.txt"])
        tab.get_by_text("txt, ").wait_for()
        tab.get_by_label("Your question").fill("What do the notes say?")
        tab.get_by_role("button", name="Ask", exact=True).click()
        tab.locator(".turn .text").get_by_text(TEXT).wait_for()
        about = tab.locator(".about").first
        about.get_by_text("of 100").wait_for()
        assert "3 read, 5 written" in about.inner_text()
        assert about.locator("dt:has-text('Cost') + dd").inner_text() == "none"
        assert "What do the notes say?" in str(up.bodies[-1]["messages"])
        assert " notes.txt, " in str(up.bodies[-1]["messages"])
        about.get_by_role("button", name="Copy as curl").click()
        about.get_by_text("Copied").click()
        about.get_by_text("Copy as curl").wait_for()  # its own name comes back, however often it is pressed
        copied = tab.evaluate("navigator.clipboard.readText()")
        assert copied.startswith(f"curl -N '{base}/api/v1/chat/multimodal-audio'")
        tab.evaluate("() => Object.defineProperty(navigator, 'clipboard', {value: undefined})")
        about.get_by_role("button", name="Copy as curl").click()
        tab.get_by_text("does not let pages without HTTPS copy").wait_for()
        about.get_by_role("button", name="Good").click()
        about.locator("[data-score='1'][aria-pressed=true]").wait_for()
        about.get_by_text("Why this model?").click()
        about.get_by_text("can take the request").wait_for()
        assert look_at_page(tab, "service") == []

        up.delay_s, up.pieces = 0.1, 100
        tab.get_by_label("Your question").fill("A long story")
        tab.get_by_role("button", name="Ask", exact=True).click()
        answer = tab.locator(".turn").nth(3).locator(".text")
        answer.wait_for()
        assert soon(lambda: len(answer.inner_text()) > 10)
        before = answer.inner_text()
        assert soon(lambda: len(answer.inner_text()) > len(before))
        tab.get_by_role("button", name="Stop", exact=True).click()
        tab.get_by_text("Stopped; what came until then is kept.").wait_for()
        assert soon(lambda: up.dropped == 1)
        assert len(up.bodies[-1]["messages"]) == 3

        up.delay_s, up.pieces, up.fault = 0, 6, "500"
        tab.get_by_label("Your question").fill("And now?")
        tab.keyboard.press("Enter")
        failed = tab.locator(".turn.failed")
        failed.get_by_text("boom").wait_for()
        before = len(up.bodies)
        failed.get_by_role("button", name="Ask again").click()
        assert soon(lambda: len(up.bodies) > before)
        assert up.bodies[-1]["messages"][-1]["content"].endswith("And now?")  # the one that failed
        assert len(up.bodies[-1]["messages"]) == 5
    assert [line for line in wrong if "502" not in line] == []


@pytest.mark.browser
@needs("chromium")
def test_cells_of_a_spreadsheet_are_pasted_as_text_and_a_picture_as_a_file(browser: Any) -> None:
    wrong: list[Any] = []
    with upstream() as up, gateway(up) as base:
        tab = visit(browser, base, wrong)
        tab.get_by_role("option", name="m", exact=True).wait_for(state="attached")
        paste = """texts => {
            const data = new DataTransfer();
            for (const [kind, text] of Object.entries(texts)) data.setData(kind, text);
            data.items.add(new File(['GIF89a'], 'image.gif', {type: 'image/gif'}));
            const event = new ClipboardEvent('paste', {clipboardData: data, bubbles: true, cancelable: true});
            document.querySelector('#question').dispatchEvent(event);
            return event.defaultPrevented;  // what is not, the browser inserts as text
        }"""
        assert not tab.evaluate(paste, {"text/plain": "a\tb", "text/html": "<table><td>a<td>b</table>"})
        assert tab.evaluate(paste, {"text/html": "<img src=x>"})
        assert tab.evaluate(paste, {})
        tab.locator("#files li").nth(1).wait_for()
        assert tab.locator("#files li").count() == 2


@pytest.mark.browser
@needs("chromium")
def test_an_answer_is_typeset_runs_nothing_and_leads_to_its_passages_on_a_phone_behind_a_prefix(browser: Any) -> None:
    wrong: list[Any] = []
    phone = {"viewport": {"width": 320, "height": 700}, "color_scheme": "dark"}
    with raw_upstream() as up, gateway(up, root_path="/lab") as base:
        up.script = lambda asked: stream(piece({"role": "assistant", "content": ANSWER}), END)
        tab = visit(browser, f"{base}/lab/", wrong, **phone)
        survey = {"name": "survey.md", "mimeType": "text/markdown", "buffer": FILE.encode()}
        tab.set_input_files("#pick", [survey])
        tab.get_by_text("md, ").wait_for()
        tab.get_by_label("Your question").fill("How many people did the boat yard employ?")
        tab.keyboard.press("Enter")
        answer = tab.locator(".text:not(.plain)")
        answer.wait_for()
        assert answer.locator("strong").inner_text() == "190 people"
        assert answer.locator("td math msup").count() == 1
        assert answer.locator("td[align=right] code").inner_text() == "code"
        assert answer.locator("img, script, [href^='javascript'], [onerror]").count() == 0
        assert "<img src=x" in answer.inner_text()
        tab.get_by_text("Not found in the files: “It closed in 1999.”").wait_for()
        tab.get_by_role("button", name="Source 1: survey.md").first.click()
        assert tab.locator("dialog mark").inner_text() == FILE.splitlines()[2]
        tab.get_by_role("button", name="Show the whole file").or_(
            tab.get_by_text("It is a museum now.")
        ).first.wait_for()
        assert violations(tab) == []
        tab.keyboard.press("Escape")
        tab.get_by_role("button", name="Uploads").click()
        tab.get_by_role("button", name="Text: survey.md").click()
        tab.locator("dialog .page").get_by_text("It is a museum now.").wait_for()
        tab.keyboard.press("Escape")
        tab.get_by_role("button", name="Models").click()
        tab.locator("dialog td").get_by_text("✓ ready").first.wait_for()
        assert violations(tab) == []
        width = tab.evaluate("() => document.scrollingElement.scrollWidth")
        assert (width, tab.title()) == (320, "Autopicker Lab")
    assert wrong == []


def test_recorded_questions_are_offered_where_no_others_are_answered() -> None:
    recorded = ModelConfig(name="smollm2-135m", type="replay")
    with gateway(recorded) as base:
        questions = httpx.get(f"{base}/page-data/examples").json()["examples"]
        assert questions
        for question in questions:
            body = {"messages": [{"role": "user", "content": question}]}
            assert httpx.post(f"{base}/v1/chat/completions", json=body).status_code == 200


@pytest.mark.browser
@needs("chromium")
def test_the_documentation_is_dark_where_the_browser_is(browser: Any) -> None:
    wrong: list[Any] = []
    with gateway(root_path="/lab") as base:
        tab = visit(browser, f"{base}/lab/", wrong, color_scheme="dark")
        tab.goto(f"{base}/lab/docs")
        tab.get_by_text("Chat, OpenAI's format").wait_for()
        back = "() => getComputedStyle(document.documentElement).backgroundColor"
        dark = tab.evaluate(back)
        tab.emulate_media(color_scheme="light")
        tab.locator("html:not(.dark-mode)").wait_for(state="attached")
        assert tab.evaluate(back) != dark
    assert wrong == []


@pytest.mark.browser
@needs("chromium")
def test_the_check_of_accessibility_finds_what_is_wrong(browser: Any) -> None:
    tab = browser.new_page()
    tab.set_content("<button></button><p style='color:#ccc;background:#fff'>pale</p>")
    assert {rule for rule, _ in violations(tab)} == {"button-name", "color-contrast"}
