"""The model of the chat panel: questions about files, answers as they come, and their sources."""

from __future__ import annotations

import asyncio
import random
import threading
from concurrent.futures import CancelledError
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import ChatRequest, Document, Message
from autopicker_lab.routing import AUTO
from autopicker_lab.widgets.answer import Answer
from autopicker_lab.widgets.expecting import expecting
from autopicker_lab.widgets.parts import Intake, Job, PanelModel, describe_error
from autopicker_lab.widgets.parts.job import STOPPED
from autopicker_lab.widgets.votes import Vote, keep_vote

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from autopicker_lab.workbench import Workbench

_END_S = 2.0  # seconds in which a stopped answer must report its usage


@dataclass
class Turn:
    """A turn of the conversation: a question and its answers, one of which counts.

    Attributes:
        compared: whether its last two answers are of two models side by side, unnamed until one is voted for.
        vote: which of these is better; None before the vote.
        counts: index of the answer that later questions build upon.
    """

    question: str
    answers: list[Answer] = field(default_factory=list)
    compared: bool = False
    vote: Vote | None = None
    counts: int = -1

    @property
    def answer(self) -> Answer:
        """The answer that counts: of two that were compared the better one, else the last."""
        return self.answers[self.counts]

    @property
    def awaits_vote(self) -> bool:
        """Whether two answers stand side by side, of two models, both with something to judge."""
        first, second = self.answers[-2:] if self.compared else (Answer(""), Answer(""))
        return self.vote is None and bool(first.text and second.text) and first.model != second.model

    @property
    def same_model_words(self) -> str:
        """Why there is nothing to vote on, where both answers are of one model; else ""."""
        one, other = self.answers[-2:] if self.compared else (Answer("1"), Answer("2"))
        if not one.model or one.model != other.model:
            return ""
        led = (
            f"{AUTO} led to {one.model}, too" if AUTO in (one.requested, other.requested) else "one model has two names"
        )
        return f"Nothing to vote on: {led}. Choose another model, or add one below"


@dataclass
class ConversationModel(PanelModel):
    """The state of the chat panel, without widgets.

    Attributes:
        intake: files that all questions are about.
        options: OpenAI's options of every question (max_tokens, temperature ...).
        votes: of this panel, as the two models that were compared and what was said of them.
    """

    lab: Workbench
    intake: Intake = field(default_factory=lambda: Intake(several=True))
    turns: list[Turn] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)
    votes: list[tuple[tuple[str, str], Vote]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.job = Job(self.notify)
        self.intake.listeners.append(self.notify)
        self.intake.listeners.append(expecting(self.lab, self.intake))

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
            turn = self.turns[-1]
            turn.compared, turn.counts = False, -1
            self._answer(model)

    def compare(self, question: str, models: tuple[str, str]) -> None:
        """Ask two models the same at once; which is which is told after the vote."""
        if self.job.running:
            return
        sides = list(models)
        if not question.strip():
            self.message = "type a question first"
        else:
            self.message = "" if sides[0] != sides[1] else "choose two models that differ"
        if self.message:
            self.notify()
            return
        random.shuffle(sides)
        self.turns.append(Turn(question.strip(), compared=True))
        self._answer(*sides)

    def vote(self, vote: Vote) -> None:
        """Say which of two compared answers is better: an outcome of each, kept in `votes_path`."""
        turn = self.turns[-1] if self.turns else None
        if turn is None or not turn.awaits_vote or self.job.running:
            return

        def keep() -> None:
            keep_vote(self.votes_path, tuple(self._messages()), turn.answers[-2:], vote)
            turn.vote, turn.counts = vote, -2 if vote is Vote.FIRST else -1
            first, second = turn.answers[-2:]
            self.votes.append(((first.model, second.model), vote))

        self.act(keep, f"kept in {self.votes_path}: a table of outcomes, which `autopicker tune` reads")

    @property
    def standing(self) -> dict[str, tuple[int, int]]:
        """Of each model that was voted on in this panel: how often it was good, and how often it was compared."""
        found: dict[str, tuple[int, int]] = {}
        for models, vote in self.votes:
            for model, score in zip(models, vote.value, strict=True):
                good, of = found.get(model, (0, 0))
                found[model] = (good + int(score), of + 1)
        return found

    @property
    def votes_path(self) -> Path:
        """The file that votes are appended to."""
        return self.lab.settings.autopicker_home / "votes.jsonl"

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

    def _answer(self, *models: str) -> None:
        """Ask models at once; where all fail, the job does."""
        answers = [Answer(model) for model in models]
        self.turns[-1].answers += answers
        messages = tuple(self._messages())
        finished = threading.Event()

        async def stream() -> None:
            try:
                await asyncio.gather(*(one(answer) for answer in answers))
            finally:
                finished.set()

        async def one(answer: Answer) -> None:
            try:
                await self._stream(ChatRequest(messages, model=answer.requested, options=self.options), answer)
            except Exception as error:
                answer.note = f"{'the answer broke off' if answer.text else 'no answer'}: {describe_error(error)}"
                if all(answer.note for answer in answers):
                    raise

        def work() -> str:
            future = self.lab.submit(stream())
            self.job.cancel_with(future.cancel)
            try:
                future.result()
            except CancelledError:
                finished.wait(_END_S)  # until its usage is known
                for answer in answers:
                    answer.note = answer.note or ("" if answer.total_s else STOPPED)
                return STOPPED
            return self.turns[-1].same_model_words

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
                    self.job.report(words="two models write" if self.turns[-1].compared else f"{answer.model} writes")
        finally:
            answer.usage, answer.route, answer.cited = stream.usage, stream.route, stream.sources
            answer.first_token_s, answer.total_s = stream.first_token_s, stream.total_s
            if answer.model:
                spec = self.lab.catalogue.get(answer.model).describe()
                answer.own_usd = answer.usage.cost_usd(spec)
            answer.earlier_usd = stream.context.calls_usd + (stream.cascade.earlier_usd if stream.cascade else 0.0)


def _texts_by_label(labels: Iterable[str], documents: Iterable[Document]) -> dict[str, str]:
    texts: dict[str, str] = {}
    for document in documents:
        for part in document.parts:
            label = f"{document.name}, {part.label}"
            texts[label] = f"{texts[label]}\n\n{part.text}" if label in texts else part.text
    return {label: texts.get(label, "") for label in labels}
