"""Type a prompt, add a file, and watch its factors and its route change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from html import escape
from typing import Any

from autopicker_lab.core import AutopickerError, Route, RoutePolicy, SourceFile, Tier
from autopicker_lab.core.show import html_table
from autopicker_lab.extraction import open_source
from autopicker_lab.workbench import Workbench


@dataclass
class ExplorerModel:
    """The state of the explorer, without widgets.

    Attributes:
        file: a path, or what was dropped.
        policy: None stands for two tiers at `threshold`, the score from which more than the cheapest is wanted.
    """

    lab: Workbench
    prompt: str = ""
    file: str | SourceFile = ""
    threshold: float = 12.0
    policy: RoutePolicy | None = None
    route: Route | None = None
    message: str = ""
    listeners: list[Callable[[], None]] = field(default_factory=list)

    def set(self, **changes: Any) -> None:
        """Change fields and decide anew; a failure becomes `message`, with its next step."""
        for name, value in changes.items():
            setattr(self, name, value)
        self.route, self.message = None, ""
        if self.prompt.strip():
            tiers = RoutePolicy("explorer", (Tier(0.0, 0.0), Tier(max(self.threshold, 0.01), 0.4)))
            file = self.file.strip() if isinstance(self.file, str) else self.file
            try:
                self.route = self.lab.route(self.prompt, [file] if file else [], policy=self.policy or tiers)
            except AutopickerError as error:
                self.message = str(error)
        self._tell()

    def drop(self, name: str, content: bytes) -> None:
        """Take an uploaded file."""
        try:
            self.set(file=open_source(content, name))
        except AutopickerError as error:
            self.file, self.route, self.message = "", None, str(error)
            self._tell()

    def _tell(self) -> None:
        for listener in self.listeners:
            listener()


class ExplorerPanel:
    """The explorer in a notebook: `ExplorerPanel(lab)` as the last line of a cell.

    Args:
        policy: route by this one; None shows a slider for the threshold between two tiers.
    """

    def __init__(
        self,
        lab: Workbench,
        prompt: str = "Why is the sky blue? Explain step by step.",
        file: str = "",
        policy: RoutePolicy | None = None,
    ):
        import ipywidgets as w

        self.model = ExplorerModel(lab, policy=policy)
        wide = w.Layout(width="100%")
        self.prompt = w.Textarea(prompt, description="prompt", layout=wide, continuous_update=True)
        self.file = w.Text(str(file), description="file", placeholder="path of a file, or nothing", layout=wide)
        self.upload = w.FileUpload(description="or drop one here", multiple=False)
        self.threshold = w.FloatSlider(12.0, min=0, max=100, step=1, description="threshold", layout=wide)
        self.result = w.HTML()
        for name, control in (("prompt", self.prompt), ("file", self.file), ("threshold", self.threshold)):
            control.observe(lambda change, name=name: self.model.set(**{name: change["new"]}), "value")
        self.upload.observe(lambda change: self._dropped(change["new"]), "value")
        self.model.listeners.append(self._draw)
        inputs = [self.prompt, w.HBox([self.file, self.upload])] + ([] if policy else [self.threshold])
        self.view = w.VBox([*inputs, self.result])
        self.model.set(prompt=prompt, file=str(file))

    def _dropped(self, files: Any) -> None:
        for file in files:
            self.model.drop(file["name"], bytes(file["content"]))

    def _draw(self) -> None:
        route = self.model.route
        if route is None:
            self.result.value = html_table(["", ""], [("", self.model.message or "type a prompt")])
            return
        bars = "".join(_bar(f.name, f.points, f.why) for f in route.complexity.factors if f.points)
        file = self.model.file if isinstance(self.model.file, str) else self.model.file.name
        about = f" with {escape(file)}" if file else ""
        head = f"<b>complexity {route.complexity.score:.0f} of 100{about}</b>"
        self.result.value = f"{head}{bars}{route._repr_html_()}"

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return self.view._repr_mimebundle_(**options)


def _bar(name: str, points: float, why: str) -> str:
    fill = f"<div style='background:#0072B2;height:.8em;width:{4 * points:.0f}px'></div>"
    words = f"<span style='width:8em'>{escape(name)}</span>{fill}<span>{points:.1f}</span><small>{escape(why)}</small>"
    return f"<div style='display:flex;gap:.6em;align-items:center'>{words}</div>"
