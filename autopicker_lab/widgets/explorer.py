"""Type a prompt, add a file, and watch its factors and its route change."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import AutopickerError, Route, RoutePolicy, SourceFile, Tier
from autopicker_lab.widgets.parts import Intake, IntakeBox, Job, JobBar, Panel, PanelModel, Save, present

if TYPE_CHECKING:
    from pathlib import Path

    from autopicker_lab.workbench import Workbench


@dataclass
class ExplorerModel(PanelModel):
    """The state of the explorer, without widgets.

    Attributes:
        intake: the file that belongs to the prompt, if any.
        policy: None stands for two tiers at `threshold`, the score from which more than the cheapest is wanted.
    """

    lab: Workbench
    prompt: str = ""
    intake: Intake = field(default_factory=Intake)
    threshold: float = 12.0
    policy: RoutePolicy | None = None
    route: Route | None = None

    def __post_init__(self) -> None:
        self.job = Job(self._went_on)
        self._known: SourceFile | None = None
        self.intake.listeners.append(self._came)

    def set(self, **changes: Any) -> None:
        """Change fields and decide anew; a failure becomes `message`, with its next step."""
        with self._lock:  # whoever comes last decides on what is set then
            self.assign(changes)
            self.route = None
            self.act(self._decide)

    def found(self) -> Route:
        """The route; InvalidRequestError while there is none."""
        return present(self.route, "there is no route yet", "type a prompt")

    def _came(self) -> None:
        """Read a new file in the background (`job.wait()`), then decide."""
        if self.intake.files and self.intake.files[-1] is self._known:
            return  # another one was refused
        self.route = None
        if self.job.running:
            self.job.stop()  # _went_on begins anew
        elif self.intake.files:
            self.job.start(self._read, f"reading {self.intake.files[-1].name}")
        else:
            self.set()

    def _went_on(self) -> None:
        self.tell()
        if not self.job.running and self.intake.files and self.intake.files[-1] is not self._known:
            self._came()

    def _read(self) -> str:
        self._known = file = self.intake.files[-1]
        future = self.lab.submit(self.lab.aextract(file))  # whose Document is remembered
        self.job.ended_by(future.cancel)
        try:
            future.result()
        except AutopickerError:
            self.intake.files = []  # the prompt is weighed without it
            raise
        finally:
            self.set()
        return ""

    def _decide(self) -> None:
        if self.prompt.strip():
            tiers = RoutePolicy("explorer", (Tier(0.0, 0.0), Tier(max(self.threshold, 0.01), 0.4)))
            self.route = self.lab.route(self.prompt, self.intake.files, policy=self.policy or tiers)


class ExplorerPanel(Panel):
    """The explorer in a notebook: `ExplorerPanel(lab)` as the last line of a cell.

    Args:
        policy: route by this one; None shows a slider for the threshold between two tiers.
    """

    def __init__(
        self,
        lab: Workbench,
        prompt: str = "Why is the sky blue? Explain step by step.",
        file: str | Path = "",
        policy: RoutePolicy | None = None,
    ):
        import ipywidgets as w

        self.model = ExplorerModel(lab, policy=policy)
        wide = w.Layout(width="99%")
        self.prompt = w.Textarea(prompt, description="prompt", layout=wide, continuous_update=True)
        self.intake = IntakeBox(self.model.intake, file)
        self.threshold = w.FloatSlider(12.0, min=0, max=100, step=1, description="threshold", layout=wide)
        self.bar = JobBar(self.model.job)
        self.result = w.HTML()
        for name, control in (("prompt", self.prompt), ("threshold", self.threshold)):
            self.on(control, lambda value, name=name: self.model.set(**{name: value}))  # type: ignore[misc]
        self.model.listeners.append(self._draw)
        inputs = [self.prompt, self.intake.view, self.bar.view] + ([] if policy else [self.threshold])
        self.save = Save("Save as JSON", "route.json", lambda: self.model.found().to_dict())
        self.view = w.VBox([*inputs, self.result, self.save])
        self.model.set(prompt=prompt)
        if str(file):
            self.model.intake.name(str(file))

    def _draw(self) -> None:
        self.bar.draw()
        self.bar.view.layout.display = "flex" if self.model.job.running or self.model.job.failed else "none"
        route = self.model.route
        if route is None:
            self.result.value = escape(self.model.message) or "type a prompt"
            return
        about = "".join(f"with {escape(file.name)}" for file in self.model.intake.files)
        head = f"<p>{about}</p>" if about else ""
        self.result.value = f"{head}{route.complexity._repr_html_()}{route._repr_html_()}"
