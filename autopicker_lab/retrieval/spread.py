"""A spread over whole documents: from each stretch the sentences that say most, where all of it does not fit."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from math import log
from typing import TYPE_CHECKING

from autopicker_lab.core import Part
from autopicker_lab.core.passages import sentences
from autopicker_lab.core.places import PlaceIndex
from autopicker_lab.core.tokens import estimate_tokens
from autopicker_lab.retrieval.ngrams import words

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from autopicker_lab.retrieval.passages import Passage

EXCERPT_TOKENS = 45
_LEADS = 0.5  # what the first sentence of a stretch is worth beside its rare words, whose mean is 1


def spread(passages: Sequence[Passage], budget: int, label_tokens: int) -> list[tuple[int, Passage]]:
    """Excerpts from all over some passages, at most `budget` tokens with so many for the label of each.

    The passages are divided into stretches of the same length, as many as there is room for; of each the sentence that
    says most (its words are rare, it opens the stretch) is kept, with those after it that fit.

    Returns:
        Which passage each excerpt is from, and the excerpt, in reading order.
    """
    if not passages:
        return []
    count = max(1, min(len(passages), budget // (EXCERPT_TOKENS + label_tokens)))
    each = max(budget // count - label_tokens, 1)
    rarity = _rarity(passages)
    found = []
    for stretch in _stretches(passages, count):
        if best := _best_sentence(stretch, passages, rarity):
            found.append((best[0], _excerpt(passages[best[0]], best[1], each)))
    return found


def _best_sentence(
    stretch: Sequence[int], passages: Sequence[Passage], rarity: Callable[[str], float]
) -> tuple[int, int] | None:
    """In which passage, and from where, the sentence of a stretch stands that says most."""

    def worth(at: tuple[int, int, int]) -> float:
        passage = passages[at[0]]
        return rarity(passage.part.text[at[1] : at[2]]) + (_LEADS if _opens(passage, at[1]) else 0.0)

    every = ((i, start, stop) for i in stretch for start, stop in sentences(passages[i].part.text))
    best = max(every, key=worth, default=None)
    return (best[0], best[1]) if best else None


def _opens(passage: Passage, start: int) -> bool:
    """Whether a Part or a section begins here, but for its heading."""
    before = passage.part.text[:start]
    return (passage.leads or before.lstrip().startswith("#")) and all(
        line.startswith("#") or not line.strip() for line in before.splitlines()
    )


def _stretches(passages: Sequence[Passage], count: int) -> list[list[int]]:
    """The passages in `count` runs of about the same length."""
    total = sum(len(passage.part.text) for passage in passages) or 1
    runs: list[list[int]] = [[] for _ in range(count)]
    passed = 0
    for i, passage in enumerate(passages):
        runs[min(passed * count // total, count - 1)].append(i)
        passed += len(passage.part.text)
    return [run for run in runs if run]


def _rarity(passages: Sequence[Passage]) -> Callable[[str], float]:
    """How rare the words of a sentence are among all, mean 1; what is said over and over says little."""
    counts = Counter(word for passage in passages for word in set(words(passage.part.text)))
    highest = log(1 + len(passages))

    def of(sentence: str) -> float:
        found = [word for word in words(sentence) if len(word) > 1]
        if not found:
            return 0.0
        return (
            sum(log((1 + len(passages)) / (1 + counts[word])) for word in found) / len(found) / max(highest, 1e-9) * 2
        )

    return of


def _excerpt(passage: Passage, start: int, tokens: int) -> Passage:
    """The passage from `start` on, as many whole sentences as fit; of a longer first one its begin."""
    text = passage.part.text
    stop = start
    for _, end in sentences(text):
        if end > start and (stop == start or estimate_tokens(text[start:end]) <= tokens):
            stop = end
    if estimate_tokens(text[start:stop]) > tokens:
        stop = start + max(int((stop - start) * tokens / estimate_tokens(text[start:stop])), 1)
    places = PlaceIndex(text, passage.part.places).within(start, stop)
    return replace(passage, part=Part(passage.part.label, text[start:stop].strip(), places=places))
