"""A real JupyterLab or Voila, and a browser that runs notebooks in it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Locator, Page, sync_playwright
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from support.serving import free_port

_CHROMIUM = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@contextmanager
def _running(options: list[str], folder: Path) -> Iterator[str]:
    """The address that `autopicker lab` prints."""
    port = free_port()
    words = [sys.executable, "-c", "from autopicker_lab.cli import main; main()", "lab", "--no-browser", *options]
    places = ("JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTERLAB_WORKSPACES_DIR", "JUPYTERLAB_SETTINGS_DIR")
    env = {**os.environ, **{name: str(folder / name.lower()) for name in places}}
    log = folder / "log"
    with (
        log.open("wb") as out,
        subprocess.Popen([*words, "--port", str(port)], env=env, stdout=out, stderr=out) as server,
    ):
        try:
            until = time.monotonic() + 60
            while (found := re.search(rf"http://\S+:{port}/\S*\?token=\w+", log.read_text("utf-8"))) is None:
                if server.poll() is not None or time.monotonic() > until:
                    raise RuntimeError(log.read_text("utf-8")[-2000:])
                time.sleep(0.1)
            yield found.group()
        finally:
            server.terminate()
            server.wait(20)


@contextmanager
def jupyterlab(home: Path, folder: Path) -> Iterator[str]:
    """The address of a JupyterLab on the notebooks of `home`, with its token; `folder` for what it writes."""
    with _running(["--folder", str(home), "--LabApp.expose_app_in_browser=True"], folder) as address:
        yield address


@contextmanager
def voila(home: Path, name: str, folder: Path) -> Iterator[str]:
    """The address of a notebook of `home` that is served without code."""
    with _running(["--folder", str(home), "--voila", name], folder) as address:
        yield address


@contextmanager
def chromium(*options: str) -> Iterator[Browser]:
    """A browser, with more options of its command line; one at a time."""
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=[*_CHROMIUM, *options])
        yield browser
        browser.close()


def tab(browser: Browser, scale: float = 1) -> Page:
    """A page that may use the clipboard."""
    size: Any = {"width": 1280, "height": 1100}
    context = browser.new_context(viewport=size, accept_downloads=True, device_scale_factor=scale)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    return context.new_page()


def open_notebook(page: Page, address: str, name: str) -> None:
    """Show a notebook, with a kernel of its own."""
    start, _, token = address.partition("/lab/tree/")
    page.goto(f"{start}/lab/tree/{name}?{token.partition('?')[2]}&reset")
    page.locator(".jp-NotebookPanel .jp-Cell").first.wait_for(timeout=60_000)
    dialog = page.locator(".jp-Dialog .jp-mod-accept")
    for _ in range(30):  # which kernel, it may ask
        if dialog.count():
            dialog.first.click()
        if page.locator(".jp-NotebookPanel .jp-Notebook-ExecutionIndicator[data-status=idle]").count():
            break
        page.wait_for_timeout(500)
    page.wait_for_timeout(1500)  # a kernel that is restarted while it connects may never come back


ALL_RUN = """() => {
    const prompts = [...document.querySelectorAll('.jp-NotebookPanel .jp-CodeCell .jp-InputPrompt')];
    return prompts.length && prompts.every(p => /\\[\\d+\\]/.test(p.textContent));
}"""


_WAITING = """() => [...document.querySelectorAll('.jp-NotebookPanel .jp-CodeCell .jp-InputPrompt')]
    .some(prompt => prompt.textContent.includes('*'))"""


def run_all(page: Page, seconds: float = 90, tries: int = 4) -> None:
    """Restart and run all cells, as a user does, who does so again where the kernel never came back."""
    for left in reversed(range(tries)):
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name=re.compile("Restart Kernel and Run All")).click()
        page.locator(".jp-Dialog .jp-mod-accept").click()
        try:
            page.wait_for_function(ALL_RUN, timeout=seconds * 1000)
            break
        except PlaywrightTimeout:
            if not left:
                raise
    page.locator(".jp-CodeCell .jp-InputPrompt").last.scroll_into_view_if_needed()


def command(page: Page, name: str, wait: bool = True, **options: Any) -> None:
    """Give JupyterLab a command by its name, and wait until it is done."""
    call = "([name, options]) => { const done = window.jupyterapp.commands.execute(name, options)"
    page.evaluate(f"{call}; {'return done.then(() => null);' if wait else ''} }}", [name, options])


def show_alone(page: Page, name: str) -> None:
    """Show a notebook with a kernel of its own, in the page of JupyterLab that is there; end all other kernels."""
    page.evaluate("() => { for (const one of [...window.jupyterapp.shell.widgets('main')]) one.dispose(); }")
    page.evaluate("() => window.jupyterapp.serviceManager.sessions.shutdownAll()")
    command(page, "docmanager:open", path=name, kernel={"name": "python3"})
    page.locator(".jp-NotebookPanel .jp-Notebook-ExecutionIndicator[data-status=idle]").wait_for(timeout=120_000)
    if page.locator("#jp-left-stack").is_visible():
        command(page, "application:toggle-left-area")


def run_cells(page: Page, seconds: float = 300) -> None:
    """Run all cells; again, as a user does, where none is waited for though not all have run."""
    until, idle = time.monotonic() + seconds, 0
    command(page, "notebook:run-all-cells", wait=False)
    while not page.evaluate(ALL_RUN):
        assert time.monotonic() < until, page.locator(".jp-CodeCell .jp-InputPrompt").all_inner_texts()
        page.wait_for_timeout(500)
        idle = 0 if page.evaluate(_WAITING) else idle + 1
        if idle == 10:
            idle = 0
            command(page, "notebook:run-all-cells", wait=False)


def use_theme(page: Page, name: str) -> None:
    """Show JupyterLab in its theme "Light" or "Dark"."""
    command(page, "apputils:change-theme", theme=f"JupyterLab {name}")
    light = str(name == "Light").lower()
    page.locator(f"body[data-jp-theme-light={light}]").wait_for(state="attached")


def cell(page: Page, text: str) -> Locator:
    """The code cell that contains some text."""
    return page.locator(".jp-NotebookPanel .jp-CodeCell", has=page.locator(".jp-InputArea", has_text=text)).first


def panel_of(page: Page, text: str) -> Locator:
    """The panel that lives below the code cell that contains some text, without the copy of it that stays hidden."""
    return cell(page, text).locator(".ap-live")


def slide(panel: Locator, name: str, presses: int = 3) -> str:
    """Move a slider by the keyboard, and say what it reads then."""
    row = panel.locator(".widget-inline-hbox", has_text=name).first
    handle = row.locator(".noUi-handle").first
    handle.focus()
    for _ in range(presses):
        handle.press("ArrowRight")
    return row.locator(".widget-readout").inner_text()
