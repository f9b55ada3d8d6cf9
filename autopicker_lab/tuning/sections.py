"""A report as a person reads it: tables with words, what decides first, figures for comparison with papers last."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from autopicker_lab.core.show import html_table
from autopicker_lab.tuning.baseline import ALWAYS, ORACLE, POLICY, SAME_SHARES
from autopicker_lab.tuning.matrix import CALL
from autopicker_lab.tuning.verdict import signed_points

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from autopicker_lab.routing.estimator import LearnedEstimator
    from autopicker_lab.tuning.baseline import Baseline
    from autopicker_lab.tuning.decision_table import PartRow, WayRow
    from autopicker_lab.tuning.metrics import Interval
    from autopicker_lab.tuning.stability import Stability

_MOST_PARTS = 20
_Z = 1.96  # standard errors of a 95 % interval
_NAMES = {
    POLICY: "routed by this policy",
    SAME_SHARES: "the same shares, dealt at random",
    ORACLE: "an oracle, which knows all scores",
}
_PAPERS = (
    "APGR: how well prompts are ranked by what the strong model adds, from 0.5 (chance) to 1 (RouteLLM).",
    "CPT 50 %, CPT 80 %: the least share of calls to the strong model that recovers so much of its lead (RouteLLM).",
    "AIQ: mean quality over all budgets from the cheapest model's to the dearest one's (RouterBench).",
    "p: how often chance alone would put the policy above the row; below 0.05 it is taken to be better.",
)


@dataclass(frozen=True)
class ReportTable:
    """A table with its title, and lines that explain it.

    Attributes:
        head: what the columns are called. rows: cells as texts; "" where there is nothing to say.
        aside: for the few, and so folded up in a notebook.
    """

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()
    aside: bool = False

    @property
    def filled(self) -> ReportTable:
        """Without the columns that say nothing in any row."""
        kept = [i for i in range(len(self.head)) if any(row[i] for row in self.rows)]
        rows = tuple(tuple(row[i] for i in kept) for row in self.rows)
        return ReportTable(self.title, tuple(self.head[i] for i in kept), rows, self.notes, self.aside)


def report_sections(
    rows: Mapping[str, Baseline],
    ways: Sequence[WayRow],
    parts: Mapping[str, Sequence[PartRow]],
    cost_unit: str,
    stability: Stability | None = None,
    estimator: LearnedEstimator | None = None,
) -> list[ReportTable]:
    """The tables of a report: ways of answering, each kind of parts of the prompts, figures that papers give.

    Args:
        rows, ways: of the report. parts: its rows by kind, such as task. estimator: of its policy.
    """
    cost = cost_words(cost_unit)
    head = ("way of answering", "requests it gets", "quality", cost, "seconds")
    cells = tuple(
        (name_of(w.name), percent(w.share), *map(figure, (w.quality, w.cost_per_1000, w.seconds))) for w in ways
    )
    chosen = ReportTable("What each way of answering gives, with 95 % intervals", head, cells)
    by_part = [_part_section(kind, found, cost_unit) for kind, found in parts.items() if found]
    reworded = [] if stability is None else [stability_section(stability)]
    own = [] if estimator is None else [language_section(estimator)]
    return [section.filled for section in (chosen, *by_part, *own, *reworded, _paper_section(rows)) if section.rows]


def language_section(estimator: LearnedEstimator) -> ReportTable:
    """Languages with estimates of their own: what is added to these, by model; no rows without any."""
    rows = tuple(
        (language, f"{term.groups:,}", model, signed_points(added), _in_points(left, _Z * error))
        for language, term in estimator.by_language.items()
        for model, added, left, error in zip(estimator.models, term.added, term.left, term.errors, strict=True)
    )
    head = ("language", "different prompts", "model", "points added", "left over without them")
    note = "Of what estimates leave over of a language's scores, what is surely more than noise is added to them."
    return ReportTable("Languages with estimates of their own", head, rows, (note,))


def _in_points(value: float, reach: float) -> str:
    return f"{signed_points(value)} [{signed_points(value - reach)}, {signed_points(value + reach)}]"


def stability_section(stability: Stability) -> ReportTable:
    """How often the same model is chosen for reworded prompts."""
    figures = [
        ("all", stability.agreement),
        ("the tenth of the prompts that changes most", stability.worst_tenth),
        *((row.name, row.agreement) for row in stability.by_kind),
        *((f"in language {row.name}", row.agreement) for row in stability.by_language),
    ]
    rows = tuple((name, percent(agreement)) for name, agreement in figures)
    return ReportTable(f"Reworded: {stability.n:,} prompts", ("rewording", "same model"), rows)


def cost_words(cost_unit: str) -> str:
    """What costs of 1,000 requests are counted in."""
    return "calls per 1,000" if cost_unit == CALL else "USD per 1,000"


def name_of(row: str) -> str:
    """What a row of a report is called where people read it."""
    return f"always {row.removeprefix(ALWAYS)}" if row.startswith(ALWAYS) else _NAMES.get(row, row)


def figure(interval: Interval | None) -> str:
    """A figure with its interval, to three digits."""
    if interval is None:
        return ""
    return f"{_short(interval.value)} [{_short(interval.low)}, {_short(interval.high)}]"


def _short(value: float) -> str:
    """A number to three digits, never with an exponent where it is large."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def percent(interval: Interval | None) -> str:
    """A share with its interval, in percent."""
    if interval is None:
        return ""
    return f"{100 * interval.value:.0f} % [{100 * interval.low:.0f}, {100 * interval.high:.0f}]"


def _part_section(kind: str, parts: Sequence[PartRow], cost_unit: str) -> ReportTable:
    saved = "calls saved" if cost_unit == CALL else "cost saved"
    head = (kind, "prompts", "to the best model", "its quality", "routed", "difference in points", saved)
    rows = tuple(
        (
            part.name or "(none named)",
            f"{part.n:,}",
            f"{100 * part.share:.0f} %",
            f"{part.best:.3f}",
            f"{part.routed:.3f}",
            f"{signed_points(part.change.value)} [{signed_points(part.change.low)}, {signed_points(part.change.high)}]",
            "" if part.saved is None else f"{100 * part.saved:.0f} %",
        )
        for part in parts[:_MOST_PARTS]
    )
    more = len(parts) - _MOST_PARTS
    return ReportTable(f"By {kind}", head, rows, (f"and {more} more with fewer prompts",) if more > 0 else ())


def _paper_section(baselines: Mapping[str, Baseline]) -> ReportTable:
    head = ("router", "APGR", "CPT 50 %", "CPT 80 %", "AIQ", "p")
    rows = tuple(
        (name_of(name), figure(b.apgr), *map(_number, (b.cpt50, b.cpt80, b.aiq, b.p))) for name, b in baselines.items()
    )
    return ReportTable("For comparison with papers", head, tuple(row for row in rows if any(row[1:])), _PAPERS, True)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def sections_html(sections: Sequence[ReportTable], conclusion: Sequence[str], details: Sequence[str] = ()) -> str:
    """Sentences, the first of them as a title, and the sections below one another, colours taken from the page.

    Args:
        details: sentences for those who want to know more, folded up.
    """
    title, *steps = conclusion
    return html_table([], [], title) + _lines(steps) + details_html(details) + "".join(map(_section_html, sections))


def details_html(sentences: Sequence[str]) -> str:
    """Sentences that are folded up; "" for none."""
    return f"<details><summary>details</summary>{_lines(sentences)}</details>" if sentences else ""


def _lines(sentences: Sequence[str]) -> str:
    return "".join(f"<div style='line-height:1.4'>{escape(sentence)}</div>" for sentence in sentences)


def _section_html(section: ReportTable) -> str:
    notes = "".join(f"<div>{escape(note)}</div>" for note in section.notes)
    if section.aside:
        table = html_table(section.head, section.rows)
        return f"<details><summary>{escape(section.title)}</summary>{table}{notes}</details>"
    return html_table(section.head, section.rows, section.title) + notes
