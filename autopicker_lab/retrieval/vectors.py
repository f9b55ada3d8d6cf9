"""Vectors of passages, made in the background and kept by the content of what they are of."""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections import Counter, deque
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from autopicker_lab.runtime.lru_cache import LRUCache
from autopicker_lab.runtime.progress import report_progress

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np

    from autopicker_lab.retrieval.encoder import Encoder
    from autopicker_lab.runtime.progress import Progress

    Floats = np.ndarray[Any, np.dtype[np.float32]]

log = logging.getLogger(__name__)
_ROOM_BYTES = 128 * 2**20
_MOST_EXPECTED = 100  # files that wait; of one that comes then, vectors are made when it is asked about
_AT_ONCE, _AT_ONCE_S = 16, 0.25  # passages that the encoder is given, at most, and what they should take
_VECTOR_BYTES = 4 * 384 + 64  # until one is made
_PASSED_ON = 0.5  # of what the last passages took each, to what is expected of the next
_TELL_S = 0.05  # between two reports of progress, while nothing is made
_REST_S = 60.0  # after a failure, before the encoder is asked again


class VectorStore:
    """Vectors by an encoder; texts that have none yet are queued for a thread, which ends with the process.

    Those of the few passages that a question looks at first go before those of all that one waits for, and these before
    those of files that nobody has asked about yet.
    """

    def __init__(self, encoder: Encoder, room_bytes: int = _ROOM_BYTES):
        self.encoder = encoder
        self._room_bytes = room_bytes
        self._kept: LRUCache[Any] = LRUCache(room_bytes, _weight)  # all of one length
        self._length: int | None = None
        self._few: dict[bytes, str] = {}
        self._wanted: Counter[bytes] = Counter()  # how many questions wait for one of the few
        self._urgent: dict[bytes, str] = {}
        self._queued: dict[bytes, str] = {}
        self._expected: deque[Callable[[], Sequence[str]]] = deque()
        self._changed = threading.Condition()
        self._batches = 0
        self._thread: threading.Thread | None = None
        self._rests_until = 0.0
        self._is_warm = False
        self._each_s: float | None = None
        self._each_bytes = _VECTOR_BYTES

    def of(self, texts: Sequence[str], wait_s: float = 0.0, progress: Progress | None = None) -> Floats | None:
        """Vectors of all texts, shape (texts, dimensions); None where they are not all made in time, or are too many.

        Args:
            wait_s: how long to wait for those that are missing.
            progress: told how many there are, of how many; False stops waiting.
        """
        import numpy as np

        if not self.has_room(len(texts)):
            return None
        keys = [_key(text) for text in texts]
        until = time.monotonic() + wait_s
        asked: object = None
        while True:
            batches, kept = self._batches, self._kept
            if kept is not asked:
                self._ask(keys, texts, self._urgent if wait_s > 0 else self._queued)
                asked = kept
            found = [vector for key in keys if (vector := kept.get(key)) is not None]
            if len(found) == len(keys):
                if keys:
                    report_progress(progress, len(found), len(keys))
                return np.stack(found) if found else None
            if not self._comes(batches, until, partial(report_progress, progress, len(found), len(keys))):
                return None

    def few(self, texts: Sequence[str], least: int, wait_s: float) -> dict[int, Floats]:
        """Vectors of a few texts by their numbers: those that there are, once all are there or the time is over.

        Where fewer than `least` could be made in the time, by what others took, nothing is waited for.

        Args:
            wait_s: seconds, at most.

        Returns:
            By the number of its text, each vector, shape (dimensions,).
        """
        keys = [_key(text) for text in texts]
        with self._changed:
            self._wanted.update(set(keys))
        try:
            return self._few_made(keys, texts, least, time.monotonic() + wait_s)
        finally:
            with self._changed:
                for key in set(keys):  # those that come after do not stand behind what nobody waits for
                    self._wanted[key] -= 1
                    if not self._wanted[key]:
                        del self._wanted[key]
                        self._few.pop(key, None)

    def _few_made(self, keys: Sequence[bytes], texts: Sequence[str], least: int, until: float) -> dict[int, Floats]:
        asked: object = None
        while True:
            batches, kept = self._batches, self._kept
            if kept is not asked:
                self._ask(keys, texts, self._few)
                asked = kept
            found = {i: vector for i, key in enumerate(keys) if (vector := kept.get(key)) is not None}
            needs = min(least, len(keys)) - len(found)

            def may_be(needs: int = needs) -> bool:
                return needs * (self._each_s or 0.0) <= until - time.monotonic()

            if len(found) == len(keys) or not self._comes(batches, until, may_be):
                return found

    def _comes(self, batches: int, until: float, goes_on: Callable[[], bool]) -> bool:
        """Wait until more than so many batches are made; False where the time is over, or it does not go on."""
        while time.monotonic() < until and not self.is_resting and goes_on():
            with self._changed:
                wait_s = min(_TELL_S, until - time.monotonic())
                if self._changed.wait_for(lambda: self._batches > batches, wait_s):
                    return True
        return False

    def has_room(self, count: int) -> bool:
        """Whether vectors of so many texts can be kept at once."""
        return count * self._each_bytes <= self._room_bytes

    def expect(self, texts: Callable[[], Sequence[str]]) -> None:
        """Make vectors of texts when nobody waits for others; `texts` is called then, in the thread that makes them."""
        with self._changed:
            if len(self._expected) < _MOST_EXPECTED:
                self._expected.append(texts)
            self._begin()

    @property
    def kept(self) -> object:
        """What stands for the vectors that are kept: another one after they were forgotten."""
        return self._kept

    def keep_only(self, length: int) -> None:
        """Forget vectors of another length: another model made them, as where one was replaced under its name."""
        with self._changed:
            if self._length not in (None, length):
                self._kept = LRUCache(self._room_bytes, _weight)
            self._length = length

    @property
    def is_resting(self) -> bool:
        """Whether the encoder failed a moment ago, and is left alone."""
        return time.monotonic() < self._rests_until

    def failed(self, error: Exception) -> None:
        """Leave the encoder alone for a while."""
        log.warning("encoder %s failed, search goes on by words: %s", self.encoder.name, type(error).__name__)
        self._rests_until = time.monotonic() + _REST_S

    def _ask(self, keys: Sequence[bytes], texts: Sequence[str], queue: dict[bytes, str]) -> None:
        """Queue texts that have no vector."""
        if self.is_resting:
            return
        missing = {key: text for key, text in zip(keys, texts, strict=True) if self._kept.get(key) is None}
        if missing:
            with self._changed:
                queue.update(missing)
                self._begin()

    def _begin(self) -> None:
        """Have the thread look; under the lock."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="autopicker-vectors", daemon=True)
            self._thread.start()
        self._changed.notify_all()  # questions wait, too

    def _next(self) -> list[tuple[bytes, str]]:
        """The texts whose turn it is, which stay queued until they have vectors; waits for some."""
        with self._changed:
            self._changed.wait_for(lambda: self._few or self._urgent or self._queued or self._expected)
            queue = self._few or self._urgent or self._queued
            if queue:
                return list(islice(queue.items(), self._at_once))
            expected = self._expected.popleft()
        try:
            pairs = [(_key(text), text) for text in expected()]
        except Exception as error:  # the thread must live on
            log.warning("vectors of a file were not begun: %s", type(error).__name__)
            return []
        if self.has_room(len(pairs)):
            with self._changed:
                self._queued.update(pairs)
        return []

    @property
    def _at_once(self) -> int:
        """How many texts take the encoder a moment: a question's few do not wait for more of a file."""
        if self._each_s is None:
            return 1
        return min(max(int(_AT_ONCE_S / max(self._each_s, 1e-6)), 1), _AT_ONCE)

    def _work(self) -> None:
        while True:
            batch = self._next()
            missing = [pair for pair in batch if self._kept.get(pair[0]) is None]
            if missing and not self.is_resting:
                try:
                    self._make(missing)
                except Exception as error:  # an encoder may fail in any way; search by words goes on
                    self.failed(error)
            with self._changed:
                for key, _ in batch:
                    for queue in (self._few, self._urgent, self._queued):
                        queue.pop(key, None)
                self._batches += 1
                self._changed.notify_all()

    def _make(self, missing: Sequence[tuple[bytes, str]]) -> None:
        """Make vectors and keep them, and remember what each took and takes."""
        begun = time.monotonic()
        vectors = self.encoder.passages([text for _, text in missing])
        each = (time.monotonic() - begun) / len(missing)
        if self._is_warm:  # the first ones wait for the encoder to load
            self._each_s = each if self._each_s is None else self._each_s + _PASSED_ON * (each - self._each_s)
        self._is_warm = True
        self.keep_only(len(vectors[0]))
        for (key, _), vector in zip(missing, vectors, strict=True):
            self._each_bytes = _weight(vector)
            self._kept.put(key, finite(vector))


def finite(vector: Floats) -> Floats:
    """A vector, shape (dimensions,); of an encoder that makes other than finite numbers ValueError."""
    import numpy as np

    if not np.isfinite(vector).all():
        raise ValueError("the encoder made a vector that is not finite")
    return vector


def _weight(vector: Any) -> int:
    return int(vector.nbytes) + 64


def _key(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).digest()
