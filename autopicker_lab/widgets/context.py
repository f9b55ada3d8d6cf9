"""The context panel: a question about files, what a model would be given to read, and why each passage was chosen."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import AutopickerError
from autopicker_lab.core.markdown_tables import tables_in
from autopicker_lab.core.show import BLUE, GREEN
from autopicker_lab.core.text import clip
from autopicker_lab.widgets.expecting import expecting
from autopicker_lab.widgets.parts import Intake, IntakeBox, Job, JobBar, Panel, PanelModel, Save, require

if TYPE_CHECKING:
    from pathlib import Path

    from autopicker_lab.chat import Context
    from autopicker_lab.core import ContextReport, ReadPassage
    from autopicker_lab.workbench import Workbench

LEAST, MOST = 64, 8_000  # tokens of the slider
_SHOWN, _TEXT = 60, 4_000  # passages, and characters of each
_WHY = {
    "all": "everything fits",
    "place": "the question names its place",
    "near": "near to the question",
    "spread": "one of those from all over",
    "computed": "counted or added up",
}
_KINDS = {"lexical": ("words", BLUE), "encoder": ("meaning", GREEN)}
_STYLE = """<style>
.autopicker-read{display:grid;gap:.5em}
.autopicker-read details{border:1px solid #76767680;border-radius:.4em;line-height:1.4;padding:.3em .7em}
.autopicker-read summary{cursor:pointer}.autopicker-read pre{white-space:pre-wrap;margin:.4em 0}
.autopicker-why{display:flex;flex-wrap:wrap;gap:.2em 1.2em;font-size:.9em}
.autopicker-why svg{vertical-align:-.1em}</style>"""


@dataclass
class ContextModel(PanelModel):
    """The state of the panel, without widgets.

    Attributes:
        intake: the files that are asked about.
        budget: tokens that a model would be given at most.
        found: what it would be given; None until there are a question and a file.
    """

    lab: Workbench
    question: str = ""
    intake: Intake = field(default_factory=lambda: Intake(several=True))
    budget: int = 600
    found: Context | None = None

    def __post_init__(self) -> None:
        self.job = Job(self._on_job)
        self._asked: object = None
        self.intake.listeners.append(self.look)
        self.intake.listeners.append(expecting(self.lab, self.intake))

    def set(self, **changes: Any) -> None:
        """Change fields and look anew, in the background (`job.wait()`)."""
        self.assign(changes)
        self.look()

    def look(self) -> None:
        """Find what would be read, where the question, the files or the budget are others than before."""
        wanted = self._wanted
        if wanted == self._asked:
            self.notify()
        elif self.job.running:
            self.job.stop()  # _on_job starts again
        else:
            self._asked, self.found = wanted, None if wanted is None else self.found
            if wanted is None or not self.job.start(self._find, "reading"):
                self.notify()

    def require_found(self) -> Context:
        """Return what was found; InvalidRequestError while there is nothing."""
        return require(self.found, "nothing was looked for yet", "give a file and a question")

    @property
    def _wanted(self) -> tuple[object, ...] | None:
        question = self.question.strip()
        return (question, tuple(map(id, self.intake.files)), self.budget) if question and self.intake.files else None

    def _on_job(self) -> None:
        self.notify()
        if not self.job.running and self._wanted != self._asked:
            self.look()

    def _find(self) -> str:
        found = self.lab.acontext(self.question, list(self.intake.files), budget=self.budget, progress=self._waiting)
        future = self.lab.submit(found)
        self.job.cancel_with(future.cancel)
        try:
            self.found = future.result()
        except AutopickerError:
            self.found = None
            raise
        return ""

    def _waiting(self, done: int, total: int) -> bool:
        words = f"the question is in another language: {done:,} of {total:,} passages can be compared by meaning"
        return self.job.report(done / max(total, 1), words)


class ContextPanel(Panel):
    """The panel in a notebook: `ContextPanel(lab, question, file)` as the last line of a cell.

    Args:
        question: what is asked at first. file: the path of a file, or of a folder.
        budget: tokens at first.
    """

    def __init__(self, lab: Workbench, question: str = "", file: str | Path = "", budget: int = 600):
        import ipywidgets as w

        self.model = model = ContextModel(lab, question, budget=budget)
        wide = w.Layout(width="99%")
        self.question = w.Text(question, description="question", layout=wide, continuous_update=False)
        self.intake = IntakeBox(model.intake, file)
        self.budget = w.IntSlider(
            budget, min=LEAST, max=MOST, step=8, description="tokens", layout=wide, continuous_update=False
        )
        self.bar = JobBar(model.job)
        self.result = w.HTML()
        self.save = Save("Save as JSON", "context.json", lambda: model.require_found().to_dict())
        for name, control in (("question", self.question), ("budget", self.budget)):
            self.on(control, lambda value, name=name: model.set(**{name: value}))  # type: ignore[misc]
        model.listeners.append(self._draw)
        self.view = w.VBox([self.question, self.intake.view, self.budget, self.bar.view, self.result, self.save])
        if str(file):
            model.intake.add_path(str(file))
        model.look()

    def _draw(self) -> None:
        self.bar.draw()
        self.bar.view.layout.display = "flex" if self.model.job.running or self.model.job.failed else "none"
        found = self.model.found
        self.save.disabled = found is None
        self.result.value = found_html(found) if found else f"<p>{_missing(self.model)}</p>"


def found_html(found: Context) -> str:
    """Make HTML of what would be read: how much of each file, and each passage with why and how near it is."""
    report = found.report
    rows = "".join(_passage(passage) for passage in report.passages[:_SHOWN])
    more = len(report.passages) - _SHOWN
    notes = [*report.left_out, *report.warnings, *([f"{more:,} more passages are not shown"] if more > 0 else [])]
    listed = "".join(f"<li>{escape(clip(note, 400))}</li>" for note in notes)
    head = f"<p>{escape(_summary(found))}</p>"
    return f"{_STYLE}{head}<div class='autopicker-read'>{rows}</div>" + (f"<ul>{listed}</ul>" if listed else "")


def _summary(found: Context) -> str:
    """How much would be read, and how it was found."""
    report = found.report
    how = f"found by words and by meaning ({report.encoder})" if report.encoder else _how(report)
    files = ", ".join(f"{share:.0%} of {name}" for name, share in report.coverage)
    return f"{report.tokens:,} of {found.budget:,} tokens: {files or 'nothing'}; {how}"


def _how(report: ContextReport) -> str:
    ways = {"all": "everything fits", "place": "the place that is named first", "spread": "spread over the whole"}
    return ways.get(report.method, "found by words alone")


def _passage(passage: ReadPassage) -> str:
    title = escape(f"{passage.file}, {passage.part}")
    scores = "".join(_score(kind, value) for kind, value in passage.scores.items() if kind in _KINDS)
    why = f"<div class='autopicker-why'><span>{escape(_WHY.get(passage.why, passage.why))}</span>{scores}</div>"
    head = f"<summary><b>{passage.number}</b> {title}: {escape(_begin(passage.text))}{why}</summary>"
    return f"<details>{head}<pre>{escape(passage.text[:_TEXT])}</pre></details>"


def _begin(text: str) -> str:
    """How a passage begins, of rows of a table below the header that each repeats."""
    table = next(tables_in(text), None)
    rows = text[table.body :] if table and not text[: table.start].strip() else ""
    return clip(rows.strip() or text, 90)


def _score(kind: str, value: float) -> str:
    """A score of 0 to 1 as a bar with its number."""
    name, colour = _KINDS[kind]
    width = round(60 * min(max(value, 0.0), 1.0))
    bar = "<svg width='60' height='9' aria-hidden='true'><rect width='60' height='9' fill='#76767640'/>"
    return f"<span>{name} {bar}<rect width='{width}' height='9' fill='{colour}'/></svg> {value:.2f}</span>"


def _missing(model: ContextModel) -> str:
    if model.job.running or model.job.failed:
        return ""
    return escape(model.message) or "give a file and a question"
