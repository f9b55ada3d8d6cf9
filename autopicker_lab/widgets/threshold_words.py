"""What the threshold panel says: the verdict once, one figure with its interval, and the rest for those who ask."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from autopicker_lab.core.show import html_table
from autopicker_lab.core.text import clip
from autopicker_lab.tuning.allowed import setting_figures
from autopicker_lab.tuning.outcomes import REPLY
from autopicker_lab.tuning.sections import cost_words, details_html, figure, percent
from autopicker_lab.tuning.verdict import in_points, signed_points
from autopicker_lab.widgets.threshold_model import TIERS

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import pandas as pd

    from autopicker_lab.tuning.metrics import Interval
    from autopicker_lab.widgets.threshold_model import ThresholdModel

    Array = np.ndarray[Any, Any]

_SHOWN = 240  # characters of a prompt and of an answer
_JUDGED = "Judged out of fold: each part of the prompts by a fit, and a setting, that the other parts chose."
_BY_HAND = "Set by hand and judged on the prompts that it was set on, which is a little too good."


def summary_html(model: ThresholdModel) -> str:
    """The setting: the verdict, who gets how many requests, the figures, what it is held by."""
    outcomes = model.report.outcomes
    found, shares = model.allowed, {name: share for name, share in model.shares.items() if share}
    verdict = model.report.verdict if model.is_tuned else found.verdict if found else None
    title = model.message or (_capital(verdict.sentence) if verdict else "Set by hand")
    gets = html_table(
        [],
        [(name, f"{100 * share:.0f} % of the requests") for name, share in shares.items()],
        "",
        list(shares.values()),
    )
    figures, best = model.figures, outcomes.models[outcomes.best]
    rows = [
        ("quality", figure(figures.quality)),
        (f"against always {best}", f"{points(figures.change)} points"),
        (cost_words(outcomes.cost_unit), figure(_times(figures.cost, 1000))),
        ("saved", "" if figures.saved is None else percent(figures.saved)),
        _duration(figures.seconds),
        *_held(model),
    ]
    judged = f"<div style='line-height:1.4'>{_JUDGED if verdict else _BY_HAND}</div>"
    return html_table([], [], title) + gets + html_table([], [row for row in rows if row[1]]) + judged + _details(model)


def waiting_html(model: ThresholdModel) -> str:
    """That what this allowance gives is being worked out."""
    return html_table([], [], f"Working out what a loss of {in_points(model.within)} gives …")


def points(change: Interval) -> str:
    """A change of mean score with its interval, in points."""
    return f"{signed_points(change.value)} [{signed_points(change.low)}, {signed_points(change.high)}]"


def replies_of(table: pd.DataFrame | None) -> dict[tuple[str, str], str]:
    """The answers of an outcomes table by prompt_id and model, where it has the column REPLY."""
    if table is None or REPLY not in table:
        return {}
    keys = zip(table["prompt_id"].astype(str), table["model"].astype(str), strict=True)
    return dict(zip(keys, table[REPLY].fillna("").astype(str), strict=True))


def leaving(model: ThresholdModel, task: str = "") -> Array:
    """The prompts (rows) of a task ("": of all) that leave the best single model, what loses most first."""
    import numpy as np

    outcomes = model.report.outcomes
    choices = model.choices()
    rows = np.flatnonzero((outcomes.answering(choices) != outcomes.best) & ((outcomes.tasks == task) | (not task)))
    lost = outcomes.scores[rows, outcomes.best] - outcomes.scores[rows, choices[rows]]
    found: Array = rows[np.argsort(-lost, kind="stable")]
    return found


def requests_frame(model: ThresholdModel, rows: Array, replies: Mapping[tuple[str, str], str]) -> pd.DataFrame:
    """Some prompts with the model that each gets, both answers, both scores, and the points that are lost."""
    import pandas

    outcomes, choices = model.report.outcomes, model.choices()
    best, answering = outcomes.models[outcomes.best], outcomes.answering(choices)

    def described(i: int) -> dict[str, object]:
        name, prompt_id = outcomes.models[answering[i]], outcomes.ids[i]
        score, usual = float(outcomes.scores[i, choices[i]]), float(outcomes.scores[i, outcomes.best])
        said = {
            f"answer of {who}": replies.get((prompt_id, of), "") for who, of in (("the chosen", name), (best, best))
        }
        answers = {head: clip(text, _SHOWN) for head, text in said.items()} if replies else {}
        scores = {"score": round(score, 3), f"score of {best}": round(usual, 3)}
        lost = {"points lost": round(100 * (usual - score), 1)}
        about = {"task": str(outcomes.tasks[i]), "prompt": clip(outcomes.prompts[i], _SHOWN), "goes to": name}
        return about | answers | scores | lost

    return pandas.DataFrame([described(i) for i in rows.tolist()])


def _held(model: ThresholdModel) -> list[tuple[str, str]]:
    """What the policy is held by: its promise, which is of the tuned setting alone, its guard, its doubts."""
    promise, guard, rows = model.report.promise, model.guard, []
    if promise is not None:
        holds = "holds" if promise.feasible and model.is_tuned else "does not hold for this setting"
        rows.append(("promise", holds if promise.feasible else "cannot be given"))
    if guard is not None:
        rows.append(("guard", f"{guard.incumbent} is left for a lead of {guard.z:g} standard errors or more"))
    if model.rule != TIERS and model.unfamiliar_share:
        share = f"{100 * model.unfamiliar_share:.1f} % of these prompts"
        rows.append((f"unlike the rest, left to {model.report.policy.incumbent}", share))
    return rows


def _details(model: ThresholdModel) -> str:
    """What the report concludes beside its verdict, and the tuned setting on the prompts that chose it."""
    report = model.report
    if not model.is_tuned:
        return ""
    here = setting_figures(report.outcomes, model.curve.choices[model.curve.nearest(report.policy.cost_weight)])
    same = (
        f"The saved setting on these very prompts, which chose it, and so too good: quality {figure(here.quality)}, "
        f"{points(here.change)} points, {cost_words(report.outcomes.cost_unit)} {figure(_times(here.cost, 1000))}."
    )
    rest = [words for words in report.conclusion if report.verdict.sentence.lower() not in words.lower()]
    return details_html([*([] if report.verdict.null is None else [_capital(str(report.verdict.null))]), *rest, same])


def _duration(seconds: Interval | None) -> tuple[str, str]:
    """How long a request takes, in milliseconds where it is short."""
    if seconds is None or abs(seconds.value) >= 0.1:
        return "seconds", figure(seconds)
    return "milliseconds", figure(_times(seconds, 1000))


def _times(interval: Interval, factor: float) -> Interval:
    return type(interval)(factor * interval.value, factor * interval.low, factor * interval.high)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def request_head(model: ThresholdModel, count: int, most: int) -> str:
    """How many requests leave the best single model, and how many of them are shown, in words."""
    outcomes = model.report.outcomes
    best = outcomes.models[outcomes.best]
    words = f"At this setting {count:,} of {len(outcomes):,} requests leave {best}, what loses most first"
    return escape(words + (f"; {most:,} are shown" if count > most else ""))
