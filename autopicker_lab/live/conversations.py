"""After which step each conversation began, known to all workers, so that it stays with its policy."""

from __future__ import annotations

import sqlite3
import struct
import threading
import time
from collections import OrderedDict
from contextlib import closing
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from autopicker_lab.runtime.batch_writer import BatchWriter
from autopicker_lab.runtime.circuit_breaker import STORE_POLICY, CircuitBreaker
from autopicker_lab.runtime.shared_database import open_shared_database
from autopicker_lab.storage.redis_client import open_redis

if TYPE_CHECKING:
    from pathlib import Path

    from autopicker_lab.core import ChatRequest
    from autopicker_lab.settings import Settings

KEPT_S = 86_400  # seconds after its last question that a conversation is remembered
_HERE = 50_000
FLUSH_S = 0.2
_BUSY_S = 10.0
_first = struct.Struct(">q").unpack_from
_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name GLOB 'begun*' ORDER BY name DESC"


class Begun(NamedTuple):
    """A conversation, and the number of the step after which it began; 0: before any."""

    conversation: int
    step: int


class _Store(Protocol):
    def remember(self, begun: list[Begun]) -> None: ...

    def recall(self, conversation: int) -> int | None: ...

    def close(self) -> None: ...


def is_begun(request: ChatRequest) -> bool:
    """Whether a request goes on with a conversation."""
    for message in request.messages:  # noqa: SIM110  # a third of what any() takes, for each request
        if message.role == "assistant":
            return True
    return False


def conversation_of(request: ChatRequest, caller: str) -> int:
    """What a conversation is known by: 64 bits of a hash of its caller and of all up to its first question.

    Conversations of one caller that begin alike are one here. Stores keep this number, and workers of several versions
    may share one: it stays what it is.
    """
    known = [caller]
    for message in request.messages:
        role, content = message.role, message.content
        known += role, content if type(content) is str else message.text
        if role == "user":
            break
    text = "\0".join(known).encode("utf-8", "surrogatepass")
    return int(_first(sha256(text).digest())[0])


class Conversations:
    """When conversations began: those of this process at hand, those of the others in the store that they share."""

    def __init__(self, settings: Settings):
        redis = open_redis(settings.redis_url) if settings.enable_redis_cache else None
        path = settings.autopicker_home / "conversations.sqlite"
        self._store: _Store = _SqliteStore(path) if redis is None else _RedisStore(redis)
        self._here: OrderedDict[int, tuple[int, int, bool]] = OrderedDict()  # step, day last asked, is stored
        self._batch: BatchWriter[Begun] = BatchWriter("conversations", self._store.remember, FLUSH_S)
        self._breaker = CircuitBreaker(STORE_POLICY, "the store of conversations", "knowing those of this process")

    def here(self, conversation: int) -> int | None:
        """The step after which a conversation began, as far as this process knows; None where it does not."""
        known = self._here.get(conversation)
        return None if known is None else known[0]

    def recall(self, conversation: int) -> int | None:
        """The same by the store; None for a conversation that was not kept there. May wait for the store."""
        if self._breaker.resting_s():
            return None
        try:
            found = self._store.recall(conversation)
        except Exception as error:  # whatever the store raises
            self._breaker.failed(error)
            return None
        self._breaker.succeeded()
        return found

    def remember(self, conversation: int, step: int, *, store: bool) -> None:
        """Keep when a conversation began; on the event loop.

        Args:
            store: whether other processes would take it to have begun when it has got another policy.
        """
        here, today = self._here, int(time.time() // KEPT_S)
        before = here.get(conversation)
        store = store or (before is not None and before[0] != step)
        if before is not None and before[:2] == (step, today) and (before[2] or not store):
            here.move_to_end(conversation)
            return
        here[conversation] = step, today, store
        if len(here) > _HERE:
            here.popitem(last=False)
        if store:
            self._batch.add(Begun(conversation, step))

    def close(self) -> None:
        """Write what waits."""
        self._batch.close()
        self._store.close()


class _SqliteStore:
    """A table a day, so that a day is forgotten at once."""

    def __init__(self, path: Path):
        self._path = path
        self._lock = threading.Lock()
        self._db: sqlite3.Connection | None = None
        self._table = ""

    def remember(self, begun: list[Begun]) -> None:
        try:
            with self._lock, self._opened() as db:
                self._turn_over(db)
                rows = sorted(dict(begun).items())  # neighbours are written together
                db.executemany(f"INSERT OR REPLACE INTO {self._table} VALUES (?, ?)", rows)
        except sqlite3.Error:
            self.close()  # the next one opens it anew
            raise

    def _turn_over(self, db: sqlite3.Connection) -> None:
        """Begin the table of today, and forget those before yesterday's."""
        today = int(time.time() // KEPT_S)
        if self._table != _table(today):
            db.execute(f"CREATE TABLE IF NOT EXISTS {_table(today)} (conversation INTEGER PRIMARY KEY, step INTEGER)")
            for (name,) in db.execute(_TABLES).fetchall():
                if name < _table(today - 1):
                    db.execute(f"DROP TABLE IF EXISTS {name}")  # another worker may have
            self._table = _table(today)

    def _opened(self) -> sqlite3.Connection:
        if self._db is None:
            self._db = open_shared_database(self._path, _BUSY_S)
            self._table = ""
        return self._db

    def recall(self, conversation: int) -> int | None:
        if not self._path.exists():
            return None
        with self._lock, closing(sqlite3.connect(self._path, timeout=2)) as db:
            for (name,) in db.execute(_TABLES).fetchall():
                if name > _table(0):  # one of an earlier version has no steps
                    query = f"SELECT step FROM {name} WHERE conversation = ?"
                    if (row := db.execute(query, (conversation,)).fetchone()) is not None:
                        return int(row[0])
        return None

    def close(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None


def _table(day: int) -> str:
    """The name of a day's table; the later the day, the greater."""
    return f"begun_{day:06}"


class _RedisStore:
    def __init__(self, client: Any):
        self._client = client

    def remember(self, begun: list[Begun]) -> None:
        with self._client.pipeline() as steps:
            for conversation, step in begun:
                steps.set(f"autopicker:begun:{conversation}", step, ex=2 * KEPT_S)  # written once a day, as above
            steps.execute()

    def recall(self, conversation: int) -> int | None:
        found = self._client.get(f"autopicker:begun:{conversation}")
        return None if found is None else int(found)

    def close(self) -> None:
        self._client.close()
