"""The model of the chat panel: questions about files, answers as they come, and their sources."""

from __future__ import annotations

import threading
from concurrent.futures import CancelledError
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import ChatRequest, ContextReport, Document, Message, Route, Usage
from autopicker_lab.routing import AUTO
from autopicker_lab.widgets.parts import Intake, Job, PanelModel, describe_error
from autopicker_lab.widgets.parts.job import STOPPED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from autopicker_lab.workbench import Workbench

_END_S = 2.0  # seconds in which a stopped answer must report its usage


@dataclass
class Answer:
    """An answer to a question, which grows as it comes.

    Attributes:
        requested: the model that was asked for, or "auto".
        model: the one that answers; "" until that is known.
        sources: texts of the Parts that the model was given, by the label they are cited by.
        cost_usd: by the catalogue's prices.
        first_token_s: seconds until the first token; None before.
        note: how it ended, where it did not end well.
    """

    requested: str
    text: str = ""
    model: str = ""
    route: Route | None = None
    context: ContextReport = field(default_factory=ContextReport)
    sources: dict[str, str] = field(default_factory=dict)
    usage: Usage = field(default_factory=Usage)
    cost_usd: float = 0.0
    first_token_s: float | None = None
    note: str = ""


@dataclass
class Turn:
    """A turn of the conversation: a question and its answers, the last of which counts."""

    question: str
    answers: list[Answer] = field(default_factory=list)

    @property
    def answer(self) -> Answer:
        """The last answer."""
        return self.answers[-1]


@dataclass
class ConversationModel(PanelModel):
    """The state of the chat panel, without widgets.

    Attributes:
        intake: files that all questions are about.
        options: OpenAI's options of every question (max_tokens, temperature ...).
    """

    lab: Workbench
    intake: Intake = field(default_factory=lambda: Intake(several=True))
    turns: list[Turn] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.job = Job(self.notify)
        self.intake.listeners.append(self.notify)

    @property
    def tokens(self) -> int:
        """Tokens read and written so far, by all answers."""
        return sum(a.usage.prompt_tokens + a.usage.completion_tokens for t in self.turns for a in t.answers)

    @property
    def cost_usd(self) -> float:
        """Cost of all answers so far, by the catalogue's prices."""
        return sum(answer.cost_usd for turn in self.turns for answer in turn.answers)

    @property
    def models(self) -> list[str]:
        """Names that a question may be addressed to: auto, and the models of the catalogue."""
        return [AUTO, *(spec.id for spec in self.lab.catalogue.specs())]

    def ask(self, question: str, model: str = AUTO) -> None:
        """Ask in the background (`job.wait()`); the answer grows in the last turn."""
        if self.job.running:
            return
        self.message = "" if question.strip() else "type a question first"
        if self.message:
            self.notify()
            return
        self.turns.append(Turn(question.strip()))
        self._answer(model)

    def regenerate(self, model: str = AUTO) -> None:
        """Answer the last question again, perhaps by another model; earlier answers are kept."""
        if self.turns and not self.job.running:
            self._answer(model)

    def clear(self) -> None:
        """Start a new conversation with the same files."""
        self.job.stop()
        self.job.wait()
        self.turns = []
        self.notify()

    def to_dict(self) -> dict[str, Any]:
        """Write the conversation as JSON has it."""
        return {
            "turns": [
                {
                    "question": turn.question,
                    "answers": [
                        {
                            "text": a.text,
                            "model": a.model,
                            "why": a.route.reason if a.route else None,
                            "read": list(a.context.used),
                            "usage": a.usage.to_openai(),
                            "cost_usd": a.cost_usd,
                            "note": a.note,
                        }
                        for a in turn.answers
                    ],
                }
                for turn in self.turns
            ],
            "files": [file.name for file in self.intake.files],
            "tokens": self.tokens,
            "cost_usd": self.cost_usd,
        }

    def to_markdown(self) -> str:
        """Write the conversation as Markdown, with the sources of each answer."""
        blocks = []
        for turn in self.turns:
            sources = "".join(f"\n- {label}" for label in turn.answer.context.used)
            blocks.append(f"**{turn.question}**\n\n{turn.answer.text}\n\n*{turn.answer.model}*{sources}")
        return "\n\n---\n\n".join(blocks) + "\n"

    def _answer(self, model: str) -> None:
        answer = Answer(model)
        self.turns[-1].answers.append(answer)
        request = ChatRequest(tuple(self._messages()), model=model, options=self.options)

        finished = threading.Event()

        async def stream() -> None:
            try:
                await self._stream(request, answer)
            finally:
                finished.set()

        def work() -> str:
            future = self.lab.submit(stream())
            self.job.cancel_with(future.cancel)
            try:
                future.result()
            except CancelledError:
                finished.wait(_END_S)  # until its usage is known
                answer.note = STOPPED
                return STOPPED
            except Exception as error:
                answer.note = f"{'the answer broke off' if answer.text else 'no answer'}: {describe_error(error)}"
                raise
            return ""

        self.job.start(work, "reading")

    def _messages(self) -> Iterable[Message]:
        """Make the messages of a request: earlier turns that were answered, and the last question."""
        for turn in self.turns[:-1]:
            if turn.answer.text:
                yield Message("user", turn.question)
                yield Message("assistant", turn.answer.text)
        yield Message("user", self.turns[-1].question)

    async def _stream(self, request: ChatRequest, answer: Answer) -> None:
        attachments = await self.lab.attach(self.intake.files)
        stream = self.lab.pipeline.stream(request, attachments)
        try:
            async with aclosing(stream):
                async for chunk in stream:
                    if not answer.model:
                        answer.model, answer.route, answer.context = stream.model, stream.route, stream.context
                        answer.sources = _texts_by_label(stream.context.used, [a.document for a in attachments])
                    answer.text += chunk.content
                    self.job.report(words=f"{answer.model} writes")
        finally:
            answer.usage, answer.route = stream.usage, stream.route
            answer.first_token_s = stream.first_token_s
            if answer.model:
                spec = self.lab.catalogue.get(answer.model).describe()
                answer.cost_usd = answer.usage.cost_usd(spec)


def _texts_by_label(labels: Iterable[str], documents: Iterable[Document]) -> dict[str, str]:
    texts: dict[str, str] = {}
    for document in documents:
        for part in document.parts:
            label = f"{document.name}, {part.label}"
            texts[label] = f"{texts[label]}\n\n{part.text}" if label in texts else part.text
    return {label: texts.get(label, "") for label in labels}
