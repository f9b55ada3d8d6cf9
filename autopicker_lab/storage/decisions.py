"""Routing decisions and the feedback on them: what tuning can learn from. Without prompts, unless these are wanted."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections import deque
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from autopicker_lab.core import NotFoundError
from autopicker_lab.runtime.batch_writer import BatchWriter
from autopicker_lab.runtime.private_files import make_private_file, make_private_folder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

ANYONE = "*"  # in place of a key's id: whoever runs the service
_TYPES = ("REAL", "TEXT", "INTEGER")
_KEPT_IN_MEMORY = 10_000
_FLUSH_S = 0.5


class Decision(NamedTuple):
    """One answer: who gave it, why, what it took, and how good it was.

    Attributes:
        chat_id: of the completion, `request_id` of the request; feedback may name either.
        created: Unix seconds.
        score: of the feedback, 0 to 1; None while there is none.
        routing_score: what the policy ranked the request by, 0 to 100; None for a model that was named.
        prompt: the question; None unless prompts are kept.
        key_id: of the API key that asked.
        propensities: JSON object of the probability with which each model could have been chosen; None where nothing
            was drawn, or where another model answered than the one that was.
        signals: what its client did without judging it, names with commas between (see `live`): they are no score.
        grade: what a grader gave it, 0 to 1; a `score` that nobody gave is that, and `scored_by` names the grader then.
        features: counts of the question that drift is measured by, as JSON; None where the policy knows none.
    """

    chat_id: str
    request_id: str
    created: float
    model: str
    policy: str | None = None
    complexity: float | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cost_usd: float | None = None
    latency_s: float | None = None
    score: float | None = None
    routing_score: float | None = None
    first_token_s: float | None = None
    prompt: str | None = None
    key_id: str | None = None
    propensities: str | None = None
    signals: str | None = None
    features: str | None = None
    grade: float | None = None
    scored_by: str | None = None


_INTEGERS = frozenset({"prompt_tokens", "completion_tokens"})
_TEXTS = frozenset(
    {"chat_id", "request_id", "model", "policy", "prompt", "key_id", "propensities", "signals", "features", "scored_by"}
)
_COLUMNS = {name: _TYPES[(name in _TEXTS) + 2 * (name in _INTEGERS)] for name in Decision._fields}
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM decisions WHERE created >= ? ORDER BY created"
_INSERT = f"INSERT OR REPLACE INTO decisions ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"


class DecisionLog(Protocol):
    """What keeps decisions."""

    def record(self, decision: Decision) -> None:
        """Keep the decision behind an answer; costs the caller nothing but an append."""

    def feedback(self, request_id: str, score: float, by: str | None = ANYONE) -> None:
        """Set how good an answer was, 0 to 1.

        Args:
            by: id of the API key that judges, None for a caller without one: each judges its own answers. ANYONE may
                judge all.

        Raises:
            NotFoundError: a request that nobody remembers, or another's.
        """

    def signal(self, request_id: str, name: str, by: str | None = ANYONE) -> None:
        """Keep that a client did something which says how good an answer was, and is no judgement.

        Args:
            by: as of `feedback`.

        Raises:
            NotFoundError: as of `feedback`.
        """

    def signal_each(self, noticed: Sequence[tuple[str, str]]) -> None:
        """Keep many signals at once, each by the id of its completion; those of unknown ones are passed over."""

    def grade(self, chat_id: str, grade: float, grader: str) -> None:
        """Keep what a grader gave an answer, 0 to 1, which is its score, too, until somebody gives another.

        Raises:
            NotFoundError: as of `feedback`.
        """

    def rows(self) -> list[Decision]:
        """All decisions, oldest first."""

    def since(self, created: float) -> list[Decision]:
        """Decisions from a time on (Unix seconds), oldest first."""

    def routing_scores(self, policy: str, last: int = 1000) -> list[float]:
        """What the last requests that were routed by a policy were ranked by, newest first."""

    def routing_features(self, policy: str, last: int = 1000) -> list[dict[str, float]]:
        """What was counted in the last questions that a policy routed, newest first."""

    def close(self) -> None:
        """Write what waits, and give back what is held."""


def open_log(path: Path | None) -> DecisionLog:
    """A log in an SQLite file, or in memory."""
    return MemoryLog() if path is None else FileLog(path)


class MemoryLog:
    """The last ten thousand decisions of this process."""

    def __init__(self) -> None:
        self._kept: deque[Decision] = deque(maxlen=_KEPT_IN_MEMORY)

    def record(self, decision: Decision) -> None:
        """Keep the decision behind an answer."""
        self._kept.append(decision)

    def feedback(self, request_id: str, score: float, by: str | None = ANYONE) -> None:
        """Set how good an answer was, 0 to 1, see DecisionLog."""
        for i in self._positions(request_id, by):
            self._kept[i] = self._kept[i]._replace(score=score, scored_by=None)

    def grade(self, chat_id: str, grade: float, grader: str) -> None:
        """Keep a grade, see DecisionLog."""
        for i in self._positions(chat_id, ANYONE):
            decision = self._kept[i]._replace(grade=grade)
            scored = decision.score is not None and decision.scored_by is None
            self._kept[i] = decision if scored else decision._replace(score=grade, scored_by=grader)

    def signal(self, request_id: str, name: str, by: str | None = ANYONE) -> None:
        """Keep a signal, see DecisionLog."""
        for i in self._positions(request_id, by):
            self._kept[i] = self._kept[i]._replace(signals=with_signal(self._kept[i].signals, name))

    def signal_each(self, noticed: Sequence[tuple[str, str]]) -> None:
        """Keep many signals, see DecisionLog."""
        for chat_id, name in noticed:
            with suppress(NotFoundError):
                self.signal(chat_id, name)

    def _positions(self, request_id: str, by: str | None) -> list[int]:
        found = [
            i for i, d in enumerate(self._kept) if request_id in (d.chat_id, d.request_id) and by in (d.key_id, ANYONE)
        ]
        if not found:
            raise _unknown(request_id)
        return found

    def rows(self) -> list[Decision]:
        """All decisions, oldest first."""
        return list(self._kept)

    def since(self, created: float) -> list[Decision]:
        """Decisions from a time on, oldest first."""
        return [decision for decision in list(self._kept) if decision.created >= created]

    def routing_scores(self, policy: str, last: int = 1000) -> list[float]:
        """Routing scores of the last requests that a policy routed, newest first."""
        scores = (d.routing_score for d in reversed(self._kept) if d.policy == policy)
        return list(islice((score for score in scores if score is not None), last))

    def routing_features(self, policy: str, last: int = 1000) -> list[dict[str, float]]:
        """What was counted in the last questions that a policy routed, newest first."""
        counted = (d.features for d in reversed(self._kept) if d.policy == policy)
        return [json.loads(each) for each in islice((each for each in counted if each is not None), last)]

    def close(self) -> None:
        """Write what waits, and give back what is held."""
        self._kept.clear()


class FileLog:
    """An SQLite file that several workers may share; written twice a second, off the event loop."""

    def __init__(self, path: Path):
        self.path = path
        make_private_folder(path.parent)
        make_private_file(path)
        self._lock = threading.Lock()
        self._batch: BatchWriter[Decision] = BatchWriter("routing decisions", self.write, _FLUSH_S)
        self._db = sqlite3.connect(path, check_same_thread=False, timeout=10)
        self._db.create_function("with_signal", 2, with_signal, deterministic=True)
        self._db.execute("PRAGMA journal_mode=WAL")
        columns = ", ".join(f"{name} {kind}" for name, kind in _COLUMNS.items())
        self._db.execute(f"CREATE TABLE IF NOT EXISTS decisions ({columns}, PRIMARY KEY (chat_id))")
        self._db.execute("CREATE INDEX IF NOT EXISTS by_request ON decisions (request_id)")
        known = {row[1] for row in self._db.execute("PRAGMA table_info(decisions)")}
        for name in _COLUMNS.keys() - known:  # a file of an earlier version
            self._db.execute(f"ALTER TABLE decisions ADD COLUMN {name} {_COLUMNS[name]}")

    def __repr__(self) -> str:
        return f"FileLog('{self.path}')"

    def record(self, decision: Decision) -> None:
        """Keep the decision behind an answer."""
        self._batch.add(decision)

    def feedback(self, request_id: str, score: float, by: str | None = ANYONE) -> None:
        """Set how good an answer was, 0 to 1, see DecisionLog."""
        self._update("score = ?, scored_by = NULL", (score,), request_id, by)

    def grade(self, chat_id: str, grade: float, grader: str) -> None:
        """Keep a grade, see DecisionLog."""
        open_to = "score IS NULL OR scored_by IS NOT NULL"
        scored = f"score = CASE WHEN {open_to} THEN ? ELSE score END"
        change = f"scored_by = CASE WHEN {open_to} THEN ? END, {scored}, grade = ?"
        self._update(change, (grader, grade, grade), chat_id, ANYONE)

    def signal(self, request_id: str, name: str, by: str | None = ANYONE) -> None:
        """Keep a signal, see DecisionLog."""
        self._update("signals = with_signal(signals, ?)", (name,), request_id, by)

    def signal_each(self, noticed: Sequence[tuple[str, str]]) -> None:
        """Keep many signals, see DecisionLog."""
        update = "UPDATE decisions SET signals = with_signal(signals, ?) WHERE chat_id = ?"
        self._batch.flush()
        with self._lock, self._db:
            self._db.executemany(update, [(name, chat_id) for chat_id, name in noticed])

    def _update(self, change: str, values: tuple[object, ...], request_id: str, by: str | None) -> None:
        update = f"UPDATE decisions SET {change} WHERE (request_id = ? OR chat_id = ?) AND (key_id IS ? OR ?)"
        self._batch.flush()
        with self._lock, self._db:
            if not self._db.execute(update, (*values, request_id, request_id, by, by == ANYONE)).rowcount:
                raise _unknown(request_id)

    def rows(self) -> list[Decision]:
        """All decisions, oldest first."""
        return self.since(0.0)

    def since(self, created: float) -> list[Decision]:
        """Decisions from a time on, oldest first."""
        self._batch.flush()
        with self._lock:
            return [Decision(*row) for row in self._db.execute(_SELECT, (created,))]

    def routing_scores(self, policy: str, last: int = 1000) -> list[float]:
        """Routing scores of the last requests that a policy routed, newest first."""
        return self._last("routing_score", policy, last)

    def routing_features(self, policy: str, last: int = 1000) -> list[dict[str, float]]:
        """What was counted in the last questions that a policy routed, newest first."""
        return [json.loads(each) for each in self._last("features", policy, last)]

    def _last(self, column: str, policy: str, last: int) -> list[Any]:
        """What a column last held of requests that a policy routed, newest first."""
        query = (
            f"SELECT {column} FROM decisions WHERE policy = ? AND {column} IS NOT NULL "
            "AND routing_score IS NOT NULL ORDER BY created DESC LIMIT ?"
        )
        self._batch.flush()
        with self._lock:
            return [row[0] for row in self._db.execute(query, (policy, last))]

    def close(self) -> None:
        """Write what waits, and give back what is held."""
        self._batch.close()
        self._db.close()

    def write(self, rows: list[Decision]) -> None:
        """Keep decisions now, all or none; sqlite3.Error where that fails."""
        with self._lock, self._db:
            self._db.executemany(_INSERT, rows)


def with_signal(signals: str | None, name: str) -> str:
    """The signals of an answer, with one more; each stands there once."""
    return ",".join(dict.fromkeys([*(signals.split(",") if signals else ()), name]))


def _unknown(request_id: str) -> NotFoundError:
    hint = (
        "give the X-Request-ID or the id of a chat completion that this service answered; several workers need a "
        "DECISION_LOG to know each other's"
    )
    return NotFoundError(f"no decision for request '{request_id}'", hint, param="request_id")
