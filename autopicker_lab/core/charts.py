"""Charts for exploring: SVG in the page's colours, each value under the pointer or reached by the Tab key, no script.

Marks differ in shape and lines in dashes, so that nothing is told by colour alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 14, 10, 44  # pixels around the plane
_LETTER, _LINE = 6.6, 16  # width and height of text of 12 pixels
STYLE = (
    "<style>.ap-chart{color:inherit;line-height:1.3}.ap-chart svg{max-width:100%;height:auto;overflow:visible;"
    "display:block}.ap-chart text{fill:currentColor;font-size:12px}.ap-tip{visibility:hidden;pointer-events:none}"
    ".ap-tip rect{fill:var(--jp-layout-color1,Canvas);stroke:currentColor}.ap-hit{fill:transparent;outline:none}"
    ".ap-value:hover .ap-tip,.ap-value:focus .ap-tip{visibility:visible}"
    ".ap-value:hover .ap-hit,.ap-value:focus .ap-hit{stroke:currentColor}.ap-value:focus{outline:none}"
    ".ap-legend{display:flex;flex-wrap:wrap;gap:2px 14px;font-size:12px}.ap-legend svg{display:inline;"
    "vertical-align:middle;margin-right:4px}</style>"
)


@dataclass(frozen=True)
class Scale:
    """One direction of a chart.

    Attributes:
        label: what is drawn, with its unit. low, high: the ends of the plane.
        form: how a number is written at its tick.
        names: of rows, drawn at 0, 1, ... from the top; numbers where there are none.
    """

    label: str
    low: float
    high: float
    form: str = "{:,g}"
    names: tuple[str, ...] = ()

    @classmethod
    def around(cls, label: str, values: Sequence[float], form: str = "{:,g}", margin: float = 0.05) -> Scale:
        """A scale that holds all values, with some room at both ends."""
        found = [value for value in values if math.isfinite(value)] or [0.0, 1.0]
        low, high = min(found), max(found)
        room = margin * (high - low) or 0.5 * abs(high) or 0.5
        return cls(label, low - room, high + room, form)

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """Where ticks are, and what stands at them: rows, or about six round numbers."""
        if self.names:
            return list(enumerate(self.names))
        rough = (self.high - self.low) / 6
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [(round(i * step, 12), self.form.format(round(i * step, 12))) for i in range(first, last + 1)]


@dataclass
class Chart:
    """A plane with lines, bands and marks, which shows itself in a notebook.

    Attributes:
        name: what is seen, for those who do not see it.
        width, height: in pixels of the page.
    """

    x: Scale
    y: Scale
    name: str
    width: int = 560
    height: int = 330
    _drawn: list[str] = field(default_factory=list, repr=False)
    _values: list[str] = field(default_factory=list, repr=False)
    _legend: dict[str, str] = field(default_factory=dict, repr=False)

    def copy(self) -> Chart:
        """The same chart, to draw more on."""
        return replace(self, _drawn=[*self._drawn], _values=[*self._values], _legend=dict(self._legend))

    def band(self, xs: Sequence[float], lows: Sequence[float], highs: Sequence[float], colour: str) -> Chart:
        """Shade what lies between two lines."""
        ends = [*zip(xs, highs, strict=True), *reversed(list(zip(xs, lows, strict=True)))]
        self._drawn.append(f"<polygon points='{self._points(ends)}' fill='{colour}' fill-opacity='.18'/>")
        return self

    def line(
        self, xs: Sequence[float], ys: Sequence[float], colour: str, name: str = "", dash: str = "", width: float = 2
    ) -> Chart:
        """Draw a line through points; `dash` as SVG's stroke-dasharray."""
        style = f"stroke='{colour}' stroke-width='{width:g}' fill='none'{f' stroke-dasharray={dash!r}' if dash else ''}"
        self._drawn.append(f"<polyline points='{self._points(list(zip(xs, ys, strict=True)))}' {style}/>")
        return self._explain(name, f"<line x1='0' x2='22' y1='6' y2='6' {style}/>")

    def span(self, low: tuple[float, float], high: tuple[float, float], colour: str, width: float = 2) -> Chart:
        """Draw an interval from one point to another."""
        return self.line((low[0], high[0]), (low[1], high[1]), colour, width=width)

    def marks(
        self,
        points: Sequence[tuple[float, float]],
        colour: str,
        name: str = "",
        shape: str = "circle",
        tips: Sequence[str] = (),
        size: float = 5,
    ) -> Chart:
        """Draw a mark at each point: a circle, a square, a diamond, a ring, or none; tips show under the pointer."""
        for i, point in enumerate(points):
            x, y = self._at(point)
            self._drawn.append(_mark(shape, x, y, size, colour))
            if tips:
                self._values.append(value_at(x, y, size + 4, tips[i], self.width, self.height))
        return self._explain(name, _mark(shape, 11, 6, min(size, 5), colour))

    def text(
        self, point: tuple[float, float], words: str, anchor: str = "start", shift: tuple[int, int] = (8, 4)
    ) -> Chart:
        """Write words beside a point."""
        x, y = self._at(point)
        place = f"x='{x + shift[0]:.1f}' y='{y + shift[1]:.1f}' text-anchor='{anchor}'"
        self._drawn.append(f"<text {place} opacity='.8'>{escape(words)}</text>")
        return self

    def to_html(self) -> str:
        """The chart with its legend, as HTML that needs nothing else."""
        size = f"viewBox='0 0 {self.width} {self.height}' width='{self.width}' height='{self.height}'"
        parts = "".join([self._frame(), *self._drawn, *self._values])
        keys = "".join(
            f"<span><svg width='22' height='12' aria-hidden='true'>{key}</svg>{escape(name)}</span>"
            for name, key in self._legend.items()
        )
        legend = f"<div class='ap-legend'>{keys}</div>" if keys else ""
        svg = f"<svg {size} role='group' aria-label='{escape(self.name)}'>{parts}</svg>"
        return f"<div class='ap-chart' style='max-width:{self.width}px'>{STYLE}{svg}{legend}</div>"

    def _repr_html_(self) -> str:
        return self.to_html()

    @property
    def _left(self) -> float:
        longest = max((len(words) for words in self.y.names), default=0)
        return max(_LEFT, _LETTER * min(longest, 34) + 14)

    def _at(self, point: tuple[float, float]) -> tuple[float, float]:
        """Pixels of a point; one beyond the plane at its edge."""
        x, y = ((value - s.low) / ((s.high - s.low) or 1.0) for value, s in zip(point, (self.x, self.y), strict=True))
        x, y = min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0)
        across, down = self.width - self._left - _RIGHT, self.height - _TOP - _BOTTOM
        return self._left + x * across, _TOP + (y if self.y.names else 1 - y) * down

    def _points(self, points: Sequence[tuple[float, float]]) -> str:
        return " ".join("{:.1f},{:.1f}".format(*self._at(point)) for point in points)

    def _frame(self) -> str:
        """Axes with ticks and labels."""
        left, right, bottom = self._left, self.width - _RIGHT, self.height - _BOTTOM
        lines = [f"<path d='M{left:.1f},{_TOP}V{bottom}H{right}' fill='none' stroke='currentColor' opacity='.6'/>"]
        for value, words in self.x.ticks:
            x = self._at((value, self.y.low))[0]
            lines.append(f"<text x='{x:.1f}' y='{bottom + 17}' text-anchor='middle'>{escape(words)}</text>")
            lines.append(f"<path d='M{x:.1f},{bottom}v4' stroke='currentColor' opacity='.6'/>")
        for value, words in self.y.ticks:
            y = self._at((self.x.low, value))[1]
            lines.append(f"<text x='{left - 8:.1f}' y='{y + 4:.1f}' text-anchor='end'>{escape(words[:34])}</text>")
            lines.append(f"<path d='M{left:.1f},{y:.1f}H{right}' stroke='currentColor' opacity='.12'/>")
        middle = f"x='{(left + right) / 2:.1f}' y='{self.height - 8}' text-anchor='middle'"
        lines.append(f"<text {middle}>{escape(self.x.label)}</text>")
        if self.y.label:
            y = (bottom + _TOP) / 2
            place = f"transform='translate(14,{y:.1f}) rotate(-90)' text-anchor='middle'"
            lines.append(f"<text {place}>{escape(self.y.label)}</text>")
        return "".join(lines)

    def _explain(self, name: str, key: str) -> Chart:
        if name:
            self._legend[name] = self._legend.get(name, "") + key
        return self


def _mark(shape: str, x: float, y: float, size: float, colour: str) -> str:
    if shape == "none":
        return ""
    if shape == "square":
        return (
            f"<rect x='{x - size:.1f}' y='{y - size:.1f}' width='{2 * size:g}' height='{2 * size:g}' fill='{colour}'/>"
        )
    if shape == "diamond":
        r = 1.4 * size
        points = f"{x:.1f},{y - r:.1f} {x + r:.1f},{y:.1f} {x:.1f},{y + r:.1f} {x - r:.1f},{y:.1f}"
        return f"<polygon points='{points}' fill='{colour}'/>"
    fill = "fill='none' stroke-width='2' stroke" if shape == "ring" else "fill"
    return f"<circle cx='{x:.1f}' cy='{y:.1f}' r='{size:g}' {fill}='{colour}'/>"


def value_at(x: float, y: float, radius: float, tip: str, width: float, height: float) -> str:
    """A place that shows its value under the pointer, or when it has the keyboard's focus.

    Args:
        x, y, radius: of the place, in pixels. width, height: of the picture, which the words stay within.
    """
    rows = tip.split("\n")
    wide, tall = _LETTER * max(map(len, rows)) + 14, _LINE * len(rows) + 8
    left = min(max(x - wide / 2, 0.0), max(width - wide, 0.0))
    below = min(y + radius + 3, height - tall)
    top = y - tall - radius - 3 if y > tall + radius + 3 else below
    words = "".join(
        f"<text x='{left + 7:.1f}' y='{top + _LINE * (i + 1) - 1:.1f}'>{escape(row)}</text>"
        for i, row in enumerate(rows)
    )
    box = f"<rect x='{left:.1f}' y='{top:.1f}' width='{wide:.1f}' height='{tall}' rx='3'/>"
    name = escape(tip.replace("\n", ", "))
    return (
        f"<g class='ap-value' tabindex='0' role='img' aria-label='{name}'><circle class='ap-hit' cx='{x:.1f}' "
        f"cy='{y:.1f}' r='{radius:g}'/><g class='ap-tip' aria-hidden='true'>{box}{words}</g></g>"
    )
