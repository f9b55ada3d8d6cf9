"""Names for the sliders of a panel, for those who hear what is on the screen."""

from __future__ import annotations

from pathlib import Path

import anywidget


class SliderNames(anywidget.AnyWidget):
    """Nothing to see: it names the handles of the sliders beside it, and says their values as their readouts do.

    Where it is, tables stand on the page's own ground, in every theme.
    """

    _esm = Path(__file__).parent / "static" / "slider_names.js"
    _css = ".ap-live .itables_anywidget,.ap-live .dt-container{background:none}"
