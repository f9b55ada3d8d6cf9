"""Files into a model's token budget: whole where they fit, the passages nearest to the question where not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from autopicker_lab.chat.fence import defuse, fence_mark
from autopicker_lab.core import ContextReport, Document, Part
from autopicker_lab.core.text import clip
from autopicker_lab.core.tokens import estimate_tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autopicker_lab.core import Message
    from autopicker_lab.retrieval import Retriever

_LABEL_CHARACTERS = 300


@dataclass(frozen=True)
class Context:
    """Text to put before a question, and the report on which passages it consists of.

    Attributes:
        mark: a word that stands in no passage: the labels of passages and the text's begin and end carry it.
    """

    text: str
    report: ContextReport
    mark: str

    def before(self, question: str) -> str:
        """The prompt: the text, whose end is where the mark says so and nowhere else, and the question after it."""
        text = f"Text {self.mark}:\n{self.text}\nEnd of text {self.mark}"
        return f"Answer the question from the text.\n\n{text}\n\nQuestion: {question}"


def fit(documents: Sequence[Document], question: str | Sequence[Message], budget: int, retriever: Retriever) -> Context:
    """Cite `documents` in at most about `budget` tokens, each passage under its file and Part.

    Args:
        question: the question, or the messages of which it is the last.
    """
    readable = [document for document in documents if document.text.strip()]
    warnings = tuple(f"{document.name}: no text was found in it" for document in documents if document not in readable)
    found = retriever.select(question, readable, budget)
    chosen: list[list[Part]] = [[] for _ in readable]
    for one in found.passages:
        chosen[one.passage.document].append(one.passage.part)
    return _context(readable, chosen, found.left_out, warnings + found.warnings)


def _context(
    documents: Sequence[Document],
    chosen: Sequence[Sequence[Part]],
    left_out: tuple[str, ...],
    warnings: tuple[str, ...],
) -> Context:
    texts = [[defuse(part.text) for part in parts] for parts in chosen]
    mark = fence_mark([text for file in texts for text in file])
    blocks = []
    used: dict[str, None] = {}
    for document, parts, passages in zip(documents, chosen, texts, strict=True):
        for part, passage in zip(parts, passages, strict=True):
            label = clip(f"{document.name}, {part.label}", _LABEL_CHARACTERS)
            blocks.append(passage if label in used else f"[{mark} {defuse(label)}]\n{passage}")
            used[label] = None
    text = "\n\n".join(blocks)
    return Context(text, ContextReport(tuple(used), left_out, estimate_tokens(text), warnings), mark)
