"""Make the README's pictures: run notebooks in a real JupyterLab, and photograph their panels.

    uv run python data/make_pictures.py

It needs Chromium. What the pictures were made from is kept beside them, so that a test can tell when they are stale.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Locator

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "data" / "pictures"
SOURCES = FOLDER / "made_from.json"
_SHORTEN = "root => document.querySelectorAll('input').forEach(i => i.value = i.value.replace(root, ''))"
PANELS = {  # picture: its notebook, and what the cell with the panel contains
    "extraction": ("01_extraction", "ExtractionPanel(samples"),
    "transcription": ("02_transcription", "TranscriptionPanel("),
    "explorer": ("03_complexity_explorer", 'ExplorerPanel(lab, "Prove'),
    "tuning": ("05_threshold_tuning", "panel.report.plot()"),
    "threshold": ("05_threshold_tuning", "panel = ThresholdPanel("),
    "chat": ("06_chat_with_files", "ChatPanel("),
}


def made_from() -> dict[str, str]:
    """A digest by picture, of its notebook and of the panels' code."""
    package = ROOT / "autopicker_lab"
    nouns = [package / "core" / f"{name}.py" for name in ("show", "charts", "flows", "figures")]
    drawing = [*nouns, *sorted((package / "widgets").rglob("*.[pj][ys]"))]
    code = b"".join(path.read_bytes() for path in drawing)
    digests = {}
    for name, (notebook, _) in PANELS.items():
        cells = json.loads((ROOT / "notebooks" / f"{notebook}.ipynb").read_text("utf-8"))["cells"]
        sources = "".join(line for cell in cells for line in cell["source"])  # not the ids of cells
        digests[name] = hashlib.sha256(sources.encode() + code).hexdigest()[:16]
    return digests


def main() -> None:
    sys.path.insert(0, str(ROOT / "tests"))
    from support.jupyter import cell, chromium, jupyterlab, open_notebook, run_all, tab

    def ask_question(panel: Locator) -> None:
        panel.get_by_role("button", name="Which boat is driven").click()
        panel.locator(".ap-live").get_by_text("tokens read").click(timeout=60_000)

    preparations: dict[str, Callable[[Locator], None]] = {"chat": ask_question}
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, chromium() as browser:
        os.environ["OLLAMA_HOST"] = "http://127.0.0.1:9"
        copies = Path(shutil.copytree(ROOT / "notebooks", Path(scratch, "notebooks")))  # JupyterLab saves by itself
        with jupyterlab(copies, Path(scratch)) as address:
            page = tab(browser)
            page.set_viewport_size({"width": 1180, "height": 1500})
            for name, (notebook, source) in PANELS.items():
                open_notebook(page, address, f"{notebook}.ipynb")
                page.keyboard.press("Control+B")  # without the list of files
                run_all(page)
                panel = cell(page, source)
                preparations.get(name, lambda _: None)(panel)
                panel.scroll_into_view_if_needed()
                page.evaluate(_SHORTEN, f"{ROOT}{os.sep}")
                page.wait_for_timeout(2500)
                path = FOLDER / f"{name}.png"
                panel.locator(".jp-OutputArea-output:visible").first.screenshot(path=path)
                Image.open(path).convert("RGB").quantize(96).save(path, optimize=True)
                print(f"{path.relative_to(ROOT)}: {path.stat().st_size // 1024} KiB")
    SOURCES.write_text(json.dumps(made_from(), indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
