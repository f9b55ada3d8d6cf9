"""How results show themselves. The one place in core that reaches for pandas and matplotlib, and only when called."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

# Okabe and Ito's palette, distinguishable with colour vision deficiencies (https://jfly.uni-koeln.de/color/).
BLUE, ORANGE, GREEN, VERMILION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
GREY = "#7f7f7f"


def frame(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """A DataFrame with one row for each mapping."""
    import pandas

    return pandas.DataFrame(list(rows))


def axes(ax: Axes | None, size: tuple[float, float]) -> Axes:
    """`ax` itself, or the axes of a new figure of `size` inches."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=size, layout="constrained")[1]


def bars(
    ax: Axes | None,
    labels: Sequence[str],
    values: Sequence[float],
    unit: str,
    title: str,
    colours: Sequence[str] | None = None,
) -> Axes:
    """Horizontal bars, first label on top, each with its value written at its end."""
    target = axes(ax, (7.0, 0.9 + 0.32 * max(len(labels), 1)))
    drawn = target.barh(list(labels), list(values), color=colours or BLUE)
    target.bar_label(drawn, fmt="%.1f", padding=3)
    target.invert_yaxis()
    target.margins(x=0.12)
    target.set_xlabel(unit)
    target.set_title(title, loc="left")
    target.spines[["top", "right"]].set_visible(False)
    return target


def html_table(headers: Sequence[str], rows: Iterable[Sequence[object]], caption: str = "") -> str:
    """An HTML table that takes its colours from the page, so that it reads in light and dark themes."""
    head = "".join(f"<th style='text-align:left'>{escape(name)}</th>" for name in headers)
    body = "".join(
        "<tr>" + "".join(f"<td style='text-align:left'>{escape(str(cell))}</td>" for cell in row) + "</tr>"
        for row in rows
    )
    title = f"<caption style='text-align:left;font-weight:600'>{escape(caption)}</caption>" if caption else ""
    return f"<table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def html_text(text: str, limit: int = 4000) -> str:
    """`text` escaped, line breaks kept, cut at `limit` characters with a word that says so."""
    shown = escape(text[:limit])
    more = f"<em>… {len(text) - limit:,} more characters</em>" if len(text) > limit else ""
    return f"<div style='white-space:pre-wrap;max-height:24em;overflow:auto'>{shown}{more}</div>"
