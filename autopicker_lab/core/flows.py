"""Flows between two columns, as SVG in the page's colours: what goes from where to where, each with its count."""

from __future__ import annotations

from collections import Counter, defaultdict
from html import escape
from typing import TYPE_CHECKING

from autopicker_lab.core.charts import STYLE, value_at
from autopicker_lab.core.show import BLUE, GREEN, GREY, ORANGE, VERMILION
from autopicker_lab.core.text import clip

if TYPE_CHECKING:
    from collections.abc import Iterable

_COLOURS = (BLUE, ORANGE, GREEN, VERMILION)
_NODE, _GAP, _HEAD = 12, 14, 24  # pixels: width of a node, between two of them, above them
_LEAST = 6  # pixels that a node is high on average: of many names the picture grows
_SIDE = 210  # for the names beside a column
_NAME, _TITLE = 24, 48  # characters of a name, and of what a column is called; what the pointer shows is whole


def flows_html(pairs: Iterable[tuple[str, str]], left: str, right: str, width: int = 760, height: int = 240) -> str:
    """Draw what goes from where to where: a ribbon a pair of names, grey where both are the same.

    Args:
        pairs: from and to, one for each thing that flows. left, right: what the columns are called.
        width, height: in pixels; of many names it is higher.
    """
    counts = Counter(pairs)
    total = sum(counts.values())
    if not total:
        return ""
    sides = [_names(counts, side) for side in (0, 1)]
    height = max(height, _HEAD + (_GAP + _LEAST) * max(map(len, sides)))
    room = height - _HEAD - _GAP * max(map(len, sides))
    places = [_places(counts, names, side, room / total) for side, names in enumerate(sides)]
    colours = {name: _COLOURS[i % len(_COLOURS)] for i, name in enumerate(sides[0])}
    used: defaultdict[tuple[int, str], float] = defaultdict(float)
    ribbons, values = [], []
    x = (_SIDE + _NODE, width - _SIDE - _NODE)
    for before in sides[0]:
        for after in (name for name in sides[1] if counts[before, name]):
            count = counts[before, after]
            thick = count * room / total
            ends = [places[side][name] + used[side, name] for side, name in ((0, before), (1, after))]
            used[0, before] += thick
            used[1, after] += thick
            same = before == after
            ribbons.append(_ribbon(x, ends, thick, GREY if same else colours[before], 0.25 if same else 0.6))
            tip = f"{before}\nstays" if same else f"{before}\n→ {after}"
            at = (sum(x) / 2, sum(ends) / 2 + thick / 2)
            values.append(value_at(*at, min(max(thick / 2, 5), 40), f"{tip}\n{count:,} of {total:,}", width, height))
    nodes = "".join(_nodes(counts, places[side], side, room / total, x[side]) for side in (0, 1))
    heads = "".join(
        f"<text x='{at}' y='14' text-anchor='{anchor}' font-weight='bold'>{escape(words)}</text>"
        for at, anchor, words in ((0, "start", clip(left, _TITLE)), (width, "end", clip(right, _TITLE)))
    )
    words = f"{left} to {right}: " + "; ".join(f"{a} to {b}: {n:,}" for (a, b), n in counts.most_common())
    frame = (
        f"viewBox='0 0 {width} {height}' width='{width}' height='{height}' role='group' aria-label='{escape(words)}'"
    )
    svg = f"<svg {frame}>{heads}{''.join(ribbons)}{nodes}{''.join(values)}</svg>"
    return f"<div class='ap-chart' style='max-width:{width}px'>{STYLE}{svg}</div>"


def _names(counts: Counter[tuple[str, str]], side: int) -> list[str]:
    """The names of a column, what most flows through first."""
    through: Counter[str] = Counter()
    for pair, count in counts.items():
        through[pair[side]] += count
    return [name for name, _ in through.most_common()]


def _through(counts: Counter[tuple[str, str]], name: str, side: int) -> int:
    return sum(n for pair, n in counts.items() if pair[side] == name)


def _places(counts: Counter[tuple[str, str]], names: list[str], side: int, scale: float) -> dict[str, float]:
    """The upper end of each node, in pixels."""
    places, top = {}, float(_HEAD)
    for name in names:
        places[name] = top
        top += scale * _through(counts, name, side) + _GAP
    return places


def _nodes(counts: Counter[tuple[str, str]], places: dict[str, float], side: int, scale: float, x: float) -> str:
    """The nodes of a column with their names and counts."""
    drawn = []
    for name, top in places.items():
        count = _through(counts, name, side)
        tall, left = max(scale * count, 1.0), x - _NODE if side == 0 else x
        drawn.append(f"<rect x='{left}' y='{top:.1f}' width='{_NODE}' height='{tall:.1f}' fill='currentColor'/>")
        at, anchor = (left - 6, "end") if side == 0 else (left + _NODE + 6, "start")
        words = escape(f"{clip(name, _NAME)}  {count:,}")
        drawn.append(f"<text x='{at}' y='{top + tall / 2 + 4:.1f}' text-anchor='{anchor}'>{words}</text>")
    return "".join(drawn)


def _ribbon(x: tuple[float, float], tops: list[float], thick: float, colour: str, opacity: float) -> str:
    middle, (a, b) = sum(x) / 2, tops
    path = (
        f"M{x[0]},{a:.1f}C{middle},{a:.1f} {middle},{b:.1f} {x[1]},{b:.1f}v{thick:.1f}"
        f"C{middle},{b + thick:.1f} {middle},{a + thick:.1f} {x[0]},{a + thick:.1f}Z"
    )
    return f"<path d='{path}' fill='{colour}' fill-opacity='{opacity}'/>"
