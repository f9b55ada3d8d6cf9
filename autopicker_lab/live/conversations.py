"""Which policy each conversation began with, known to all workers, so that it stays with it."""

from __future__ import annotations

import hashlib
import sqlite3
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from autopicker_lab.runtime.batch_writer import BatchWriter
from autopicker_lab.runtime.circuit_breaker import STORE_POLICY, CircuitBreaker
from autopicker_lab.runtime.lru_cache import LRUCache
from autopicker_lab.runtime.private_files import make_private_file, make_private_folder
from autopicker_lab.storage.redis_client import open_redis

if TYPE_CHECKING:
    from pathlib import Path

    from autopicker_lab.core import ChatRequest
    from autopicker_lab.settings import Settings

KEPT_S = 86_400  # seconds after its last question that a conversation is remembered
_HERE = 50_000
_FLUSH_S = 0.2
_SWEEP_S = 60
_SCHEMA = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=NORMAL",  # what a power cut takes is a conversation's policy, and the file stays whole
    "CREATE TABLE IF NOT EXISTS begun (conversation TEXT PRIMARY KEY, policy TEXT, at REAL)",
    "CREATE INDEX IF NOT EXISTS by_time ON begun (at)",
)


class Begun(NamedTuple):
    """A conversation and the id of its policy."""

    conversation: str
    policy: str


class _Store(Protocol):
    def remember(self, begun: list[Begun]) -> None: ...

    def recall(self, conversation: str) -> str | None: ...

    def close(self) -> None: ...


def is_begun(request: ChatRequest) -> bool:
    """Whether a request goes on with a conversation."""
    return len(request.messages) > 1 and any(message.role == "assistant" for message in request.messages)


def conversation_of(request: ChatRequest, caller: str) -> str:
    """What a conversation is known by: a hash of its caller and of all up to its first question.

    Conversations of one caller that begin alike are one here.
    """
    known = [caller]
    for message in request.messages:
        known += message.role, message.text
        if message.role == "user":
            break
    return hashlib.sha256("\0".join(known).encode("utf-8", "surrogatepass")).hexdigest()[:32]


class Conversations:
    """The policies of conversations: of this process at hand, of the others in the store that they share."""

    def __init__(self, settings: Settings):
        redis = open_redis(settings.redis_url) if settings.enable_redis_cache else None
        path = settings.autopicker_home / "conversations.sqlite"
        self._store: _Store = _SqliteStore(path) if redis is None else _RedisStore(redis)
        self._here: LRUCache[str] = LRUCache(_HERE)
        self._batch: BatchWriter[Begun] = BatchWriter("conversations", self._store.remember, _FLUSH_S)
        self._breaker = CircuitBreaker(STORE_POLICY, "the store of conversations", "knowing those of this process")

    def here(self, conversation: str) -> str | None:
        """The policy of a conversation as far as this process knows."""
        return self._here.get(conversation)

    def recall(self, conversation: str) -> str | None:
        """The policy of a conversation; None for one that nobody knows. May wait for the store."""
        if self._breaker.resting_s():
            return None
        try:
            found = self._store.recall(conversation)
        except Exception as error:  # whatever the store raises
            self._breaker.failed(error)
            return None
        self._breaker.succeeded()
        return found

    def remember(self, conversation: str, policy: str) -> None:
        """Keep the policy of a conversation."""
        if self._here.get(conversation) != policy:
            self._here.put(conversation, policy)
            self._batch.add(Begun(conversation, policy))

    def close(self) -> None:
        """Write what waits."""
        self._batch.close()
        self._store.close()


class _SqliteStore:
    def __init__(self, path: Path):
        self._path = path
        self._lock = threading.Lock()
        self._db: sqlite3.Connection | None = None
        self._swept_at = 0.0

    def remember(self, begun: list[Begun]) -> None:
        now = time.time()
        try:
            with self._lock, self._opened() as db:
                db.executemany("INSERT OR REPLACE INTO begun VALUES (?, ?, ?)", [(*row, now) for row in begun])
                if now - self._swept_at > _SWEEP_S:
                    db.execute("DELETE FROM begun WHERE at < ?", (now - KEPT_S,))
                    self._swept_at = now
        except sqlite3.Error:
            self.close()  # the next one opens it anew
            raise

    def _opened(self) -> sqlite3.Connection:
        if self._db is None:
            make_private_folder(self._path.parent)
            make_private_file(self._path)
            self._db = sqlite3.connect(self._path, timeout=10, check_same_thread=False)
            for line in _SCHEMA:
                self._db.execute(line)
        return self._db

    def recall(self, conversation: str) -> str | None:
        if not self._path.exists():
            return None
        with self._lock, closing(sqlite3.connect(self._path, timeout=2)) as db:
            row = db.execute("SELECT policy FROM begun WHERE conversation = ?", (conversation,)).fetchone()
        return None if row is None else str(row[0])

    def close(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None


class _RedisStore:
    def __init__(self, client: Any):
        self._client = client

    def remember(self, begun: list[Begun]) -> None:
        with self._client.pipeline() as steps:
            for conversation, policy in begun:
                steps.set(f"autopicker:conversation:{conversation}", policy, ex=KEPT_S)
            steps.execute()

    def recall(self, conversation: str) -> str | None:
        found = self._client.get(f"autopicker:conversation:{conversation}")
        return None if found is None else str(found.decode())

    def close(self) -> None:
        self._client.close()
