"""Retriever: which passages of some documents a model is to be given for a question, within a budget of tokens."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from autopicker_lab.core.text import clip, ends
from autopicker_lab.core.tokens import estimate_tokens
from autopicker_lab.retrieval.index import IndexCache, PassageIndex
from autopicker_lab.retrieval.intent import intent_of
from autopicker_lab.retrieval.named import files_named, passages_named
from autopicker_lab.retrieval.passages import Passage
from autopicker_lab.retrieval.spread import spread

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np

    from autopicker_lab.core import Document, Message

    Floats = np.ndarray[Any, np.dtype[np.float32]]

LABEL_TOKENS = 8  # of a passage's label, beside its own words
_LABEL_CHARACTERS = 300
_FILLED = 0.95  # of the budget: estimates of tokens may be short
_MOST_REFUSED = 8  # passages that are too long for what is left, before the next are not tried
_READ = 4_000  # characters of a question's beginning and end that passages are compared with
_FADES = 0.5  # what an earlier question weighs of the one after it
_EARLIER = 3  # questions and answers before the last one that are read


@dataclass(frozen=True)
class ChosenPassage:
    """A passage that a model is given.

    Attributes:
        why: "all" (everything fits), "place" (the question names where it stands), "near", "spread" (from all over).
        score: how near it is to the question, from 0, of the kinds in `scores` together.
        scores: by kind: "lexical", BM25 of n-grams, as a share of the best.
    """

    passage: Passage
    why: str
    score: float = 0.0
    scores: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Retrieved:
    """What a model is to be given, in reading order, and what was left out.

    Attributes:
        coverage: of each document, by its number: the share (0 to 1) of its text that is given.
        method: how the passages were chosen: "all", "place", "near" or "spread".
        left_out: one line a document that is not given whole.
        warnings: one line for each thing that the question names and that is not there.
    """

    passages: tuple[ChosenPassage, ...] = ()
    coverage: tuple[float, ...] = ()
    method: str = "all"
    left_out: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class Retriever:
    """Finds passages for questions; indexes are kept by the content of the documents, so the second question is quick.

    Safe for several threads.
    """

    def __init__(self) -> None:
        self._indexes = IndexCache()

    def select(
        self,
        question: str | Sequence[Message],
        documents: Sequence[Document],
        budget: int,
        count: Callable[[str], int] = estimate_tokens,
    ) -> Retrieved:
        """The passages for the last question of a conversation, at most about `budget` tokens with their labels.

        Args:
            question: the question, or the messages of which it is the last.
            documents: what may be read.
            count: tokens of a text.
        """
        asking = conversation(question)
        if (everything := _everything(documents, budget, count)) is not None:
            return everything
        index = self._indexes.of(documents)
        found = _Choice(index, asking, int(budget * _FILLED), count).made()
        return replace(found, coverage=_coverage(found, documents), left_out=_left_out(found, index))


def _everything(documents: Sequence[Document], budget: int, count: Callable[[str], int]) -> Retrieved | None:
    """All Parts of all documents; None where they do not fit."""
    parts = [
        Passage(number, index, part)
        for number, document in enumerate(documents)
        for index, part in enumerate(document.parts)
        if part.text.strip()
    ]
    spent = 0
    for passage in parts:
        spent += count(passage.part.text) + LABEL_TOKENS
        if spent > budget:
            return None
    return Retrieved(tuple(ChosenPassage(passage, "all") for passage in parts), (1.0,) * len(documents))


def conversation(question: str | Sequence[Message]) -> list[tuple[str, float]]:
    """The last question with weight 1, and what was said before it, weighing less the older it is."""
    if isinstance(question, str):
        return [(ends(question, _READ), 1.0)]
    said = [message for message in question if message.role in ("user", "assistant") and message.text.strip()]
    while said and said[-1].role != "user":
        said.pop()
    found, weight = [], 1.0
    for message in reversed(said[-2 * _EARLIER - 1 :]):
        if message.role == "user":
            found.append((ends(message.text, _READ), weight))
            weight *= _FADES
        else:
            found.append((ends(message.text, _READ), weight * _FADES))
    return found or [("", 1.0)]


class _Choice:
    """One choice of passages."""

    def __init__(
        self, index: PassageIndex, asking: Sequence[tuple[str, float]], budget: int, count: Callable[[str], int]
    ):
        self._index = index
        self._question = asking[0][0]
        self._asking = asking
        self._budget = budget
        self._count = count
        self._intent = intent_of(self._question)

    def made(self) -> Retrieved:
        """By the places that the question names, the whole of what it is about, or what is near to it."""
        names = [passage.document for passage in self._index.passages]
        files = files_named(self._question, self._index.documents) if len(self._index.documents) > 1 else []
        allowed = [i for i, document in enumerate(names) if not files or document in files]
        here = [self._index.passages[i] for i in allowed]
        at = [allowed[i] for i in passages_named(self._intent, self._question, here)]
        if (self._intent.whole or self._intent.all_of) and not at:
            return self._spread(allowed)
        return self._near(at, allowed)

    def _spread(self, allowed: Sequence[int]) -> Retrieved:
        """Something of everything."""
        chosen: list[ChosenPassage] = []
        by_file: dict[int, list[int]] = {}
        for i in allowed:
            by_file.setdefault(self._index.passages[i].document, []).append(i)
        lengths = {
            number: sum(len(self._index.passages[i].part.text) for i in held) for number, held in by_file.items()
        }
        for number, held in by_file.items():
            share = self._budget * lengths[number] // sum(lengths.values())
            passages = [self._index.passages[i] for i in held]
            label = estimate_tokens(self._index.documents[number].name) + LABEL_TOKENS
            chosen += [ChosenPassage(excerpt, "spread") for _, excerpt in spread(passages, share, label)]
        return Retrieved(tuple(chosen), method="spread")

    def _near(self, at: Sequence[int], allowed: Sequence[int]) -> Retrieved:
        """The passages at the places named, then those nearest to the question."""
        scores = self._scores()
        best = float(scores.max()) or 1.0
        leads_first = sorted(at, key=lambda i: (not self._index.passages[i].leads, -scores[i]))
        fits = sum(map(self._cost, at)) <= self._budget
        order = [(i, "place") for i in (at if fits else leads_first)]
        order += [(i, "near") for i in sorted(allowed, key=lambda i: -scores[i])]
        kept = self._fitting(order)
        chosen = [
            ChosenPassage(self._index.passages[i], kept[i], float(scores[i]), {"lexical": float(scores[i]) / best})
            for i in sorted(kept)
        ]
        return Retrieved(tuple(chosen), method="place" if at else "near")

    def _fitting(self, order: Sequence[tuple[int, str]]) -> dict[int, str]:
        """The first passages of an order that fit the budget, each with why; the first one in any case."""
        kept: dict[int, str] = {}
        texts: set[tuple[int, str]] = set()
        spent = refused = 0
        for i, why in order:
            passage = self._index.passages[i]
            if i in kept or (passage.document, passage.part.text) in texts:
                continue
            cost = self._cost(i)
            if kept and spent + cost > self._budget:
                refused += 1
                if refused == _MOST_REFUSED:
                    break
                continue
            kept[i] = why
            texts.add((passage.document, passage.part.text))
            spent += cost
        return kept

    def _cost(self, i: int) -> int:
        passage = self._index.passages[i]
        label = f"{self._index.documents[passage.document].name}, {passage.part.label}"
        return self._count(passage.part.text) + LABEL_TOKENS + len(label[:_LABEL_CHARACTERS]) // 4

    def _scores(self) -> Floats:
        import numpy as np

        total = np.zeros(len(self._index.passages), np.float32)
        for text, weight in self._asking:
            total += np.float32(weight) * self._index.lexical.scores(text)
        return total


def _coverage(found: Retrieved, documents: Sequence[Document]) -> tuple[float, ...]:
    given = [0] * len(documents)
    for chosen in found.passages:
        given[chosen.passage.document] += len(chosen.passage.part.text)
    return tuple(min(1.0, g / max(len(d.text), 1)) for g, d in zip(given, documents, strict=True))


def _left_out(found: Retrieved, index: PassageIndex) -> tuple[str, ...]:
    lines = []
    for number, document in enumerate(index.documents):
        held = [c.passage for c in found.passages if c.passage.document == number]
        count = sum(passage.document == number for passage in index.passages)
        if len(held) < count or found.method == "spread":
            labels = clip(", ".join(dict.fromkeys(passage.part.label for passage in held)), _LABEL_CHARACTERS)
            lines.append(
                f"{document.name}: {count - len(held)} of {count} passages left out (read: {labels or 'none'})"
            )
    return tuple(lines)
