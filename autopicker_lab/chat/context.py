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

    from autopicker_lab.chat.relevance import Ranker

PASSAGE_TOKENS = 120
OPENING_TOKENS = 1000
_HEADING_TOKENS = 15
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


def fit(documents: Sequence[Document], question: str, budget: int, ranker: Ranker) -> Context:
    """Cite `documents` in at most about `budget` tokens, each passage under its file and Part."""
    readable = [document for document in documents if document.text.strip()]
    warnings = tuple(f"{document.name}: no text was found in it" for document in documents if document not in readable)
    costs = [_cost(part) for document in readable for part in document.parts]
    if sum(costs) <= budget:
        chosen = [[part for part in document.parts if part.text.strip()] for document in readable]
        return _context(readable, chosen, (), warnings)
    chosen = []
    left_out = []
    for document, share in zip(readable, _shares(readable, budget), strict=True):
        parts, line = _select(document, question, share, ranker)
        chosen.append(parts)
        left_out += [line] if line else []
    return _context(readable, chosen, tuple(left_out), warnings)


def _cost(part: Part) -> int:
    return estimate_tokens(part.text) + _HEADING_TOKENS


def _shares(documents: Sequence[Document], budget: int) -> list[int]:
    """Split the budget evenly; what a short file does not need goes to the others."""
    needs = [sum(_cost(part) for part in document.parts) for document in documents]
    shares = [0] * len(needs)
    remaining = budget
    for served, i in enumerate(sorted(range(len(needs)), key=needs.__getitem__)):
        shares[i] = min(needs[i], remaining // (len(needs) - served))
        remaining -= shares[i]
    return shares


def _select(document: Document, question: str, budget: int, ranker: Ranker) -> tuple[list[Part], str]:
    """The passages of one file that fit, in the file's order, and a line on what was left out."""
    passages = list(document.chunks(PASSAGE_TOKENS))
    if sum(map(_cost, passages)) <= budget:
        return passages, ""
    relevance = ranker.scores(question, [p.text for p in passages], key=f"{document.sha256}:{document.kind}")
    order = sorted(range(len(passages)), key=lambda i: -relevance[i])
    kept: list[int] = []
    texts: set[str] = set()
    spent = 0
    opening = [0] if budget >= OPENING_TOKENS else []  # titles and abstracts, where there is room for them
    for i in dict.fromkeys([*order[:1], *opening, *order[1:]]):
        cost = _cost(passages[i])
        if (spent + cost > budget and kept) or passages[i].text in texts:
            continue
        kept.append(i)
        texts.add(passages[i].text)
        spent += cost
        if spent >= budget:
            break
    labels = ", ".join(dict.fromkeys(passages[i].label for i in sorted(kept)))
    line = f"{document.name}: {len(passages) - len(kept)} of {len(passages)} passages left out (read: {labels})"
    return [passages[i] for i in sorted(kept)], line


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
