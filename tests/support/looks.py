"""How notebooks and pages look: pictures of them, and what stands in the way of readers, in both themes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conftest import ROOT

from support.axe import violations
from support.jupyter import use_theme

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

SHOTS = ROOT / "build" / "screenshots"
_SIZES = ((1920, 1080), (1280, 800))
_TO_TOP = "panel => panel.closest('.jp-OutputArea-child').scrollIntoView()"


def look(page: Page, folder: Path, name: str) -> list[Any]:
    """Photograph the last panel of the notebook that is shown, or where it is scrolled to, as NAME-THEME-SIZE.png.

    Returns:
        The serious violations that axe-core finds in what its cells show, but for pages inside it.
    """
    found = []
    panels = page.locator(".ap-live:visible")
    for theme in ("Dark", "Light"):
        use_theme(page, theme)
        for width, height in _SIZES:
            page.set_viewport_size({"width": width, "height": height})
            if panels.count():
                panels.last.evaluate(_TO_TOP)
            page.wait_for_timeout(400)  # for what is drawn to size
            page.screenshot(path=folder / f"{name}-{theme.lower()}-{width}x{height}.png")
        found += violations(page, ".jp-OutputArea-output", ("iframe",))
    return found


def look_at_page(page: Page, name: str, within: str = "body") -> list[Any]:
    """Photograph a page of its own as SHOTS/NAME-THEME-SIZE.png, in the browser's dark and light.

    Returns:
        The serious violations that axe-core finds.
    """
    SHOTS.mkdir(parents=True, exist_ok=True)
    found, before = [], page.viewport_size
    for theme in ("dark", "light"):
        page.emulate_media(color_scheme=theme)
        for width, height in _SIZES:
            page.set_viewport_size({"width": width, "height": height})
            page.screenshot(path=SHOTS / f"{name}-{theme}-{width}x{height}.png")
        found += violations(page, within)
    if before is not None:
        page.set_viewport_size(before)
    return found
