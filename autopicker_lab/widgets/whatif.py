"""The what-if panel: what another policy would have done with the same traffic."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import InvalidRequestError, RoutePolicy
from autopicker_lab.routing import load_policy
from autopicker_lab.tuning import OutcomeMatrix
from autopicker_lab.tuning.whatif import Comparison, compare, compare_on
from autopicker_lab.widgets.parts import Job, JobBar, Panel, PanelModel, Save, require, sortable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autopicker_lab.workbench import Workbench


@dataclass
class WhatIfModel(PanelModel):
    """The state of the panel, without widgets.

    Attributes:
        traffic: a OutcomeMatrix of outcomes (with scores and costs), or prompts, routed over the Workbench's catalogue.
        policies: by the name they are chosen by; paths of policy files and "default" are understood as well.
    """

    traffic: OutcomeMatrix | Sequence[str]
    policies: dict[str, RoutePolicy] = field(default_factory=dict)
    lab: Workbench | None = None
    before: str = "default"
    after: str = "default"
    comparison: Comparison | None = None

    def __post_init__(self) -> None:
        self.job = Job(self.notify)

    def set(self, **changes: Any) -> None:
        """Change fields and compare anew, in the background (`job.wait()`)."""
        self.assign(changes)
        self.job.stop()
        self.job.wait()
        self.comparison = None
        self.job.start(self._compare, "comparing")

    def _compare(self) -> str:
        pair = self._policy(self.before), self._policy(self.after)
        if isinstance(self.traffic, OutcomeMatrix):
            comparison = compare_on(self.traffic, *pair, self._report_progress)
        elif self.lab is None:
            raise InvalidRequestError("prompts are routed over a Workbench's catalogue", "pass lab=")
        else:
            comparison = compare(self.traffic, self.lab.catalogue.specs(), *pair, self._report_progress)
        self.comparison = comparison
        return f"stopped after {len(comparison.requests):,} requests" if self.job.stopping else ""

    def _report_progress(self, done: int, total: int) -> bool:
        return self.job.report(done / total)

    def _policy(self, name: str) -> RoutePolicy:
        return self.policies[name] if name in self.policies else load_policy(name.strip())


class WhatIfPanel(Panel):
    """The panel in a notebook: `WhatIfPanel(report.outcomes, {"tuned": report.policy})` as the last line of a cell."""

    def __init__(
        self,
        traffic: OutcomeMatrix | Sequence[str],
        policies: dict[str, RoutePolicy] | None = None,
        lab: Workbench | None = None,
    ):
        import ipywidgets as w

        named = policies or {}
        self.model = WhatIfModel(traffic, named, lab)
        names = ["default", *named]
        self.before = w.Combobox(
            value=names[0], options=names, description="before", ensure_option=False, continuous_update=False
        )
        self.after = w.Combobox(
            value=names[-1], options=names, description="after", ensure_option=False, continuous_update=False
        )
        self.bar = JobBar(self.model.job)
        self.picture = w.HTML()
        self.table = w.VBox()
        self.save = Save("Save as CSV", "changes.csv", lambda: self._current().to_frame().to_csv(index=False))
        self._drawn: Comparison | None = None
        self.on(self.before, lambda name: self.model.set(before=name))
        self.on(self.after, lambda name: self.model.set(after=name))
        self.model.listeners.append(self._draw)
        row = w.HBox([self.before, self.after, self.save])
        self.view = w.VBox([row, self.bar.view, self.picture, self.table])
        self.model.set(before=names[0], after=names[-1])

    def _current(self) -> Comparison:
        comparison: Comparison | None = self.model.comparison
        return require(comparison, "there is nothing to save yet", "choose two policies")

    def _draw(self) -> None:
        self.bar.draw()
        comparison = self.model.comparison
        self.picture.layout.display = self.table.layout.display = "none" if comparison is None else "flex"
        if comparison is None or comparison is self._drawn:
            return
        self._drawn = comparison
        summary = f"<p>{escape(comparison.summary)}</p>"
        self.picture.value = summary + comparison.flows_html()
        changed = (
            comparison.to_frame()
            .drop(columns="why", errors="ignore")
            .rename(columns=lambda name: name.replace("_", " "))
        )
        self.table.children = [sortable(changed, f"requests that change sides: {len(comparison.changed):,}")]
