"""Retriever: which passages of some documents a model is to be given for a question, within a budget of tokens."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any

from autopicker_lab.core.text import clip
from autopicker_lab.core.tokens import estimate_tokens
from autopicker_lab.retrieval.chosen import ChosenPassage, Retrieved
from autopicker_lab.retrieval.index import IndexCache, PassageIndex
from autopicker_lab.retrieval.intent import intent_of
from autopicker_lab.retrieval.mentions import mentions_of, term_counted
from autopicker_lab.retrieval.named import files_named, passages_named
from autopicker_lab.retrieval.nearness import Nearness, asked_before, conversation, nearest_first, nearness
from autopicker_lab.retrieval.passages import Passage, passages_of
from autopicker_lab.retrieval.rows import rows_of
from autopicker_lab.retrieval.spread import spread
from autopicker_lab.retrieval.sums import sums_of
from autopicker_lab.retrieval.vectors import VectorStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import numpy as np

    from autopicker_lab.core import Document, Message
    from autopicker_lab.retrieval.encoder import Encoder
    from autopicker_lab.retrieval.intent import Intent
    from autopicker_lab.runtime.progress import Progress

    Ints = np.ndarray[Any, np.dtype[np.int64]]

LABEL_TOKENS = 8  # of a passage's label, beside its own words
_BREAK_TOKENS = 1  # between passages
_MARK = "0a1b2c"  # as long as the word that labels carry
_LABEL_CHARACTERS = 300
_TELLING = 8  # characters for each token of the budget: of a long text they tell that it does not fit
_FILLED = 0.95  # of the budget: estimates of tokens may be short
_MOST_REFUSED = 8  # passages that are too long for what is left, before the next are not tried
_WAIT_S = 120.0  # that a question in another language than the files waits for their vectors


class Retriever:
    """Finds passages for questions; indexes are kept by the content of the documents, so the second question is quick.

    Safe for several threads.

    Args:
        encoder: makes vectors in the background, which are used when they are ready; None: words alone.
        wait_s: how long a question in another language than the files waits for them; one in theirs waits, within
            that, a second or two for those of the passages that are nearest by words.
    """

    def __init__(self, encoder: Encoder | None = None, wait_s: float = _WAIT_S) -> None:
        self._indexes = IndexCache()
        self._vectors = VectorStore(encoder) if encoder else None
        self._wait_s = wait_s

    def prepare(self, documents: Sequence[Document], wait_s: float = 0.0, progress: Progress | None = None) -> bool:
        """Make documents ready before a question comes: their passages now, their vectors in the background.

        Args:
            wait_s: how long to wait for the vectors.
            progress: told how many there are, of how many; False stops waiting.

        Returns:
            Whether all is ready.
        """
        index = self._indexes.of(documents)
        if self._vectors is None or not index.texts:
            return True
        return index.vectors(self._vectors, wait_s, progress) is not None

    def expect(self, document: Document) -> None:
        """Have vectors of a document made in the background, before it is asked about; without an encoder nothing."""
        if self._vectors is not None:
            self._vectors.expect(lambda: [passage.said for passage in passages_of(document)])

    def select(
        self,
        question: str | Sequence[Message],
        documents: Sequence[Document],
        budget: int,
        count: Callable[[str], int] = estimate_tokens,
        progress: Progress | None = None,
    ) -> Retrieved:
        """The passages for the last question of a conversation, at most about `budget` tokens with their labels.

        Args:
            question: the question, or the messages of which it is the last.
            documents: what may be read.
            count: tokens of a text.
            progress: told of passages that have vectors, where the question waits for them; False: go on without.
        """
        asking = conversation(question)
        if (everything := _everything(documents, budget, count)) is not None:
            return everything
        index = self._indexes.of(documents)

        def near(waits: bool) -> Nearness:
            return nearness(index, asking, self._vectors, self._wait_s if waits else 0.0, progress)

        intent = intent_of(asking[0][0], asked_before(question))
        found = _Choice(index, asking[0][0], intent, int(budget * _FILLED), count, near).made()
        held = _held(found, index)
        return replace(found, coverage=_coverage(held, index), left_out=_left_out(held, index, found.method))


def _everything(documents: Sequence[Document], budget: int, count: Callable[[str], int]) -> Retrieved | None:
    """All Parts of all documents; None where they do not fit."""
    parts: list[Passage] = []
    spent = 0
    for number, document in enumerate(documents):
        for index, part in enumerate(document.parts):
            if not part.text.strip():
                continue
            spent += _label_cost(document.name, part.label, count)
            begin = part.text[: _TELLING * max(budget, 1)]
            tokens = count(begin)
            if spent + tokens > budget:
                return None
            spent += tokens if len(begin) == len(part.text) else count(part.text)
            if spent > budget:
                return None
            parts.append(Passage(number, index, part))
    return Retrieved(tuple(ChosenPassage(passage, "all") for passage in parts), (1.0,) * len(documents))


class _Choice:
    """One choice of passages."""

    def __init__(
        self,
        index: PassageIndex,
        question: str,
        intent: Intent,
        budget: int,
        count: Callable[[str], int],
        nearness: Callable[[bool], Nearness],
    ):
        self._index = index
        self._question = question
        self._budget = budget
        self._count = count
        self._nearness = nearness
        self._intent = intent

    def made(self) -> Retrieved:
        """By the places that the question names, the whole of what it is about, or what is near to it."""
        files = files_named(self._question, self._index.documents) if len(self._index.documents) > 1 else []
        allowed = self._index.rows_of(files)
        here = [self._index.passages[i] for i in allowed] if files else self._index.passages
        at = [int(allowed[i]) for i in passages_named(self._intent, self._question, here)]
        if (self._intent.whole or self._intent.all_of) and not at:
            return self._spread(allowed)
        return self._near(at, allowed)

    def _spread(self, allowed: Ints) -> Retrieved:
        """Something of everything, and how many rows a table has."""
        sums = self._sums(allowed)
        chosen: list[ChosenPassage] = []
        files = self._different(allowed)
        lengths = {number: self._index.lengths[number] for number in files}
        for number in files:
            share = self._budget * lengths[number] // sum(lengths.values())
            passages, name = self._index.passages_in(number), self._index.documents[number].name
            label = max((_label_cost(name, one.part.label, self._count) for one in passages[-1:]), default=0)
            excerpts = spread(passages, self._index.worth_in(number), share, label)
            chosen += [ChosenPassage(excerpt, "spread") for excerpt in excerpts]
        chosen += sums
        return Retrieved(tuple(chosen), method="spread")

    def _near(self, at: Sequence[int], allowed: Ints) -> Retrieved:
        """The passages at the places named, then those nearest to the question."""
        near = self._nearness(not at)
        scores = near.total
        leads_first = sorted(at, key=lambda i: (not self._index.passages[i].leads, -scores[i]))
        beside = [*self._sums(allowed), *self._rows(allowed)]
        fits = sum(map(self._cost, at)) <= self._budget
        nearest = (int(allowed[i]) for i in nearest_first(scores[allowed]))
        places = ((i, "place") for i in (at if fits else leads_first))
        kept = self._fitting(chain(places, ((i, "near") for i in nearest)), least=0 if beside else 1)
        chosen = [ChosenPassage(self._index.passages[i], kept[i], *_told(near, i)) for i in sorted(kept)]
        chosen += beside
        notes = (f"found by words alone: {near.note}",) if near.note and not at else ()
        encoder = near.encoder_name if any(one.why == "near" for one in chosen) else ""
        return Retrieved(tuple(chosen), method="place" if at else "near", warnings=notes, encoder=encoder)

    def _sums(self, allowed: Ints) -> list[ChosenPassage]:
        """What is computed of tables, and counted in texts, where it leaves room for more than itself."""
        found: list[Passage] = []
        term = term_counted(self._question)
        for n in self._different(allowed):
            document = self._index.documents[n]
            if term and (counted := mentions_of(term, document, n)):
                found.append(counted)
            elif self._intent.total or self._intent.whole or self._intent.all_of:
                found += sums_of(self._question, document, self._index.tables_in(n), n)
        cost = sum(map(self._cost_of, found))
        if cost > self._budget // 2:
            return []
        self._budget -= cost
        return [ChosenPassage(passage, "computed") for passage in found]

    def _rows(self, allowed: Ints) -> list[ChosenPassage]:
        """Rows that the question names of tables that do not show them all, within half of what is left."""
        found: list[ChosenPassage] = []
        least = self._budget - self._budget // 2

        def fits(passage: Passage) -> bool:
            return self._budget - self._cost_of(passage) >= least

        for number in self._different(allowed):
            for passage in rows_of(self._question, self._intent, self._index.tables_in(number), number, fits):
                self._budget -= self._cost_of(passage)
                found.append(ChosenPassage(passage, "place"))
        return found

    def _different(self, allowed: Ints) -> list[int]:
        """Of which documents some passages are; of those with the same content the first."""
        numbers = self._index.numbers_of(allowed)
        first = {self._index.contents[number]: number for number in reversed(numbers)}
        return sorted(first.values())

    def _fitting(self, order: Iterable[tuple[int, str]], least: int) -> dict[int, str]:
        """The first passages of an order that fit the budget, each with why; the `least` first ones in any case."""
        kept: dict[int, str] = {}
        texts: set[tuple[object, str]] = set()
        labels: set[tuple[int, str]] = set()
        spent = refused = 0
        for i, why in order:
            passage = self._index.passages[i]
            content = (self._index.contents[passage.document], passage.part.text)
            if i in kept or content in texts:
                continue
            label = (passage.document, passage.part.label)
            cost = self._cost(i, label in labels)
            if len(kept) >= least and spent + cost > self._budget:
                refused += 1
                if refused == _MOST_REFUSED:
                    break
                continue
            kept[i] = why
            texts.add(content)
            labels.add(label)
            spent += cost
        return kept

    def _cost(self, i: int, is_labelled: bool = False) -> int:
        """Tokens of a passage, with its label, which passages of the same one share."""
        passage = self._index.passages[i]
        return self._count(passage.part.text) + _BREAK_TOKENS if is_labelled else self._cost_of(passage)

    def _cost_of(self, passage: Passage) -> int:
        name = self._index.documents[passage.document].name
        return self._count(passage.part.text) + _label_cost(name, passage.part.label, self._count)


def _label_cost(name: str, label: str, count: Callable[[str], int]) -> int:
    """Tokens of the line that a passage stands under, with the break before it."""
    return count(f"[{_MARK} 00: {clip(f'{name}, {label}', _LABEL_CHARACTERS)}]") + _BREAK_TOKENS


def _told(near: Nearness, i: int) -> tuple[float, dict[str, float]]:
    """The score of a passage from 0, and those that it is made of."""
    kinds = {"lexical": float(near.lexical[i]) / (float(near.lexical.max()) or 1.0)}
    if near.encoder is not None and near.encoder[i] == near.encoder[i]:  # no NaN: it has a vector
        kinds["encoder"] = float(near.encoder[i])
    return float(near.total[i] - min(float(near.total.min()), 0.0)), kinds


def _held(found: Retrieved, index: PassageIndex) -> list[list[Passage]]:
    """The passages of each document that are given, be it as those of another with the same content."""
    by_content: dict[object, dict[tuple[str, str], Passage]] = {}
    for chosen in found.passages:
        part, content = chosen.passage.part, index.contents[chosen.passage.document]
        by_content.setdefault(content, {}).setdefault((part.label, part.text), chosen.passage)
    return [list(by_content.get(content, {}).values()) for content in index.contents]


def _coverage(held: Sequence[Sequence[Passage]], index: PassageIndex) -> tuple[float, ...]:
    given = (sum(len(passage.part.text) for passage in passages) for passages in held)
    return tuple(min(1.0, g / max(len(d.text), 1)) for g, d in zip(given, index.documents, strict=True))


def _left_out(held: Sequence[Sequence[Passage]], index: PassageIndex, method: str) -> tuple[str, ...]:
    lines = []
    for number, (document, passages) in enumerate(zip(index.documents, held, strict=True)):
        count = index.count_in(number)
        if len(passages) < count or method == "spread":
            labels = clip(", ".join(dict.fromkeys(passage.part.label for passage in passages)), _LABEL_CHARACTERS)
            lines.append(
                f"{document.name}: {count - len(passages)} of {count} passages left out (read: {labels or 'none'})"
            )
    return tuple(lines)
