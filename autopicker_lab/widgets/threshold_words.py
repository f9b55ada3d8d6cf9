"""What the threshold panel says: the verdict once, one figure with its interval, and the rest for those who ask."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from autopicker_lab.core.show import html_table
from autopicker_lab.core.text import clip
from autopicker_lab.tuning.allowed import setting_figures
from autopicker_lab.tuning.outcomes import REPLY
from autopicker_lab.tuning.sections import cost_words, details_html, figure, percent
from autopicker_lab.tuning.verdict import signed_points
from autopicker_lab.widgets.threshold_model import TIERS

if TYPE_CHECKING:
    import pandas as pd

    from autopicker_lab.tuning.metrics import Interval
    from autopicker_lab.widgets.threshold_model import ThresholdModel

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
        ("seconds", figure(figures.seconds)),
        *_held(model),
    ]
    judged = f"<div style='line-height:1.4'>{_JUDGED if verdict else _BY_HAND}</div>"
    return html_table([], [], title) + gets + html_table([], [row for row in rows if row[1]]) + judged + _details(model)


def points(change: Interval) -> str:
    """A change of mean score with its interval, in points."""
    return f"{signed_points(change.value)} [{signed_points(change.low)}, {signed_points(change.high)}]"


def requests_that_leave(model: ThresholdModel, table: pd.DataFrame | None, task: str = "") -> pd.DataFrame:
    """The prompts that another model than the best single one answers, what loses most first.

    Args:
        table: of the outcomes, for the answers, where it has the column REPLY. task: "" for all.
    """
    import pandas

    outcomes = model.report.outcomes
    best = outcomes.models[outcomes.best]
    replies: dict[tuple[str, str], str] = {}
    if table is not None and REPLY in table:
        keys = zip(table["prompt_id"].astype(str), table["model"].astype(str), strict=True)
        replies = dict(zip(keys, table[REPLY].fillna("").astype(str), strict=True))
    rows = []
    answering = outcomes.answering(model.choices())
    for i in (answering != outcomes.best).nonzero()[0].tolist():
        name, prompt_id, about = outcomes.models[answering[i]], outcomes.ids[i], str(outcomes.tasks[i])
        if task and about != task:
            continue
        score, usual = float(outcomes.scores[i, answering[i]]), float(outcomes.scores[i, outcomes.best])
        answers = {
            f"answer of {who}": clip(" ".join(replies.get((prompt_id, model_name), "").split()), _SHOWN)
            for who, model_name in (("the chosen", name), (best, best))
        }
        rows.append(
            {"task": about, "prompt": clip(" ".join(outcomes.prompts[i].split()), _SHOWN), "goes to": name}
            | (answers if replies else {})
            | {
                "score": round(score, 3),
                f"score of {best}": round(usual, 3),
                "points lost": round(100 * (usual - score), 1),
            }
        )
    return (
        pandas.DataFrame(rows).sort_values("points lost", ascending=False, kind="stable")
        if rows
        else pandas.DataFrame()
    )


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


def _times(interval: Interval, factor: float) -> Interval:
    return type(interval)(factor * interval.value, factor * interval.low, factor * interval.high)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def request_head(model: ThresholdModel, count: int) -> str:
    """How many requests leave the best single model, in words."""
    outcomes = model.report.outcomes
    return escape(
        f"{count:,} of {len(outcomes):,} requests leave {outcomes.models[outcomes.best]}, what loses most first"
    )
