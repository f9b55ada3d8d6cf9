"""Plots as pictures for panels: drawn off screen, so that no notebook shows them twice."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes


def png(*plots: Callable[[Axes], object], size: tuple[float, float] = (7.0, 3.0)) -> bytes:
    """Draw plots beside each other, as PNG; `size` is that of the whole in inches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    for plot, ax in zip(plots, figure.subplots(1, len(plots), squeeze=False)[0], strict=True):
        plot(ax)
    out = io.BytesIO()
    canvas.print_png(out)
    return out.getvalue()
