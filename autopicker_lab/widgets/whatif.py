"""What if another policy had routed the same traffic?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from autopicker_lab.core import AutopickerError, RoutePolicy
from autopicker_lab.core.show import html_table
from autopicker_lab.routing import load_policy
from autopicker_lab.tuning import Board
from autopicker_lab.tuning.whatif import Comparison, compare, compare_on
from autopicker_lab.workbench import Workbench


@dataclass
class WhatIfModel:
    """The state of the panel, without widgets.

    Attributes:
        traffic: a Board of outcomes (with scores and costs), or prompts, routed over the Workbench's catalogue.
        policies: by the name they are chosen by; paths of policy files and "default" are understood as well.
    """

    traffic: Board | Sequence[str]
    policies: dict[str, RoutePolicy] = field(default_factory=dict)
    lab: Workbench | None = None
    before: str = "default"
    after: str = "default"
    comparison: Comparison | None = None
    message: str = ""
    listeners: list[Callable[[], None]] = field(default_factory=list)

    def set(self, **changes: Any) -> None:
        """Change fields and compare anew; a failure becomes `message`, with its next step."""
        for name, value in changes.items():
            setattr(self, name, value)
        self.comparison, self.message = None, ""
        try:
            pair = self._policy(self.before), self._policy(self.after)
            if isinstance(self.traffic, Board):
                self.comparison = compare_on(self.traffic, *pair)
            elif self.lab is None:
                self.message = "prompts need a Workbench, whose catalogue they are routed over: pass lab="
            else:
                self.comparison = compare(self.traffic, self.lab.catalogue.specs(), *pair)
        except AutopickerError as error:
            self.message = str(error)
        for listener in self.listeners:
            listener()

    def _policy(self, name: str) -> RoutePolicy:
        return self.policies[name] if name in self.policies else load_policy(name.strip())


class WhatIfPanel:
    """The panel in a notebook: `WhatIfPanel(report.board, {"tuned": report.policy})` as the last line of a cell."""

    def __init__(
        self,
        traffic: Board | Sequence[str],
        policies: dict[str, RoutePolicy] | None = None,
        lab: Workbench | None = None,
    ):
        import ipywidgets as w

        named = policies or {}
        self.model = WhatIfModel(traffic, named, lab)
        names = ["default", *named]
        self.before = w.Combobox(value=names[0], options=names, description="before", ensure_option=False)
        self.after = w.Combobox(value=names[-1], options=names, description="after", ensure_option=False)
        self.picture = w.Output()
        self.result = w.HTML()
        self.before.observe(lambda change: self.model.set(before=change["new"]), "value")
        self.after.observe(lambda change: self.model.set(after=change["new"]), "value")
        self.model.listeners.append(self._draw)
        self.view = w.VBox([w.HBox([self.before, self.after]), self.picture, self.result])
        self.model.set(before=names[0], after=names[-1])

    def _draw(self) -> None:
        from IPython.display import display
        from matplotlib.figure import Figure

        found = self.model.comparison
        self.picture.clear_output(wait=True)
        if found is None:
            self.result.value = html_table(["", ""], [("", self.model.message)])
            return
        figure = Figure(figsize=(6.5, 2.4), layout="constrained")
        found.plot(figure.add_subplot())
        with self.picture:
            display(figure)
        self.result.value = found._repr_html_()

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return self.view._repr_mimebundle_(**options)
