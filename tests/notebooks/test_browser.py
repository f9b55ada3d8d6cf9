"""The notebooks in a real JupyterLab and in Voila, in a real browser.

Pictures of what was seen are kept in build/screenshots.
"""

import io
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, needs
from playwright.sync_api import expect
from reportlab.pdfgen.canvas import Canvas
from support.axe import violations
from support.jupyter import cell, chromium, jupyterlab, open_notebook, panel_of, run_all, slide, tab, voila
from support.looks import SHOTS, look

from autopicker_lab import assets

pytestmark = [pytest.mark.browser, needs("chromium")]
FLOWS = (
    "from autopicker_lab import Workbench, assets\nfrom autopicker_lab.service import start\n"
    "from autopicker_lab.widgets import ChatPanel, ExplorerPanel, ExtractionPanel, LoadPanel, TranscriptionPanel\n"
    "lab = Workbench(); served = start(rate_limit_requests=1_000_000)",
    "ExtractionPanel()",
    "ExplorerPanel(lab)",
    "ChatPanel(lab, 'Tell me everything about the sea.', max_tokens=900)",
    "LoadPanel(lab, f'{served.url}/health', chat=False, seconds=60)",
    "TranscriptionPanel(lab, assets.samples() / 'announcement.ogg')",
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The notebooks, and one more with all the panels that work for a while."""
    import nbformat  # takes seconds to load

    folder = tmp_path_factory.mktemp("notebooks")
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        shutil.copy(path, folder)
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    cells = [nbformat.v4.new_code_cell(source) for source in FLOWS]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), folder / "flows.ipynb")
    gone = [nbformat.v4.new_code_cell(source) for source in (FLOWS[0], "ExplorerPanel(lab, 'Why?')")]
    nbformat.write(nbformat.v4.new_notebook(cells=gone, metadata=kernel), folder / "gone.ipynb")
    SHOTS.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sound = f"--use-file-for-fake-audio-capture={assets.samples() / 'announcement.wav'}"
    with chromium("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", sound) as opened:
        yield opened


@pytest.fixture(scope="module")
def page(home: Any, browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with jupyterlab(home, tmp_path_factory.mktemp("server")) as address:
        opened: Any = tab(browser)
        opened.address = address
        yield opened


@pytest.fixture(scope="module")
def flows(page: Any) -> Any:
    open_notebook(page, page.address, "flows.ipynb")
    page.wait_for_timeout(1500)
    assert page.get_by_text("Jupyter news").count() == 0
    run_all(page)
    return page


def pdf(size: Any, words: Any) -> Any:
    """A PDF of about so many bytes."""
    out = io.BytesIO()
    canvas = Canvas(out)
    canvas.drawString(72, 720, words)
    canvas.save()
    return out.getvalue() + b"\n%" + b"x" * max(0, size - len(out.getvalue()) - 2)


def upload(panel: Any, name: Any, content: Any) -> None:
    kind = {"name": name, "mimeType": "application/pdf", "buffer": content}
    panel.locator("input[type=file]").set_input_files([kind])


def shot(page: Any, name: Any) -> None:
    page.screenshot(path=SHOTS / f"{name}.png")


def saved(page: Any, panel: Any, name: str, folder: Path) -> str:
    """What a button saves."""
    with page.expect_download() as download:
        panel.get_by_role("button", name=name, exact=True).click()
    download.value.save_as(folder / "saved")
    return (folder / "saved").read_text("utf-8")


def test_a_pdf_is_uploaded_and_its_text_shown(flows: Any) -> None:
    panel = panel_of(flows, "ExtractionPanel()")
    upload(panel, "letter.pdf", pdf(0, "The lighthouse keeper writes home."))
    panel.get_by_text("The lighthouse keeper writes home.").filter(visible=True).first.wait_for()
    assert panel.get_by_alt_text("picture of page 1").evaluate("image => image.naturalWidth") > 100
    shot(flows, "extraction")


def test_several_files_are_dropped(flows: Any) -> None:
    panel = panel_of(flows, "ExtractionPanel()")
    panel.get_by_role("button", name="Clear").click()
    zone = panel.locator("label", has=flows.locator("input[type=file]"))
    zone.evaluate(
        """zone => {
            const data = new DataTransfer();
            for (const name of ["one", "two"]) data.items.add(new File([`text of ${name}`], `${name}.txt`));
            zone.dispatchEvent(new DragEvent("drop", {dataTransfer: data, bubbles: true, cancelable: true}));
        }"""
    )
    panel.get_by_text("2 of 2 files read").wait_for()
    panel.get_by_text("one.txt, two.txt").wait_for()
    panel.get_by_text("text of two").filter(visible=True).first.wait_for()


def test_nine_megabytes_are_taken_and_eleven_refused(flows: Any) -> None:
    panel = panel_of(flows, "ExtractionPanel()")
    upload(panel, "large.pdf", pdf(9_000_000, "Nine megabytes came through."))
    panel.get_by_text("Nine megabytes came through.").filter(visible=True).first.wait_for(timeout=120_000)
    upload(panel, "larger.pdf", pdf(11_000_000, "Never read."))
    panel.get_by_text(re.compile(r"larger\.pdf has 10\.5 MiB, the limit is 10\.0 MiB: type its path")).wait_for()
    shot(flows, "refused")
    upload(panel, "x.rar", b"Rar!\x1a\x07\x00 nothing")
    panel.get_by_text(re.compile("⚠.*x.rar")).filter(visible=True).first.wait_for()
    upload(panel, "broken.pdf", b"%PDF-1.7 broken")
    panel.get_by_text(re.compile("⚠.*not a readable PDF")).filter(visible=True).first.wait_for()
    assert "Traceback" not in panel.inner_text()


def test_tokens_arrive_sliders_answer_meanwhile_and_stop_stops(flows: Any) -> None:
    panel, explorer = panel_of(flows, "ChatPanel(lab"), panel_of(flows, "ExplorerPanel(lab)")
    answer, stopped = panel.locator(".autopicker-md").last, panel.get_by_text("stopped; what came until then is kept")
    ended = panel.get_by_text(re.compile("smollm2-135m: .* tokens read"))
    for attempt in range(1, 4):  # on a busy machine an answer may end before it is stopped
        panel.get_by_role("button", name="Ask").click()
        answer.wait_for()
        lengths = set()
        for _ in range(100):  # and words come slowly
            lengths.add(len(answer.inner_text()))
            if len(lengths) > 3:
                break
            flows.wait_for_timeout(300)
        assert len(lengths) > 3
        if attempt == 1:
            assert slide(explorer, "threshold") == "15.00"
            explorer.get_by_text(re.compile("wants quality")).first.wait_for(timeout=60_000)
        stop = panel.get_by_role("button", name="Stop")
        if stop.is_enabled():
            stop.click()
        ended.nth(attempt - 1).wait_for(timeout=120_000)
        if stopped.count():
            break
    assert stopped.count()
    ended.last.click()
    panel.get_by_text("can take the request").wait_for()
    shot(flows, "chat")


def test_a_load_test_runs_and_stops_and_keeps_what_was_measured(flows: Any) -> None:
    panel, explorer = panel_of(flows, "LoadPanel(lab"), panel_of(flows, "ExplorerPanel(lab)")
    panel.get_by_role("button", name="Start").click()
    panel.get_by_text(re.compile("answers a second: up to")).wait_for()
    before = explorer.locator(".widget-readout").first.inner_text()
    assert slide(explorer, "threshold") != before
    stop = panel.get_by_role("button", name="Stop")
    stop.click()
    expect(stop).to_be_disabled(timeout=3000)  # a second, and what the browser takes to see it
    panel.get_by_text("mean latency, ms").wait_for()
    panel.locator("input[type=search]").fill("answers, a second")
    panel.get_by_text("mean latency, ms").wait_for(state="detached")
    shot(flows, "load")


def test_a_result_is_saved_by_the_browser(flows: Any, tmp_path: Path) -> None:
    panel = panel_of(flows, "ChatPanel(lab")
    with flows.expect_download() as download:
        panel.get_by_role("button", name="Save as Markdown").click()
    download.value.save_as(tmp_path / "chat.md")
    assert "Tell me everything about the sea." in (tmp_path / "chat.md").read_text("utf-8")
    panel.get_by_role("button", name="Copy answer").click()
    panel.get_by_text("copied").wait_for()
    assert len(flows.evaluate("navigator.clipboard.readText()")) > 20


def test_words_light_up_and_corrections_reach_the_subtitles(flows: Any, tmp_path: Path) -> None:
    page, panel = flows, panel_of(flows, "TranscriptionPanel(lab")
    panel.scroll_into_view_if_needed()
    panel.get_by_role("button", name="0:01.2").click()
    page.wait_for_function("document.querySelector('audio').currentTime > 1")
    panel.locator(".autopicker-editor .lit").first.wait_for()
    assert panel.locator(".autopicker-editor .inner .word").count() > 10  # below the sound
    shot(page, "transcription")
    line = panel.get_by_role("textbox", name="text from 0:01.2")
    line.fill("The ferry leaves.")
    line.press("Enter")
    panel.get_by_role("textbox", name="text from 0:01.2").filter(has_text="The ferry leaves.").wait_for()
    assert "The ferry leaves." in saved(page, panel, "SRT", tmp_path)


def test_a_transcript_is_split_merged_and_corrected_by_keys_alone(flows: Any, tmp_path: Path) -> None:
    page, panel = flows, panel_of(flows, "TranscriptionPanel(lab")
    editor = panel.locator(".autopicker-editor")
    texts, cells = editor.locator(".text"), page.locator(".jp-Cell").count()
    whole, count = texts.last.inner_text(), texts.count()
    editor.focus()
    for _ in range(count):
        editor.press("ArrowDown")
    editor.press("Enter")
    expect(texts.last).to_be_focused()
    texts.last.press("Home")
    for _ in range(len(whole.split(" ", 1)[0]) + 1):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Control+Enter")
    expect(texts).to_have_count(count + 1)
    assert f"{texts.nth(-2).inner_text()} {texts.last.inner_text()}" == whole
    editor.press("ArrowUp")
    editor.press("m")
    expect(texts).to_have_count(count)
    expect(texts.last).to_have_text(whole)
    editor.press("z")
    expect(texts).to_have_count(count + 1)
    editor.press("y")
    expect(texts).to_have_count(count)
    editor.press("n")  # the least sure word is chosen, and heard
    page.wait_for_function("document.getSelection().toString().length > 0")
    page.keyboard.type("Quay")
    page.keyboard.press("Enter")
    editor.get_by_text("Quay").first.wait_for()
    assert "Quay" in saved(page, panel, "VTT", tmp_path)
    assert page.locator(".jp-Cell").count() == cells  # no key was the notebook's
    shot(page, "editor")


def test_speech_into_a_microphone_is_written_and_comes_into_the_editor(flows: Any) -> None:
    page, panel = flows, panel_of(flows, "TranscriptionPanel(lab")
    panel.get_by_role("button", name="Record").click()
    heard = re.compile(
        "[Bb]oat|ticket|[Pp]ier|leaves|[Cc]hildren|island"
    )  # a busy machine loses some of what is played
    said = panel.locator("[aria-live=polite]").filter(has_text=heard)  # not the editor's text
    said.first.wait_for(timeout=120_000)
    stop = panel.locator("button[aria-pressed=true]")
    stop.click()
    panel.get_by_text(re.compile("replaces your corrections")).wait_for(timeout=60_000)
    panel.locator(".autopicker-editor").get_by_text("Quay").first.wait_for()
    panel.get_by_role("button", name="Transcribe").click()
    panel.get_by_text(re.compile("^microphone-.* times the speed")).wait_for(timeout=60_000)
    panel.locator(".autopicker-editor .text").filter(has_text=heard).first.wait_for(timeout=60_000)
    shot(page, "microphone")


def test_nothing_serious_stands_in_the_way_of_readers(flows: Any) -> None:
    assert violations(flows, ".jp-OutputArea-output") == []


def test_results_are_readable_in_the_dark_theme(flows: Any) -> None:
    flows.get_by_role("menuitem", name="Settings", exact=True).click()
    flows.get_by_text("Theme", exact=True).first.hover()
    flows.get_by_text("JupyterLab Dark", exact=True).click()
    flows.locator("body[data-jp-theme-light=false]").wait_for(state="attached")
    table = panel_of(flows, "ExplorerPanel(lab)").locator("table").last
    table.scroll_into_view_if_needed()
    colours = table.evaluate(
        """table => {
            const back = getComputedStyle(document.querySelector('.jp-NotebookPanel .jp-Notebook')).backgroundColor;
            return [getComputedStyle(table.querySelector('td:last-child')).color, back];
        }"""
    )
    shot(flows, "dark")
    assert contrast(*colours) > 4.5
    assert violations(flows, ".jp-OutputArea-output") == []


def test_a_panel_whose_kernel_is_gone_shows_its_last_state(page: Any) -> None:
    open_notebook(page, page.address, "gone.ipynb")
    run_all(page)
    panel = cell(page, "ExplorerPanel(lab, 'Why")
    panel.locator(".ap-live").wait_for()
    static = panel.locator(".ap-static")
    expect(static).to_be_hidden()
    panel.locator("textarea").first.fill("How deep is the sea?\nAnd why?")
    page.wait_for_function("document.querySelector('.ap-static')?.textContent.includes('How deep is the sea')")
    page.locator("[data-jp-item-name=save] jp-button, [data-jp-item-name=save] button").first.click()
    page.get_by_role("menuitem", name="Kernel", exact=True).click()
    page.get_by_role("menuitem", name=re.compile("^Restart Kernel…")).click()
    page.locator(".jp-Dialog .jp-mod-accept").click()
    expect(static).to_be_visible(timeout=30_000)
    assert not panel.locator(".jupyter-widgets-disconnected:visible").count()
    assert "Run this cell to go on" in static.inner_text()
    open_notebook(page, page.address, "gone.ipynb")
    again = cell(page, "ExplorerPanel(lab, 'Why").locator(".ap-static")
    expect(again).to_be_visible(timeout=30_000)
    assert "How deep is the sea?" in again.inner_text()
    shot(page, "gone")


def test_a_threshold_moves_and_the_curve_with_it(page: Any) -> None:
    open_notebook(page, page.address, "05_threshold_tuning.ipynb")
    run_all(page)
    panel = panel_of(page, "panel = ThresholdPanel(report")
    panel.scroll_into_view_if_needed()
    panel.get_by_text("Judged out of fold").wait_for()  # to be shown moves nothing
    mark = panel.locator(".ap-value[aria-label^='this policy, as judged']")
    tip = mark.locator(".ap-tip")
    expect(tip).to_be_hidden()
    mark.locator(".ap-hit").hover()
    expect(tip).to_be_visible()
    before = mark.get_attribute("aria-label")
    slide(panel, "what may it cost")
    expect(mark).not_to_have_attribute("aria-label", before, timeout=60_000)  # it is worked out first
    handle = panel.get_by_role("slider", name="what may it cost in quality?")
    expect(handle).to_have_attribute("aria-valuetext", re.compile(r"^[\d.]+ points$"))
    assert look(page, SHOTS, "threshold") == []


def test_javascript_asks_the_service_from_the_page(page: Any) -> None:
    open_notebook(page, page.address, "08_served_api.ipynb")
    run_all(page)
    page.get_by_text("(from JavaScript)").last.wait_for(timeout=120_000)
    frame = page.frame_locator("iframe[src*='/docs']")
    frame.get_by_text("Autopicker Lab").first.wait_for()
    assert look(page, SHOTS, "api") == []


def contrast(one: Any, other: Any) -> Any:
    """WCAG's ratio of two CSS colours."""

    def luminance(colour: Any) -> Any:
        parts = [float(part) / 255 for part in re.findall(r"[\d.]+", colour)[:3]]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(
    ("name", "shows", "title", "tutorial"),
    [
        ("03", "threshold", "Complexity explorer", "Does it rank anything?"),
        ("06", "Which boat is driven", "Chat with files", "The same without a panel"),
    ],
)
def test_voila_serves_a_notebook_without_its_code(
    home: Any, browser: Any, tmp_path: Path, name: str, shows: str, title: str, tutorial: str
) -> None:
    with voila(home, name, tmp_path) as address:
        page = tab(browser)
        page.goto(address, timeout=120_000)
        page.get_by_text(shows).first.wait_for(timeout=120_000)
        page.wait_for_timeout(500)
        shot(page, f"voila-{name}")
        assert page.get_by_text("from autopicker_lab").count() == 0
        assert page.title() == title
        assert page.get_by_text(tutorial).count() == 0  # the tutorial is for those who read code
        assert violations(page, "body") == []
