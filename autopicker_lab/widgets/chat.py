"""The chat panel: answers as they come, sources and route folded under them, Stop, and answers of other models."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from autopicker_lab.widgets.conversation import Answer, ConversationModel, Turn
from autopicker_lab.widgets.parts import IntakeBox, JobBar, Panel, Save, to_html

if TYPE_CHECKING:
    from pathlib import Path

    from autopicker_lab.core import ChatReply
    from autopicker_lab.workbench import Workbench

_MAX_CHARACTERS = 6000  # that are shown of a source


class ChatPanel(Panel):
    """The chat in a notebook: `ChatPanel(lab)` as the last line of a cell.

    Args:
        question: the text in the question box at first.
        file: the path of a file that the questions are about.
        options: OpenAI's options of every question (max_tokens ...).
    """

    def __init__(self, lab: Workbench, question: str = "", file: str | Path = "", **options: Any):
        import ipywidgets as w

        self.model = model = ConversationModel(lab, options=options)
        self.intake = IntakeBox(model.intake, file)
        # from the end backwards: so the browser keeps the last answer in sight while it grows
        self.log = w.VBox(layout=w.Layout(max_height="46em", overflow="auto", flex_flow="column-reverse"))
        self.question = w.Textarea(question, placeholder="ask", rows=2, layout=w.Layout(width="99%"))
        self.choice = w.Dropdown(options=model.models, description="model")
        self.ask = w.Button(description="Ask", button_style="primary", icon="paper-plane")
        self.again = w.Button(description="Regenerate", tooltip="answer the last question by the model chosen here")
        self.new = w.Button(description="New conversation")
        self.bar = JobBar(model.job)
        self.note = w.HTML()
        self.sums = w.HTML()
        self._turns: list[Any] = []
        self._drawn: tuple[object, ...] = ()  # what is folded under the last turn
        self.save = [
            Save("Copy answer", "", lambda: model.turns[-1].answer.text if model.turns else ""),
            Save("Save as Markdown", "chat.md", model.to_markdown),
            Save("Save as JSON", "chat.json", model.to_dict),
        ]
        self.ask.on_click(lambda _: self._ask())
        self.again.on_click(lambda _: model.regenerate(self.choice.value))
        self.new.on_click(lambda _: model.clear())
        model.listeners.append(self._draw)
        buttons = w.HBox([self.choice, self.ask, self.again, self.new])
        below = w.HBox([self.sums, *self.save])
        self.view = w.VBox([self.intake.view, self.log, self.question, self.note, buttons, self.bar.view, below])
        if str(file):
            model.intake.add_path(str(file))
        model.notify()
        lab.submit(lab.catalogue.availability()).add_done_callback(lambda _: model.notify())

    def _draw(self) -> None:
        model = self.model
        names = model.models
        if list(self.choice.options) != names:  # an Ollama may have been discovered meanwhile
            self.choice.options, self.choice.value = names, self.choice.value
        self.bar.draw()
        self.ask.disabled = model.job.running
        self.again.disabled = model.job.running or not model.turns
        self._draw_turns()
        self.note.value = f"⚠ {escape(model.message)}" if model.message else ""
        self.sums.value = f"{model.tokens:,} tokens, {model.cost_usd:.4f} USD so far&emsp;" if model.turns else ""
        for button in self.save:
            button.disabled = not model.turns

    def _ask(self) -> None:
        if not self.model.job.running:
            self.model.ask(self.question.value, self.choice.value)
            self.question.value = ""

    def _draw_turns(self) -> None:
        """Draw the last turn; what is folded under it is drawn once, or it would fold up while somebody reads it."""
        import ipywidgets as w

        turns = self.model.turns
        if len(self._turns) > len(turns):
            for box in self._turns:
                box.close_all()
            self._turns = []
        while len(self._turns) < len(turns):
            self._turns.append(w.VBox([w.HTML(), w.HTML()], layout=w.Layout(flex="0 0 auto")))
        if len(self.log.children) != len(self._turns):
            self.log.children = self._turns[::-1]
        if turns:
            above, below = self._turns[-1].children
            above.value = _turn_html(turns[-1])
            answer = turns[-1].answer
            # all that is shown there comes with the beginning and with the end of an answer
            drawn = (id(answer), answer.model, answer.route, answer.usage, answer.first_token_s)
            if drawn != self._drawn:
                self._drawn, below.value = drawn, _details_of(answer)


def _turn_html(turn: Turn) -> str:
    """Make HTML of a question, earlier answers folded, and the last answer."""
    head = f"<p style='margin:.8em 0 .2em'><b>{escape(turn.question)}</b></p>"
    earlier = [_details(f"earlier answer, by {a.model}", to_html(a.text)) for a in turn.answers[:-1] if a.text]
    last = turn.answers[-1] if turn.answers else Answer("")
    note = f"<p><em>{escape(last.note)}</em></p>" if last.note else ""
    return head + "".join(earlier) + to_html(last.text) + note


def _details_of(answer: Answer) -> str:
    """Make HTML of an answer's sources and route, each folded."""
    details = [_details(label, to_html(text[:_MAX_CHARACTERS])) for label, text in answer.sources.items()]
    if answer.route is not None:
        notes = (*answer.context.left_out, *answer.context.warnings)
        lines = "".join(f"<p>{escape(line)}</p>" for line in notes)
        details.append(_details(_summary(answer), answer.route._repr_html_() + lines))
    return "".join(details)


def _summary(answer: Answer) -> str:
    if answer.first_token_s is None:
        return f"{answer.model or 'the route'}: why it was chosen"
    first = f", first token after {answer.first_token_s:.1f} s"
    read, written = answer.usage.prompt_tokens, answer.usage.completion_tokens
    return f"{answer.model}: {read:,} tokens read, {written:,} written{first}"


def _details(title: str, body: str) -> str:
    box = "margin-left:1em;border-left:2px solid #767676;padding-left:.8em"
    return f"<details><summary>{escape(title)}</summary><div style='{box}'>{body}</div></details>"


async def show_stream(lab: Workbench, question: str, files: list[Any] | None = None, **options: Any) -> ChatReply:
    """Show an answer as it comes, in the output of a cell (`await show_stream(lab, "...", [path])`)."""
    from IPython.display import HTML, display

    text = ""
    handle = display(display_id=True)
    stream = lab.stream(question, files or [], **options)
    async for chunk in stream:
        text += chunk.content
        handle.update(HTML(to_html(text)))
    assert stream.reply is not None  # the stream has ended
    handle.update(stream.reply)
    return stream.reply
