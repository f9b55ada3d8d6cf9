"""The page at `/`, in a real browser that may reach the service and nothing else."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from conftest import needs
from support.gateway import gateway
from support.upstream import TEXT, soon, upstream


@pytest.fixture
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
        opened = play.chromium.launch(executable_path=shutil.which("chromium"), args=options)
        yield opened
        opened.close()


def visit(browser: Any, base: Any, refused: Any) -> Any:
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
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


@pytest.mark.browser
@needs("chromium")
def test_ask_drop_watch_stop_and_copy(browser: Any, samples: Path) -> None:
    wrong: list[Any] = []
    with upstream() as up, gateway(up) as base:
        tab = visit(browser, base, wrong)
        tab.get_by_role("option", name="m", exact=True).wait_for(state="attached")
        tab.set_input_files("#pick", [samples / "notes.txt"])
        tab.get_by_text("notes.txt: txt").wait_for()
        tab.get_by_label("Your question").fill("What do the notes say?")
        tab.get_by_role("button", name="Ask").click()
        tab.get_by_text(TEXT).wait_for()
        route = tab.locator(".route").first
        route.get_by_text("complexity").wait_for()
        assert "3 + 5 tokens" in route.inner_text()
        assert "What do the notes say?" in str(up.bodies[-1]["messages"])
        assert " notes.txt, " in str(up.bodies[-1]["messages"])
        route.get_by_role("button").click()
        copied = tab.evaluate("navigator.clipboard.readText()")
        assert copied.startswith(f"curl -N '{base}/api/v1/chat/multimodal-audio'")

        up.delay_s, up.pieces = 0.1, 100
        tab.get_by_label("Your question").fill("A long story")
        tab.get_by_role("button", name="Ask").click()
        answer = tab.locator(".turn").nth(3).locator(".text")
        assert soon(lambda: len(answer.inner_text()) > 10)
        before = answer.inner_text()
        assert soon(lambda: len(answer.inner_text()) > len(before))
        tab.get_by_role("button", name="Stop").click()
        tab.get_by_text("[stopped]").wait_for()
        assert soon(lambda: up.dropped == 1)
        assert len(up.bodies[-1]["messages"]) == 3

        up.delay_s, up.pieces, up.fault = 0, 6, "500"
        tab.get_by_label("Your question").fill("And now?")
        tab.keyboard.press("Enter")
        tab.locator(".turn.failed").get_by_text("boom").wait_for()
    assert [line for line in wrong if "502" not in line] == []
