"""A spread over whole documents: from each stretch the sentences that say most, where all of it does not fit."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from math import log
from typing import TYPE_CHECKING, NamedTuple

from autopicker_lab.core import Part
from autopicker_lab.core.places import PlaceIndex
from autopicker_lab.core.sentences import sentences
from autopicker_lab.core.tokens import estimate_tokens
from autopicker_lab.retrieval.ngrams import words

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from autopicker_lab.retrieval.passages import Passage

EXCERPT_TOKENS = 45
_LEADS = 0.5  # what the first sentence of a stretch is worth beside its rare words, whose mean is 1


class Salient(NamedTuple):
    """The sentence of a passage that says most: how much (1 is usual), and where it begins."""

    worth: float
    start: int


def salient(passages: Sequence[Passage]) -> list[Salient]:
    """The sentence of each passage that says most: its words are rare among all, or it opens a Part or a section."""
    said = [sentences(passage.part.text) for passage in passages]
    each = [
        [words(passage.part.text[start:stop]) for start, stop in spans]
        for passage, spans in zip(passages, said, strict=True)
    ]
    rarity = _rarity(each)
    found = []
    for passage, spans, told in zip(passages, said, each, strict=True):
        worths = [
            Salient(rarity(sentence) + (_LEADS if _opens(passage, start) else 0.0), start)
            for sentence, (start, _) in zip(told, spans, strict=True)
        ]
        found.append(max(worths, key=lambda one: one.worth, default=Salient(-1.0, 0)))
    return found


def spread(passages: Sequence[Passage], worth: Sequence[Salient], budget: int, label_tokens: int) -> list[Passage]:
    """Excerpts from all over some passages in reading order, at most `budget` tokens with so many for each label.

    The passages are divided into stretches of the same length, as many as there is room for; of each the sentence that
    says most is kept, with those after it that fit.

    Args:
        worth: the sentence of each passage that says most.
    """
    if not passages:
        return []
    count = max(1, min(len(passages), budget // (EXCERPT_TOKENS + label_tokens)))
    each = max(budget // count - label_tokens, 1)
    best = (max(stretch, key=lambda i: worth[i].worth) for stretch in _stretches(passages, count))
    return [_excerpt(passages[i], worth[i].start, each) for i in best if worth[i].worth >= 0]


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


def _rarity(passages: Sequence[Sequence[Sequence[str]]]) -> Callable[[Sequence[str]], float]:
    """How rare the words of a sentence are, among passages of sentences of words; what is said often says little."""
    counts = Counter(word for passage in passages for word in {word for sentence in passage for word in sentence})
    total = log(1 + len(passages))
    rare = {word: 2 * (total - log(1 + count)) / (total or 1.0) for word, count in counts.items()}

    def of(sentence: Sequence[str]) -> float:
        found = [rare[word] for word in sentence if len(word) > 1]
        return sum(found) / len(found) if found else 0.0

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
