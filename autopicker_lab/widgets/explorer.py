"""The explorer panel: type a prompt, add a file, and watch complexity and route change."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

from autopicker_lab.chat.requirements import requirements_of
from autopicker_lab.core import AutopickerError, ChatRequest, Route, RoutePolicy, SourceFile, Tier
from autopicker_lab.routing import choose
from autopicker_lab.widgets.parts import Intake, IntakeBox, Job, JobBar, Panel, PanelModel, Save, require

if TYPE_CHECKING:
    from pathlib import Path

    from autopicker_lab.workbench import Workbench


@dataclass
class ExplorerModel(PanelModel):
    """The state of the explorer, without widgets.

    Attributes:
        intake: the file that belongs to the prompt, if any.
        threshold: the score from which more than the cheapest model is chosen.
        policy: the policy that routes; None stands for two tiers at `threshold`.
        all_answer: whether to route as if all models of the catalogue answered.
        route: the decision; None until there is a prompt.
    """

    lab: Workbench
    prompt: str = ""
    intake: Intake = field(default_factory=Intake)
    threshold: float = 12.0
    policy: RoutePolicy | None = None
    all_answer: bool = False
    route: Route | None = None

    def __post_init__(self) -> None:
        self.job = Job(self._on_job)
        self._last_read: SourceFile | None = None
        self.intake.listeners.append(self._on_intake)

    def set(self, **changes: Any) -> None:
        """Change fields and decide anew; a failure becomes `message`, with its next step."""
        with self._lock:  # of two calls at once, the last decides with the fields of both
            self.assign(changes)
            self.route = None
            self.act(self._decide)

    def require_route(self) -> Route:
        """Return the route; InvalidRequestError while there is none."""
        return require(self.route, "there is no route yet", "type a prompt")

    def _on_intake(self) -> None:
        """Read a new file in the background (`job.wait()`), then decide."""
        if self.intake.files and self.intake.files[-1] is self._last_read:
            return  # another file was refused
        self.route = None
        if self.job.running:
            self.job.stop()  # _on_job starts again
        elif self.intake.files:
            self.job.start(self._read, f"reading {self.intake.files[-1].name}")
        else:
            self.set()

    def _on_job(self) -> None:
        self.notify()
        if not self.job.running and self.intake.files and self.intake.files[-1] is not self._last_read:
            self._on_intake()

    def _read(self) -> str:
        self._last_read = file = self.intake.files[-1]
        future = self.lab.submit(self.lab.aextract(file))  # the Workbench keeps its Document
        self.job.cancel_with(future.cancel)
        try:
            future.result()
        except AutopickerError:
            self.intake.files = []  # the prompt is scored without it
            raise
        finally:
            self.set()
        return ""

    def _decide(self) -> None:
        if self.prompt.strip():
            tiers = RoutePolicy("explorer", (Tier(0.0, 0.0), Tier(max(self.threshold, 0.01), 0.4)))
            policy = self.policy or tiers
            if self.all_answer:
                self.route = self.lab.wait(self._route_over_all(policy))
            else:
                self.route = self.lab.route(self.prompt, self.intake.files, policy=policy)

    async def _route_over_all(self, policy: RoutePolicy) -> Route:
        request, attachments = ChatRequest.of(self.prompt), await self.lab.attach(self.intake.files)
        complexity, specs = await self.lab.pipeline.score(request, attachments), self.lab.catalogue.specs()
        return choose(complexity, specs, policy, requirements_of(request, attachments), question=request.question)


class ExplorerPanel(Panel):
    """The explorer in a notebook: `ExplorerPanel(lab)` as the last line of a cell.

    Args:
        prompt: the text at first.
        file: the path of a file that belongs to it.
        policy: the policy that routes; None shows a slider for the threshold between two tiers.
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
        self.all_answer = w.Checkbox(description="as if all models answered", indent=False)
        self.bar = JobBar(self.model.job)
        self.result = w.HTML()
        controls = {"prompt": self.prompt, "threshold": self.threshold, "all_answer": self.all_answer}
        for name, control in controls.items():
            self.on(control, lambda value, name=name: self.model.set(**{name: value}))  # type: ignore[misc]
        self.model.listeners.append(self._draw)
        inputs = [self.prompt, self.intake.view, self.bar.view, *([] if policy else [self.threshold]), self.all_answer]
        self.save = Save("Save as JSON", "route.json", lambda: self.model.require_route().to_dict())
        self.view = w.VBox([*inputs, self.result, self.save])
        self.model.set(prompt=prompt)
        if str(file):
            self.model.intake.add_path(str(file))

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
