"""How near passages are to a question: by words, and by meaning where an encoder's vectors are there."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from autopicker_lab.core.text import ends
from autopicker_lab.retrieval.language import is_in_other_letters
from autopicker_lab.retrieval.vectors import finite

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np

    from autopicker_lab.core import Message
    from autopicker_lab.retrieval.index import PassageIndex
    from autopicker_lab.retrieval.vectors import VectorStore
    from autopicker_lab.runtime.progress import Progress

    Floats = np.ndarray[Any, np.dtype[np.float32]]

Asking = list[tuple[str, float]]
_READ = 4_000  # characters of a question's beginning and end that passages are compared with
_FADES = 0.5  # what an earlier question weighs of the one after it
_EARLIER = 3  # questions and answers before the last one that are read
_FEWEST = 10  # passages of a script that have a mean and a deviation of their own
_FIRST, _FIRST_S = 32, 1.5  # passages nearest by words whose vectors are made first, and what a question waits for them
_ENCODED = 2  # of what was said that an encoder reads
_SORTED = 1_000  # passages at once; most budgets are filled by fewer
_TRIES = 2  # to compare passages with a question: the second after vectors of another length were forgotten
_NOT_READY = "the files' vectors are not ready"
_UNEQUAL = "the encoder makes vectors of another length of a question than of passages"


@dataclass(frozen=True)
class Nearness:
    """How near each passage is.

    Attributes:
        total: what passages are ranked by, shape (passages,); without an encoder `lexical`.
        lexical: BM25 of n-grams, 0 where nothing is shared.
        encoder: cosine of the vectors, NaN for a passage that has none yet; None where there are none.
        encoder_name: of the encoder that made them; "" where there are none.
        note: why there are none, where a question seems to be in another language than the files; else "".
    """

    total: Floats
    lexical: Floats
    encoder: Floats | None = None
    encoder_name: str = ""
    note: str = ""


def conversation(question: str | Sequence[Message]) -> Asking:
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


def asked_before(question: str | Sequence[Message]) -> list[str]:
    """What was asked before the last question of a conversation, the oldest first."""
    if isinstance(question, str):
        return []
    asked = [message.text for message in question if message.role == "user" and message.text.strip()]
    return [ends(text, _READ) for text in asked[-_EARLIER - 1 : -1]]


def nearness(
    index: PassageIndex, asking: Asking, store: VectorStore | None, wait_s: float, progress: Progress | None = None
) -> Nearness:
    """How near each passage of an index is to what is asked.

    Both kinds of score are made comparable (mean 0, deviation 1) and added up, the lexical one weighed by the share of
    the question's n-grams that stand in the files at all, so that in another language the encoder decides. Until all
    vectors are made, those of the passages that are nearest by words are, while the question waits for a moment.

    Args:
        wait_s: how long a question in another language than the files may wait for vectors that are being made; one in
            theirs waits no longer than a moment.
    """
    import numpy as np

    lexical = np.zeros(len(index.passages), np.float32)
    for text, weight in asking:
        lexical += np.float32(weight) * index.lexical.scores(text)
    known = index.lexical.known_share(asking[0][0])
    which = _foreign_to(index, asking[0][0], known)
    if store is None:
        missing = f"the question may be in another language than {which}, and no encoder is installed" if which else ""
        return Nearness(lexical, lexical, note=missing)
    found = _compared(index, asking, store, lexical, wait_s, bool(which), progress)
    if isinstance(found, str):
        return Nearness(lexical, lexical, note=found)
    rows, cosines = found
    near = np.full(len(lexical), np.nan, np.float32)
    near[rows] = cosines
    total = np.float32(known) * _standard(lexical) + _within(near, index.script_of_passages)
    return Nearness(total, lexical, near, store.encoder.name)


def nearest_first(scores: Floats) -> Iterator[int]:
    """The numbers of passages by their scores, of the same in their order; most are sorted only when asked for."""
    import numpy as np

    least = np.partition(scores, -_SORTED)[-_SORTED] if len(scores) > _SORTED else -np.inf
    for some in (np.flatnonzero(scores >= least), np.flatnonzero(scores < least)):
        yield from some[(-scores[some]).argsort(kind="stable")].tolist()


def _compared(
    index: PassageIndex,
    asking: Asking,
    store: VectorStore,
    lexical: Floats,
    wait_s: float,
    is_foreign: bool,
    progress: Progress | None,
) -> tuple[Any, Floats] | str:
    """Which passages have vectors, and their cosines with what is asked; a note where words alone are to decide."""
    import numpy as np

    for _ in range(_TRIES):
        every = index.vectors(store, wait_s if is_foreign else 0.0, progress)
        made = None if every is None else (np.arange(len(every)), every)
        if made is None and not is_foreign:
            nearest = np.array(list(islice(nearest_first(lexical), _FIRST)))
            made = index.vectors_of(store, nearest, min(_FEWEST, len(nearest)), min(wait_s, _FIRST_S))
        asked = None if made is None else _asked(asking, store)
        if made is None or asked is None:
            return _NOT_READY if is_foreign else ""
        if made[1].shape[1] == len(asked):
            return made[0], made[1] @ asked
        store.keep_only(len(asked))
    store.failed(ValueError(_UNEQUAL))
    return _UNEQUAL


def _foreign_to(index: PassageIndex, question: str, known_grams: float) -> str:
    """What a question is in another language than, in words; "" where it is in theirs."""
    if index.vocabulary.is_foreign(question, known_grams, index.lexical.vocabulary):
        return "the files"
    return "some of the files" if is_in_other_letters(question, index.scripts) else ""


def _asked(asking: Asking, store: VectorStore) -> Floats | None:
    """The vector of what is asked, with what was said before; None where the encoder fails, or has just failed."""
    if store.is_resting:
        return None
    try:
        vectors = [weight * finite(store.encoder.question(text)) for text, weight in asking[:_ENCODED] if text.strip()]
        return sum(vectors[1:], vectors[0]) if vectors else None
    except Exception as error:  # an encoder may fail in any way; search by words goes on
        store.failed(error)
        return None


def _within(near: Floats, scripts: Sequence[str]) -> Floats:
    """Cosines made comparable within each script: an encoder finds what is in a question's own language nearer.

    What has no vector yet counts as the farthest.
    """
    import numpy as np

    made = np.flatnonzero(~np.isnan(near))
    if not len(made):
        return np.zeros(len(near), np.float32)
    found, names = _standard(near[made]), np.array(scripts)[made]
    for name in set(names):
        rows = np.flatnonzero(names == name)
        if _FEWEST <= len(rows) < len(names):
            found[rows] = _standard(near[made][rows])
    if len(made) == len(near):
        return found
    total = np.full(len(near), found.min(), np.float32)
    total[made] = found
    return total


def _standard(scores: Floats) -> Floats:
    found: Floats = (scores - scores.mean()) / (scores.std() or 1)
    return found
