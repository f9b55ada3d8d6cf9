"""Type a prompt, add a file, and watch its factors and its route change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from autopicker_lab.core import AutopickerError, Route, RoutePolicy, Tier
from autopicker_lab.core.show import html_table
from autopicker_lab.workbench import Workbench


@dataclass
class ExplorerModel:
    """The state of the explorer, without widgets.

    Attributes:
        threshold: the score from which a request wants more than the cheapest model.
    """

    lab: Workbench
    prompt: str = ""
    file: str = ""
    threshold: float = 12.0
    route: Route | None = None
    message: str = ""
    listeners: list[Callable[[], None]] = field(default_factory=list)

    def set(self, **changes: Any) -> None:
        """Change fields and decide anew; a failure becomes `message`, with its next step."""
        for name, value in changes.items():
            setattr(self, name, value)
        self.route, self.message = None, ""
        if self.prompt.strip():
            policy = RoutePolicy("explorer", (Tier(0.0, 0.0), Tier(max(self.threshold, 0.01), 0.4)))
            try:
                files = [self.file.strip()] if self.file.strip() else []
                self.route = self.lab.route(self.prompt, files, policy=policy)
            except AutopickerError as error:
                self.message = str(error)
        for listener in self.listeners:
            listener()


class ExplorerPanel:
    """The explorer in a notebook: `ExplorerPanel(lab)` as the last line of a cell."""

    def __init__(self, lab: Workbench, prompt: str = "Why is the sky blue? Explain step by step.", file: str = ""):
        import ipywidgets as w

        self.model = ExplorerModel(lab)
        wide = w.Layout(width="100%")
        self.prompt = w.Textarea(prompt, description="prompt", layout=wide, continuous_update=True)
        self.file = w.Text(str(file), description="file", placeholder="path of a file, or nothing", layout=wide)
        self.threshold = w.FloatSlider(12.0, min=0, max=100, step=1, description="threshold", layout=wide)
        self.result = w.HTML()
        for name, control in (("prompt", self.prompt), ("file", self.file), ("threshold", self.threshold)):
            control.observe(lambda change, name=name: self.model.set(**{name: change["new"]}), "value")
        self.model.listeners.append(self._draw)
        self.view = w.VBox([self.prompt, self.file, self.threshold, self.result])
        self.model.set(prompt=prompt, file=str(file))

    def _draw(self) -> None:
        route = self.model.route
        if route is None:
            self.result.value = html_table(["", ""], [("", self.model.message or "type a prompt")])
            return
        bars = "".join(_bar(f.name, f.points, f.why) for f in route.complexity.factors if f.points)
        self.result.value = f"<b>complexity {route.complexity.score:.0f} of 100</b>{bars}{route._repr_html_()}"

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return self.view._repr_mimebundle_(**options)


def _bar(name: str, points: float, why: str) -> str:
    from html import escape

    fill = f"<div style='background:#0072B2;height:.8em;width:{4 * points:.0f}px'></div>"
    words = f"<span style='width:8em'>{escape(name)}</span>{fill}<span>{points:.1f}</span><small>{escape(why)}</small>"
    return f"<div style='display:flex;gap:.6em;align-items:center'>{words}</div>"
