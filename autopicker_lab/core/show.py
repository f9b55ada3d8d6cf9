"""How results show themselves. The one place in core that reaches for pandas and matplotlib, and only when called."""

from __future__ import annotations

import difflib
from html import escape
from typing import TYPE_CHECKING, Any

from autopicker_lab.core.figures import axes
from autopicker_lab.core.optional import require

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd
    from matplotlib.axes import Axes

# Okabe and Ito's palette, distinguishable with colour vision deficiencies (https://jfly.uni-koeln.de/color/), with a
# darker orange, so that all stand out from a white page and from a dark one (3 to 1, WCAG 1.4.11).
BLUE, ORANGE, GREEN, VERMILION = "#0072B2", "#B87A00", "#009E73", "#D55E00"
GREY = "#7f7f7f"
SERIES = (BLUE, ORANGE, GREEN, VERMILION, "#B5539C", "#7D6BD0", "#2E93B8", GREY, "#9A6B4A")  # where there are many
MARKS = ("o", "s", "D", "^", "v", "P", "X", "<", ">")  # of matplotlib, one beside each colour of SERIES
_LEFT = "style='text-align:left;padding:.2em .8em .2em 0'"


def frame(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """A DataFrame with one row for each mapping."""
    require("pandas")
    import pandas

    return pandas.DataFrame(list(rows))


def bars(
    ax: Axes | None,
    labels: Sequence[str],
    values: Sequence[float],
    unit: str,
    title: str,
    colours: Sequence[str] | None = None,
    digits: int = 1,
) -> Axes:
    """Horizontal bars, first label on top, each with its value written at its end."""
    target = axes(ax, (7.0, 0.9 + 0.32 * max(len(labels), 1)))
    drawn = target.barh(list(labels), list(values), color=colours or BLUE)
    target.bar_label(drawn, fmt=f"%.{digits}f", padding=3)
    target.invert_yaxis()
    target.margins(x=0.12)
    target.set_xlabel(unit)
    target.set_title(title, loc="left")
    target.spines[["top", "right"]].set_visible(False)
    return target


def html_table(
    headers: Sequence[str],
    rows: Iterable[Sequence[object]],
    caption: str = "",
    shares: Sequence[float] = (),
    colours: Sequence[str] = (),
) -> str:
    """An HTML table that takes its colours from the page, so that it reads in light and dark themes.

    Args:
        shares: of the widest, 0 to 1, a row each: bars in front of the rows. colours: of these bars; none: all blue.
    """
    widest = max(shares, default=0.0) or 1.0
    lines = []
    for i, row in enumerate(rows):
        cells = "".join(f"<td {_LEFT}>{escape(str(cell))}</td>" for cell in row)
        lines.append(f"<tr>{_bar(shares[i] / widest, colours[i] if colours else BLUE) if shares else ''}{cells}</tr>")
    titles = ["", *headers] if shares else headers
    head = "".join(f"<th {_LEFT}>{escape(name)}</th>" for name in titles) if any(titles) else ""
    title = f"<div style='font-weight:600;line-height:1.4;margin-top:.5em'>{escape(caption)}</div>" if caption else ""
    if not lines:
        return title
    return (
        f"{title}<table style='line-height:1.4'><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"
    )


def _bar(share: float, colour: str) -> str:
    fill = f"background:{colour};height:.8em;width:{120 * share:.0f}px"
    return f"<td {_LEFT}><div style='{fill}'></div></td>"


def html_text(text: str, limit: int = 4000) -> str:
    """`text` escaped, line breaks kept, cut at `limit` characters with a word that says so."""
    shown = escape(text[:limit])
    more = f"<em>… {len(text) - limit:,} more characters</em>" if len(text) > limit else ""
    box = "white-space:pre-wrap;max-height:24em;overflow:auto;border:1px solid #767676;padding:.6em"
    return f"<div tabindex='0' role='group' aria-label='text' style='{box}'>{shown}{more}</div>"


def html_diff(left: str, right: str, left_name: str, right_name: str, limit: int = 400) -> str:
    """The lines that two texts do not share, marked by sign and by colour, with a line of what they do around them."""
    lines = list(difflib.unified_diff(_lines(left), _lines(right), n=1, lineterm=""))[2:]  # after the two file names
    rows = []
    for line in lines[:limit]:
        mark = {"-": f"border-left:4px solid {BLUE}", "+": f"border-left:4px solid {ORANGE}", "@": "margin-top:.8em"}
        style = mark.get(line[0], "border-left:4px solid transparent;opacity:.7")
        words = "" if line[0] == "@" else escape(line)
        rows.append(f"<div style='padding-left:.5em;white-space:pre-wrap;{style}'>{words}</div>")
    if not rows:
        return "<p>both say the same, line by line</p>"
    more = f"<p><em>only the first {limit} lines are shown</em></p>" if len(lines) > limit else ""
    names = f"<b>-</b> only {escape(left_name)} &nbsp; <b>+</b> only {escape(right_name)}"
    return f"<p>{names}</p><div style='font-family:monospace'>{''.join(rows)}</div>{more}"


def _lines(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]
