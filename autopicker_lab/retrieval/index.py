"""PassageIndex: the passages of some documents, made ready for questions once and kept by the documents' content."""

from __future__ import annotations

import threading
from bisect import bisect_left
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from autopicker_lab.core.text import ends
from autopicker_lab.retrieval.language import Vocabulary, script_shares
from autopicker_lab.retrieval.lexical import LexicalIndex
from autopicker_lab.retrieval.passages import Passage, passages_of
from autopicker_lab.retrieval.spread import Salient, salient
from autopicker_lab.retrieval.tables import CELL_BYTES, IndexedTable, tables_of
from autopicker_lab.runtime.lru_cache import LRUCache

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from autopicker_lab.core import Document
    from autopicker_lab.retrieval.vectors import VectorStore
    from autopicker_lab.runtime.progress import Progress

    Floats = np.ndarray[Any, np.dtype[np.float32]]
    Ints = np.ndarray[Any, np.dtype[np.int64]]

_ROOM_BYTES = 256 * 2**20
_SCRIPTS_READ = 20_000  # characters of a document's beginning and end
_PASSAGE_BYTES = 3_000  # that a passage takes beside its text, with a vector, about


@dataclass(frozen=True)
class PassageIndex:
    """Passages of documents in reading order, and their n-grams counted."""

    documents: Sequence[Document]
    passages: Sequence[Passage]
    lexical: LexicalIndex
    size_bytes: int = 0
    _worth: dict[int, Sequence[Salient]] = field(default_factory=dict)
    _tables: dict[int, Sequence[IndexedTable]] = field(default_factory=dict)
    _vectors: dict[str, tuple[object, Floats]] = field(default_factory=dict)

    @cached_property
    def contents(self) -> list[object]:
        """What tells the content of each document: a file that is there twice is read once."""
        return [
            (one.sha256, one.kind, len(one.text)) if one.sha256 else number for number, one in enumerate(self.documents)
        ]

    @cached_property
    def lengths(self) -> list[int]:
        """Characters of the passages of each document."""
        return [sum(len(one.part.text) for one in self.passages_in(n)) for n in range(len(self.documents))]

    @cached_property
    def _starts(self) -> list[int]:
        """Where the passages of each document begin, and where all end."""
        return [bisect_left(self.passages, n, key=lambda one: one.document) for n in range(len(self.documents) + 1)]

    def passages_in(self, number: int) -> Sequence[Passage]:
        """The passages of one document."""
        return self.passages[self._starts[number] : self._starts[number + 1]]

    def rows_of(self, numbers: Sequence[int]) -> Ints:
        """Which passages are of some documents; of none named, all."""
        import numpy as np

        if not numbers:
            return np.arange(len(self.passages))
        return np.concatenate([np.arange(self._starts[n], self._starts[n + 1]) for n in sorted(numbers)])

    def numbers_of(self, rows: Ints) -> list[int]:
        """Of which documents some passages are, which are in order."""
        import numpy as np

        return np.flatnonzero(np.diff(np.searchsorted(rows, self._starts))).tolist()

    def count_in(self, number: int) -> int:
        """How many passages one document has."""
        return self._starts[number + 1] - self._starts[number]

    def worth_in(self, number: int) -> Sequence[Salient]:
        """The sentence of each passage of a document that says most; found once, in seconds for thousands of pages."""
        if number not in self._worth:
            self._worth[number] = salient(self.passages_in(number))
        return self._worth[number]

    def tables_in(self, number: int) -> Sequence[IndexedTable]:
        """The tables of one document."""
        if number not in self._tables:
            self._tables[number] = tables_of(self.documents[number])
        return self._tables[number]

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """By which a question in another language is told."""
        return Vocabulary.of([passage.part.text for passage in self.passages])

    @cached_property
    def scripts(self) -> list[dict[str, float]]:
        """The shares of scripts in each document that has letters, by which another language of one of many is told."""
        return [one for one in self._shares if one]

    @cached_property
    def script_of_passages(self) -> list[str]:
        """The script of most letters of each passage's document; "" without letters."""
        most = [max(shares, key=shares.__getitem__, default="") for shares in self._shares]
        return [most[passage.document] for passage in self.passages]

    @cached_property
    def _shares(self) -> list[dict[str, float]]:
        return [script_shares(ends(document.text, _SCRIPTS_READ)) for document in self.documents]

    @cached_property
    def texts(self) -> list[str]:
        """What an encoder reads of each passage."""
        return [passage.said for passage in self.passages]

    def vectors(self, store: VectorStore, wait_s: float = 0.0, progress: Progress | None = None) -> Floats | None:
        """Vectors of the passages, kept in one array once they are all made; arguments as of `VectorStore.of`."""
        name, kept = store.encoder.name, store.kept
        known = self._vectors.get(name)
        if known is not None and known[0] is kept:
            return known[1]
        found = store.of(self.texts, wait_s, progress)
        if found is not None:
            self._vectors[name] = (kept, found)
        return found

    def vectors_of(self, store: VectorStore, rows: Ints, least: int, wait_s: float) -> tuple[Ints, Floats] | None:
        """Which of some passages have vectors, and those; None where fewer than `least` are made in time.

        Args:
            rows: the passages, shape (asked,).
            wait_s: seconds, at most.

        Returns:
            The passages, shape (made,), and their vectors, shape (made, dimensions).
        """
        import numpy as np

        found = store.few([self.texts[i] for i in rows], least, wait_s)
        if not found or len(found) < least:
            return None
        return rows[list(found)], np.stack(list(found.values()))

    @classmethod
    def of(cls, documents: Sequence[Document]) -> PassageIndex:
        """Cut and count; some seconds for thousands of pages."""
        passages = [passage for i, document in enumerate(documents) for passage in passages_of(document, i)]
        lexical = LexicalIndex([_told(documents[p.document].name, p) for p in passages])
        text = sum(len(passage.part.text) for passage in passages)
        cells = sum(table.cells for document in documents for table in tables_of(document))
        beside = 2 * text + _PASSAGE_BYTES * len(passages) + CELL_BYTES * cells
        return cls(documents, passages, lexical, lexical.size_bytes + beside)


class IndexCache:
    """The indexes that were used last, within a bound of memory; each is made once, by whoever asks first.

    One that takes more than all the room is kept alone: made anew for each question it would take as much, and seconds.
    """

    def __init__(self, room_bytes: int = _ROOM_BYTES):
        self._kept: LRUCache[PassageIndex] = LRUCache(room_bytes, lambda index: min(index.size_bytes, room_bytes))
        self._lock = threading.Lock()
        self._making: dict[object, threading.Lock] = {}

    def of(self, documents: Sequence[Document]) -> PassageIndex:
        """The index of these documents, in this order."""
        key = tuple((document.sha256, document.name, len(document.text)) for document in documents)
        if not all(document.sha256 for document in documents):
            return PassageIndex.of(documents)
        with self._lock:
            lock = self._making.setdefault(key, threading.Lock())
        with lock:
            index = self._kept.get(key)
            if index is None:
                index = PassageIndex.of(documents)
                self._kept.put(key, index)
        with self._lock:
            self._making.pop(key, None)
        return index


def _told(name: str, passage: Passage) -> str:
    """A passage with where it is from: words of its file's name, label and headings count as its own."""
    return f"{name} {passage.part.label} {passage.path}\n{passage.part.text}"
