"""An answer: ChatReply, and the ContextReport on what was read for it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from autopicker_lab.core.chunk import Usage, count_characters
from autopicker_lab.core.citations import AnswerSources, ReadPassage
from autopicker_lab.core.ids import new_id
from autopicker_lab.core.show import html_table, html_text
from autopicker_lab.core.values import quickly_made

if TYPE_CHECKING:
    from collections.abc import Mapping

    from autopicker_lab.core.cascade_trace import CascadeCall, CascadeTrace
    from autopicker_lab.core.routing import Route

_NO_SOURCES = AnswerSources()


@dataclass(frozen=True)
class ContextReport:
    """Which passages of which files the model was given, and what did not fit.

    Attributes:
        used: labels of the passages in the prompt, as cited ("report.pdf, page 3").
        left_out: one line a file that did not fit whole, with the share that was left out.
        tokens: of the file context, estimated.
        passages: what the model was given, in order.
        coverage: of each file, the share (0 to 1) of its text that was given.
        method: how they were chosen: "all" (everything fits), "place", "near", "spread" or "steps" (the whole was read
            in steps, and the model was given the notes); "" without files.
        encoder: of vectors by which they were found, too; "" for words alone.
        question: what the files were searched for, where that is not the question as it was asked.
        calls: of models for this, whose answers were not given; the caller's budget was charged `charged_usd` for them.
    """

    used: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    tokens: int = 0
    warnings: tuple[str, ...] = ()
    passages: tuple[ReadPassage, ...] = field(default=(), repr=False)
    coverage: tuple[tuple[str, float], ...] = ()
    method: str = ""
    encoder: str = ""
    question: str = ""
    calls: tuple[CascadeCall, ...] = ()
    charged_usd: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """What was read and what was left out, as JSON can hold it; the passages' texts are not told."""
        return {
            "used": list(self.used),
            "left_out": list(self.left_out),
            "warnings": list(self.warnings),
            "coverage": [{"file": name, "share": round(share, 4)} for name, share in self.coverage],
            "method": self.method or None,
            "encoder": self.encoder or None,
            **({"searched_for": self.question} if self.question else {}),
            **({"calls": [call.to_dict() for call in self.calls]} if self.calls else {}),
        }

    @property
    def calls_usd(self) -> float:
        """What the calls have cost."""
        return sum(call.cost_usd for call in self.calls)


@quickly_made
@dataclass(frozen=True)
class ChatReply:
    """An answer with its provenance.

    Attributes:
        model: catalogue id of the model that answered.
        raw: the provider's own chat.completion object, or what its stream adds up to: fields that have no name here,
            and further choices, stand in it.
        route: how it was chosen; None for a model that was asked directly.
        first_token_s, total_s: seconds from the request to the first token and to the end.
        cascade: what a cascade did before this answer; `usage` is that of the call that answered.
        sources: which sentences stand in the files that were read.
    """

    text: str
    model: str
    finish_reason: str = "stop"
    usage: Usage = field(default_factory=Usage)
    message: Mapping[str, Any] = field(default_factory=dict)
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)
    route: Route | None = None
    context: ContextReport = ContextReport()
    first_token_s: float | None = None
    total_s: float | None = None
    id: str = field(default_factory=lambda: f"chatcmpl-{new_id()}")
    created: int = field(default_factory=lambda: int(time.time()))
    cascade: CascadeTrace | None = None
    sources: AnswerSources = _NO_SOURCES

    def with_route(
        self, route: Route, context: ContextReport, total_s: float, cascade: CascadeTrace | None = None
    ) -> ChatReply:
        """The reply of a model with how it was chosen and what it was given; as `replace`, but sooner."""
        reply: ChatReply = object.__new__(ChatReply)
        reply.__dict__.update(self.__dict__, route=route, context=context, total_s=total_s, cascade=cascade)
        return reply

    @property
    def fallback_used(self) -> bool:
        """Whether the chosen model failed and another answered."""
        return self.route is not None and self.route.model != self.model

    @property
    def characters(self) -> int:
        """How many characters the model said, in all choices."""
        choices = self.raw.get("choices")
        if not isinstance(choices, list):
            return count_characters(self.message or self.text)
        return sum([count_characters(choice.get("message")) for choice in choices if isinstance(choice, dict)])

    @property
    def texts(self) -> list[str]:
        """The text of each choice; "" for one that has none."""
        choices = self.raw.get("choices")
        if not isinstance(choices, list):
            return [self.text]
        return [str((choice.get("message") or {}).get("content") or "") for choice in choices]

    @property
    def score(self) -> float | None:
        """Complexity of the request, 0 to 100."""
        return self.route.complexity.score if self.route else None

    def to_dict(self) -> dict[str, Any]:
        """One JSON object: text, model, route, what was read, times in seconds."""
        return {
            "text": self.text,
            "model": self.model,
            "score": self.score,
            "usage": self.usage.to_openai(),
            "finish_reason": self.finish_reason,
            "reason": self.route.reason if self.route else None,
            **({"cascade": self.cascade.to_dict()} if self.cascade else {}),
            "context": {name: value for name, value in self.context.to_dict().items() if name != "warnings"},
            **self.sources.to_dict(),
            "warnings": list(self.context.warnings),
            "first_token_s": self.first_token_s,
            "total_s": self.total_s,
        }

    def _repr_html_(self) -> str:
        rows: list[tuple[str, object]] = [("model", self.model)]
        if self.route:
            rows += [("complexity", f"{self.route.complexity.score:.0f} of 100"), ("why", self.route.reason)]
        rows += [("read", label) for label in self.context.used]
        rows += [(f"[{c.number}] {c.file}, {c.part}", c.quote) for c in self.sources.citations]
        rows += [("not from the files", self.text[start:stop].strip()) for start, stop in self.sources.unsupported]
        rows += [("left out", line) for line in self.context.left_out]
        rows += [("note", line) for line in self.context.warnings]
        return html_text(self.text) + html_table(["", ""], rows)
