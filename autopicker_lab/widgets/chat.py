"""The chat panel: answers as they come, sources and route folded under them, Stop, and answers of other models."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from autopicker_lab.core.text import dollars
from autopicker_lab.routing import AUTO
from autopicker_lab.widgets.answer_html import details_of, standing_html, turn_html
from autopicker_lab.widgets.conversation import ConversationModel
from autopicker_lab.widgets.joining import JoiningBox
from autopicker_lab.widgets.parts import GrowingMarkdown, IntakeBox, JobBar, Panel, Save
from autopicker_lab.widgets.votes import Vote

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from concurrent.futures import Future
    from pathlib import Path

    from autopicker_lab.core import ChatReply
    from autopicker_lab.models.base import Availability
    from autopicker_lab.workbench import Workbench

_VOTES = {
    Vote.FIRST: "A is better",
    Vote.SECOND: "B is better",
    Vote.BOTH_GOOD: "Both are good",
    Vote.BOTH_BAD: "Both are bad",
}


class ChatPanel(Panel):
    """The chat in a notebook: `ChatPanel(lab)` as the last line of a cell.

    Args:
        question: the text in the question box at first.
        file: the path of a file that the questions are about.
        examples: questions that a press asks, until there is a conversation.
        options: OpenAI's options of every question (max_tokens ...).
    """

    def __init__(
        self,
        lab: Workbench,
        question: str = "",
        file: str | Path = "",
        examples: Sequence[str] = (),
        **options: Any,
    ):
        import ipywidgets as w

        self.model = model = ConversationModel(lab, options=options)
        self.intake = IntakeBox(model.intake, file)
        # from the end backwards: so the browser keeps the last answer in sight while it grows
        self.log = w.VBox(layout=w.Layout(max_height="46em", overflow="auto", flex_flow="column-reverse"))
        self.question = w.Textarea(question, placeholder="ask", rows=2, layout=w.Layout(width="99%"))
        self.choice = _models("model", model.models)
        self.rival = _models("beside", model.models)
        self.ask = _button("Ask", "", button_style="primary", icon="paper-plane")
        self.again = _button("Regenerate", "answer the last question once more, by the model chosen here")
        self.compare = _button("Compare", "ask both models at once, and vote before their names are told")
        self.new = _button("New", "a new conversation about the same files")
        self.examples = [_button(text, "ask this") for text in examples]
        self.votes = {vote: _button(words, "", icon="check") for vote, words in _VOTES.items()}
        self.bar = JobBar(model.job)
        self.joining = JoiningBox(lab, self._on_joined)
        self.note = w.HTML()
        self.sums, self.standing = w.HTML(), w.HTML()
        self._turns: list[Any] = []
        self._drawn: tuple[object, ...] = ()  # what is folded under the last turn
        self.save = [
            Save("Copy answer", "", lambda: model.turns[-1].answer.text if model.turns else ""),
            Save("Save as Markdown", "chat.md", model.to_markdown),
            Save("Save as JSON", "chat.json", model.to_dict),
        ]
        self._connect()
        self.bar.stop.layout = w.Layout(width="auto")
        self.bar.view.children = [self.bar.bar, self.bar.words]
        self.tries = _row(self.examples)
        self.ballot = _row([w.HTML("Which is better?"), *self.votes.values()])
        buttons = [self.choice, self.ask, self.bar.stop, self.again, self.rival, self.compare, self.new]
        below = _row([self.sums, *self.save])
        self.view = w.VBox(
            [
                *(self.intake.view, self.log, self.ballot, self.tries, self.question),
                *(_row(buttons), self.note, self.standing, self.bar.view, below, self.joining.view),
            ]
        )
        self.view.add_class("autopicker-panel")  # within it, files are pasted and dropped anywhere
        if str(file):
            model.intake.add_path(str(file))
        model.notify()
        lab.submit(lab.catalogue.availability()).add_done_callback(self._on_availability)

    def _on_availability(self, found: Future[Mapping[str, Availability]]) -> None:
        """Put a model beside that answers, where the one that stands there does not."""
        if not found.cancelled() and found.exception() is None:
            answering = [name for name, now in found.result().items() if now.ok and name in self.rival.options]
            if answering and self.rival.value not in answering:
                self.rival.value = answering[-1]
        self.model.notify()

    def _on_joined(self, name: str) -> None:
        """Put a model that has joined beside the one that is asked."""
        self.model.notify()
        self.rival.value = name

    def _connect(self) -> None:
        model = self.model
        self.ask.on_click(lambda _: self._ask())
        self.again.on_click(lambda _: model.regenerate(self.choice.value))
        self.compare.on_click(lambda _: self._compare())
        self.new.on_click(lambda _: model.clear())
        for example in self.examples:
            example.on_click(lambda button: model.ask(button.description, self.choice.value))
        for vote, button in self.votes.items():
            button.on_click(lambda _, vote=vote: model.vote(vote))
        model.listeners.append(self._draw)

    def _draw(self) -> None:
        model = self.model
        running, last = model.job.running, model.turns[-1] if model.turns else None
        names = model.models
        for choice in (self.choice, self.rival):
            if list(choice.options) != names:  # an Ollama may have been discovered meanwhile
                choice.options, choice.value = names, choice.value
        if self.rival.value == AUTO and len(names) > 1:
            self.rival.value = names[-1]
        self.bar.draw()
        self.ask.disabled = self.compare.disabled = running
        self.again.disabled = running or last is None
        self.tries.layout.display = "none" if last or not self.examples else "flex"
        self.ballot.layout.display = "flex" if last and last.awaits_vote and not running else "none"
        self._draw_turns()
        self.note.value = f"<span role='status'>{escape(model.message)}</span>" if model.message else ""
        self.sums.value = f"{model.tokens:,} tokens, {dollars(model.cost_usd)} so far&emsp;" if last else ""
        self.standing.value = standing_html(model.standing)
        for button in self.save:
            button.disabled = last is None

    def _ask(self) -> None:
        if not self.model.job.running:
            self.model.ask(self.question.value, self.choice.value)
            self.question.value = ""

    def _compare(self) -> None:
        if not self.model.job.running:
            turns = len(self.model.turns)
            self.model.compare(self.question.value, (self.choice.value, self.rival.value))
            if len(self.model.turns) > turns:
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
            above.value = turn_html(turns[-1], done=not self.model.job.running)
            answer = turns[-1].answer
            # all that is shown there comes with the beginning and with the end of an answer
            drawn = (id(answer), answer.model, answer.route, answer.usage, answer.first_token_s)
            if turns[-1].compared and turns[-1].vote is None:
                below.value = ""  # it would tell which model is which
            elif drawn != self._drawn:
                self._drawn, below.value = drawn, details_of(answer)


def _button(words: str, tooltip: str, **options: Any) -> Any:
    import ipywidgets as w

    return w.Button(description=words, tooltip=tooltip, layout=w.Layout(width="auto", max_width="100%"), **options)


def _row(children: Sequence[Any]) -> Any:
    import ipywidgets as w

    return w.HBox(children, layout=w.Layout(flex_flow="row wrap", align_items="center"))


def _models(description: str, names: Sequence[str]) -> Any:
    import ipywidgets as w

    style = {"description_width": "initial"}
    return w.Dropdown(options=names, description=description, style=style, layout=w.Layout(width="auto"))


async def show_stream(lab: Workbench, question: str, files: list[Any] | None = None, **options: Any) -> ChatReply:
    """Show an answer as it comes, in the output of a cell (`await show_stream(lab, "...", [path])`)."""
    from IPython.display import HTML, display

    text, growing = "", GrowingMarkdown()
    handle = display(display_id=True)
    stream = lab.stream(question, files or [], **options)
    async for chunk in stream:
        text += chunk.content
        handle.update(HTML(growing.html(text)))
    assert stream.reply is not None  # the stream has ended
    handle.update(stream.reply)
    return stream.reply
