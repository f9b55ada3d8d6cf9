"""The same traffic under two policies: what changes sides, and what that costs and gains."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, replace
from statistics import fmean
from typing import TYPE_CHECKING, Any

from autopicker_lab.complexity import score
from autopicker_lab.core.figures import axes
from autopicker_lab.core.flows import flows_html
from autopicker_lab.core.show import BLUE, ORANGE, frame, html_table
from autopicker_lab.core.text import clip
from autopicker_lab.routing import Requirements, choose
from autopicker_lab.runtime.progress import Progress, report_progress
from autopicker_lab.tuning.choices import route_outcomes, stand_in_specs
from autopicker_lab.tuning.conversations import earlier_of, request_of
from autopicker_lab.tuning.sections import cost_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes

    from autopicker_lab.core import ModelSpec, RoutePolicy
    from autopicker_lab.tuning.matrix import OutcomeMatrix


@dataclass(frozen=True)
class Change:
    """One request under both policies; scores are None where nobody measured them."""

    prompt: str
    before: str
    after: str
    why: str
    score_before: float | None = None
    score_after: float | None = None


@dataclass(frozen=True)
class Comparison:
    """The same requests under two policies.

    Attributes:
        requests: one a prompt, in order. quality, cost: means before and after; None where they are not known.
        cost_unit: of these costs, as of an outcomes table.
        warning: why the figures may be too good.
    """

    before: str
    after: str
    requests: tuple[Change, ...]
    quality: tuple[float, float] | None
    cost: tuple[float, float] | None
    warning: str = ""
    cost_unit: str = ""

    @property
    def changed(self) -> tuple[Change, ...]:
        """The requests that another model gets."""
        return tuple(request for request in self.requests if request.before != request.after)

    @property
    def summary(self) -> str:
        """What changes, in words."""
        share = 100 * len(self.changed) / max(len(self.requests), 1)
        words = f"{len(self.changed):,} of {len(self.requests):,} requests ({share:.0f} %) change sides"
        if self.quality:
            words += f"; mean score {self.quality[0]:.3f} → {self.quality[1]:.3f}"
        if self.cost:
            before, after = (f"{1000 * cost:,.4g}" for cost in self.cost)
            words += f"; {cost_words(self.cost_unit)} requests {before} → {after}"
        if self.warning:
            words += f" ({self.warning})"
        return words

    def to_frame(self) -> pd.DataFrame:
        """One row a request that changes sides."""
        return frame(vars(change) for change in self.changed)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Requests that each model gets, before and after."""
        names = sorted({r.before for r in self.requests} | {r.after for r in self.requests})
        target = axes(ax, (7.0, 1.9 + 0.4 * len(names)))
        for shift, colour, name, side in ((-0.2, ORANGE, self.before, "before"), (0.2, BLUE, self.after, "after")):
            counts = [sum(getattr(request, side) == model for request in self.requests) for model in names]
            drawn = target.barh(
                [i + shift for i in range(len(names))], counts, 0.38, color=colour, label=clip(name, 30)
            )
            target.bar_label(drawn, padding=3)
        target.set_yticks(range(len(names)), names)
        target.invert_yaxis()
        target.set_xlabel("requests")
        target.set_title("\n".join(textwrap.wrap(self.summary, 72)), loc="left", fontsize=9)
        target.margins(x=0.15)
        target.legend(frameon=False, ncols=2, loc="upper right", bbox_to_anchor=(1.0, -0.27))
        target.spines[["top", "right"]].set_visible(False)
        return target

    def flows_html(self) -> str:
        """How many requests go from which model to which, as SVG that shows each count under the pointer."""
        pairs = [(request.before, request.after) for request in self.requests]
        return flows_html(pairs, self.before, self.after)

    def _repr_html_(self) -> str:
        rows = [(clip(c.prompt, 90), c.before, c.after, c.why) for c in self.changed[:50]]
        head = html_table([], [], self.summary)
        return head + self.flows_html() + html_table(["prompt", self.before, self.after, "why"], rows)


def compare(
    prompts: Sequence[str],
    specs: Sequence[ModelSpec],
    before: RoutePolicy,
    after: RoutePolicy,
    progress: Progress | None = None,
    tasks: Sequence[str] = (),
) -> Comparison:
    """Route each prompt over `specs` by two policies, as the pipeline would if all of them answered.

    Args:
        progress: called with (done, in all); returning False ends it with the prompts so far.
        tasks: that each prompt is said to be of; empty where nothing is said.
    """
    requests = []
    for i, prompt in enumerate(prompts):
        if not report_progress(progress, i, len(prompts)):
            break
        request = request_of(prompt)
        complexity, requirements = score(request), Requirements(request.token_count, 256)
        context: Any = {
            "question": request.question,
            "earlier": earlier_of(request),
            "task": tasks[i] if tasks else "",
        }
        routes = [choose(complexity, specs, policy, requirements, **context) for policy in (before, after)]
        requests.append(Change(prompt, routes[0].model, routes[1].model, routes[1].reason))
    return Comparison(before.id, after.id, tuple(requests), None, None)


def compare_on(
    outcomes: OutcomeMatrix, before: RoutePolicy, after: RoutePolicy, progress: Progress | None = None
) -> Comparison:
    """The same over the models of an outcomes table, with the scores and costs that it measured."""
    comparison = compare(outcomes.prompts, stand_in_specs(outcomes), before, after, progress, outcomes.tasks.tolist())
    if not comparison.requests:
        return comparison
    n = len(comparison.requests)
    paid = [route_outcomes(policy, outcomes).paid for policy in (before, after)]
    scores = [side[0][:n].tolist() for side in paid]
    costs = [side[1][:n].tolist() for side in paid]
    return replace(
        comparison,
        requests=tuple(
            replace(request, score_before=was, score_after=is_now)
            for request, was, is_now in zip(comparison.requests, *scores, strict=True)
        ),
        quality=(fmean(scores[0]), fmean(scores[1])),
        cost=(fmean(costs[0]), fmean(costs[1])),
        warning=in_sample_warning(outcomes, before, after),
        cost_unit=outcomes.cost_unit,
    )


def in_sample_warning(outcomes: OutcomeMatrix, *policies: RoutePolicy) -> str:
    """Why figures of these policies on these outcomes are too good; "" where nothing is known against them."""
    fitted = [policy.id for policy in policies if outcomes.are_those_of(policy)]
    return f"too good: {fitted[0]} was fitted on these very prompts" if fitted else ""
