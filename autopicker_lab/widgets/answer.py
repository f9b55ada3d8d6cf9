"""An answer of the chat panel, as it grows."""

from __future__ import annotations

from dataclasses import dataclass, field

from autopicker_lab.core import AnswerSources, ContextReport, Route, Usage
from autopicker_lab.widgets.parts import GrowingMarkdown


@dataclass
class Answer:
    """An answer to a question, which grows as it comes.

    Attributes:
        requested: the model that was asked for, or "auto".
        model: the one that answers; "" until that is known.
        sources: texts of the Parts that the model was given, by the label they are cited by.
        own_usd: by the catalogue's prices. earlier_usd: of what a cascade, or the reading of files, asked
            before.
        cited: which sentences of the text stand where, when it has ended.
        first_token_s, total_s: seconds until the first token, and until the end; None before.
        note: how it ended, where it did not end well.
        growing: its HTML while it grows.
    """

    requested: str
    text: str = ""
    model: str = ""
    route: Route | None = None
    context: ContextReport = field(default_factory=ContextReport)
    sources: dict[str, str] = field(default_factory=dict)
    usage: Usage = field(default_factory=Usage)
    own_usd: float = 0.0
    earlier_usd: float = 0.0
    cited: AnswerSources = field(default_factory=AnswerSources)
    first_token_s: float | None = None
    total_s: float | None = None
    note: str = ""
    growing: GrowingMarkdown = field(default_factory=GrowingMarkdown, repr=False, compare=False)

    @property
    def cost_usd(self) -> float:
        """What it has cost, with what was asked before it."""
        return self.own_usd + self.earlier_usd
