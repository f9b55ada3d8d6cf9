"""Figures of matplotlib that belong to the page: no background, ink that reads on light and dark, SVG in a notebook."""

from __future__ import annotations

import io
import re
import threading
from contextlib import contextmanager
from functools import cache
from html import escape
from typing import TYPE_CHECKING, Any

from autopicker_lab.core.optional import require

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

INK = "#767676"  # as far from white as from black; in a page it gives way to the colour of the page's text
_STYLE: dict[Any, Any] = {
    **dict.fromkeys(("figure.facecolor", "axes.facecolor", "legend.facecolor", "savefig.facecolor"), "none"),
    **dict.fromkeys(("axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color", "text.color"), INK),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
}
_STYLING = threading.Lock()  # matplotlib keeps its style for the whole process
_FROM_PAGE: dict[Any, Any] = {"svg.fonttype": "none"}  # text stays text, in the page's colour


def axes(ax: Axes | None, size: tuple[float, float]) -> Axes:
    """`ax` itself, or the axes of a new figure of `size` inches that shows itself in the page's colours."""
    if ax is not None:
        return ax
    only: Axes = grid(1, 1, size)[0, 0]
    return only


def grid(rows: int, columns: int, size: tuple[float, float], **sharing: Any) -> Any:
    """An array of axes of a new figure in the page's colours, shape (rows, columns).

    Args:
        size: of the figure, in inches. sharing: `sharex` and `sharey`, as of `pyplot.subplots`.
    """
    require("matplotlib")
    import matplotlib.pyplot as plt

    options: dict[str, Any] = {"figsize": size, "layout": "constrained", "squeeze": False, **sharing}
    with _styled(_STYLE):
        return plt.subplots(rows, columns, FigureClass=_page_figure(), **options)[1]


def plain_log_ticks(axis: Axis) -> None:
    """Write numbers at the ticks of a logarithmic axis as people do: 100, and not a power of ten."""
    from matplotlib.ticker import FuncFormatter, LogFormatter

    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axis.set_minor_formatter(LogFormatter(minor_thresholds=(1.2, 0.5)))  # where less than about a decade is shown


def figure_html(*plots: Callable[[Axes], object], size: tuple[float, float] = (7.0, 3.0), label: str = "") -> str:
    """Draw plots beside each other as SVG for a page, off screen; `size` is that of the whole in inches."""
    require("matplotlib")
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    with _styled(_STYLE):
        figure = _page_figure()(figsize=size, layout="constrained")
        FigureCanvasSVG(figure)
        for plot, ax in zip(plots, figure.subplots(1, len(plots), squeeze=False)[0], strict=True):
            plot(ax)
    return _svg(figure, label)


@contextmanager
def _styled(style: dict[Any, Any]) -> Iterator[None]:
    """Matplotlib in a style.

    Given back is the style alone: a notebook's backend turns interaction on when the first figure is made, and shows
    no later one where all is given back as it was (`rc_context`).
    """
    from matplotlib import rcParams

    with _STYLING:
        before = {name: rcParams[name] for name in style}
        rcParams.update(style)
        try:
            yield
        finally:
            rcParams.update(before)


@cache
def _page_figure() -> type[Figure]:
    from matplotlib.figure import Figure
    from matplotlib.legend import Legend
    from matplotlib.text import Text

    class PageFigure(Figure):
        """A figure whose black text is drawn in INK, and which a notebook shows as SVG of the page's colours.

        Its legends have no ground of their own, on which the page's ink might not be read.

        A dollar sign in it is a dollar sign, but for the powers that matplotlib writes at its own ticks.
        """

        def draw(self, renderer: Any) -> None:
            """Draw, whoever wrote the text and whenever."""
            for text in self.findobj(Text):
                if text.get_color() == "black":
                    text.set_color(INK)
                text.set_parse_math(text.get_text().startswith("$\\mathdefault{"))
            for legend in self.findobj(Legend):
                legend.set_frame_on(False)
            super().draw(renderer)

        def _repr_html_(self) -> str:
            return _svg(self)

    return PageFigure


def _svg(figure: Figure, label: str = "") -> str:
    """The figure as an <svg> whose ink is the page's, named by `label` or by the titles of its axes."""
    out = io.StringIO()
    with _styled(_FROM_PAGE):
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    svg = re.sub(r"^.*?(?=<svg)|\s*<metadata>.*?</metadata>", "", out.getvalue(), flags=re.DOTALL)
    svg = svg.replace(INK, "currentColor")
    titles = (ax.get_title("left") or ax.get_title() or ax.get_ylabel() for ax in figure.axes)
    name = escape(label or "; ".join(filter(None, titles)) or "figure")
    return svg.replace("<svg ", f'<svg role="img" aria-label="{name}" style="max-width:100%;height:auto" ', 1)
