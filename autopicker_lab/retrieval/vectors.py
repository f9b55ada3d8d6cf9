"""Vectors of passages, made in the background and kept by the content of what they are of."""

from __future__ import annotations

import hashlib
import logging
import queue
import threading
import time
from typing import TYPE_CHECKING, Any

from autopicker_lab.runtime.lru_cache import LRUCache
from autopicker_lab.runtime.progress import report_progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from autopicker_lab.retrieval.encoder import Encoder
    from autopicker_lab.runtime.progress import Progress

    Floats = np.ndarray[Any, np.dtype[np.float32]]

log = logging.getLogger(__name__)
_ROOM_BYTES = 128 * 2**20
_AT_ONCE = 16  # passages that the encoder is given
_LOOK_S = 0.1
_REST_S = 60.0  # after a failure, before the encoder is asked again


class VectorStore:
    """Vectors by an encoder; texts that have none yet are queued for a thread, which ends with the process."""

    def __init__(self, encoder: Encoder, room_bytes: int = _ROOM_BYTES):
        self.encoder = encoder
        self._kept: LRUCache[Any] = LRUCache(room_bytes, lambda vector: int(vector.nbytes) + 64)
        self._queue: queue.SimpleQueue[list[tuple[bytes, str]]] = queue.SimpleQueue()
        self._queued: set[bytes] = set()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._rests_until = 0.0

    def of(self, texts: Sequence[str], wait_s: float = 0.0, progress: Progress | None = None) -> Floats | None:
        """Vectors of all texts, shape (texts, dimensions); None where they are not all made in time.

        Args:
            wait_s: how long to wait for those that are missing.
            progress: told how many there are, of how many; False stops waiting.
        """
        import numpy as np

        keys = [hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).digest() for text in texts]
        self._ask(keys, texts)
        until = time.monotonic() + wait_s
        while True:
            found = [vector for key in keys if (vector := self._kept.get(key)) is not None]
            if len(found) == len(keys):
                return np.stack(found) if found else None
            if time.monotonic() >= until or self.is_resting or not report_progress(progress, len(found), len(keys)):
                return None
            time.sleep(_LOOK_S)

    @property
    def is_resting(self) -> bool:
        """Whether the encoder failed a moment ago, and is left alone."""
        return time.monotonic() < self._rests_until

    def failed(self, error: Exception) -> None:
        """Leave the encoder alone for a while."""
        log.warning("encoder %s failed, search goes on by words: %s", self.encoder.name, type(error).__name__)
        self._rests_until = time.monotonic() + _REST_S

    def _ask(self, keys: Sequence[bytes], texts: Sequence[str]) -> None:
        if self.is_resting:
            return
        with self._lock:
            wanted = {k: t for k, t in zip(keys, texts, strict=True) if k not in self._queued}
            pairs = [(key, text) for key, text in wanted.items() if self._kept.get(key) is None]
            self._queued.update(key for key, _ in pairs)
            for start in range(0, len(pairs), _AT_ONCE):
                self._queue.put(pairs[start : start + _AT_ONCE])
            if pairs and self._thread is None:
                self._thread = threading.Thread(target=self._work, name="autopicker-vectors", daemon=True)
                self._thread.start()

    def _work(self) -> None:
        while True:
            batch = self._queue.get()
            if not self.is_resting:
                try:
                    vectors = self.encoder.passages([text for _, text in batch])
                    for (key, _), vector in zip(batch, vectors, strict=True):
                        self._kept.put(key, vector)
                except Exception as error:  # an encoder may fail in any way; search by words goes on
                    self.failed(error)
            with self._lock:
                self._queued.difference_update(key for key, _ in batch)
