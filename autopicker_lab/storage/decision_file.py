"""Routing decisions in an SQLite file."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

from autopicker_lab.runtime.batch_writer import BatchWriter
from autopicker_lab.runtime.moments import Moments
from autopicker_lab.runtime.shared_database import open_shared_database
from autopicker_lab.storage.decision import ANYONE, Decision, unknown_decision, with_signal
from autopicker_lab.storage.policy_news import PolicyNews, ReadTo

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_TYPES = ("REAL", "TEXT", "INTEGER")
FLUSH_S = 0.5
_BUSY_S = 10.0
_INTEGERS = frozenset({"prompt_tokens", "completion_tokens"})
_TEXTS = frozenset(
    {"chat_id", "request_id", "model", "policy", "prompt", "key_id", "propensities", "signals", "features", "scored_by"}
)
_COLUMNS = {name: _TYPES[(name in _TEXTS) + 2 * (name in _INTEGERS)] for name in Decision._fields}
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM decisions WHERE created >= ? ORDER BY created"
_INSERT = f"INSERT OR REPLACE INTO decisions ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"
_CAME = (
    "SELECT policy, COUNT(*), AVG(latency_s), SUM(latency_s * latency_s), TOTAL(cost_usd), TOTAL(cost_usd * cost_usd) "
    "FROM decisions WHERE rowid > ? AND rowid <= ? AND created >= ? AND latency_s IS NOT NULL GROUP BY policy"
)
_SCORED = "SELECT policy, rowid, score FROM decisions WHERE created >= ? AND score IS NOT NULL AND "
_SCORED_SINCE = (f"{_SCORED} judged > ? AND judged <= ?", f"{_SCORED} rowid > ? AND rowid <= ? AND judged IS NULL")
_LAST = (
    "SELECT (SELECT COALESCE(MAX(rowid), 0) FROM decisions), "
    "(SELECT COALESCE(MAX(judged), 0) FROM decisions WHERE judged IS NOT NULL)"
)
_JUDGED = "judged = (SELECT COALESCE(MAX(judged), 0) + 1 FROM decisions WHERE judged IS NOT NULL)"


class FileLog:
    """An SQLite file that several workers may share; written twice a second, off the event loop."""

    def __init__(self, path: Path):
        self.path = path
        self._lock = threading.Lock()
        self._batch: BatchWriter[Decision] = BatchWriter("routing decisions", self.write, FLUSH_S)
        self._db = open_shared_database(path, _BUSY_S)
        self._db.create_function("with_signal", 2, with_signal, deterministic=True)
        self._bring_up_to_date()

    def __repr__(self) -> str:
        return f"FileLog('{self.path}')"

    def _bring_up_to_date(self) -> None:
        """Make the table, or what a file of an earlier version lacks; one worker after the other."""
        kinds = {**_COLUMNS, "judged": "INTEGER"}  # in which order scores came
        columns = ", ".join(f"{name} {kind}" for name, kind in kinds.items())
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute(f"CREATE TABLE IF NOT EXISTS decisions ({columns}, PRIMARY KEY (chat_id))")
            known = {row[1] for row in self._db.execute("PRAGMA table_info(decisions)")}
            for name in kinds.keys() - known:
                self._db.execute(f"ALTER TABLE decisions ADD COLUMN {name} {kinds[name]}")
            self._db.execute("CREATE INDEX IF NOT EXISTS by_request ON decisions (request_id)")
            self._db.execute("CREATE INDEX IF NOT EXISTS by_policy ON decisions (policy, created)")
            self._db.execute("CREATE INDEX IF NOT EXISTS by_judged ON decisions (judged) WHERE judged IS NOT NULL")

    def record(self, decision: Decision) -> None:
        """Keep the decision behind an answer."""
        self._batch.add(decision)

    def feedback(self, request_id: str, score: float, by: str | None = ANYONE) -> None:
        """Set how good an answer was, 0 to 1, see DecisionLog."""
        self._update(f"score = ?, scored_by = NULL, {_JUDGED}", (score,), request_id, by)

    def grade(self, chat_id: str, grade: float, grader: str) -> None:
        """Keep a grade, see DecisionLog."""
        open_to = "score IS NULL OR scored_by IS NOT NULL"
        scored = f"score = CASE WHEN {open_to} THEN ? ELSE score END"
        change = f"scored_by = CASE WHEN {open_to} THEN ? END, {scored}, grade = ?, {_JUDGED}"
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
                raise unknown_decision(request_id)

    def rows(self) -> list[Decision]:
        """All decisions, oldest first."""
        return self.since(0.0)

    def since(self, created: float) -> list[Decision]:
        """Decisions from a time on, oldest first."""
        self._batch.flush()
        with self._lock:
            return [Decision(*row) for row in self._db.execute(_SELECT, (created,))]

    def news(
        self, policies: Sequence[str], place: ReadTo, created: float = 0.0
    ) -> tuple[dict[str, PolicyNews], ReadTo]:
        """What came of some policies' answers, or was scored, since a place, see DecisionLog."""
        self._batch.flush()
        with self._lock:
            last = ReadTo(*self._db.execute(_LAST).fetchone())
            came_between, scored_between = zip(place, last, strict=True)
            came = {row[0]: row[1:] for row in self._db.execute(_CAME, (*came_between, created))}
            rows = [
                row
                for query, between in zip(_SCORED_SINCE, (scored_between, came_between), strict=True)
                for row in self._db.execute(query, (created, *between))
            ]
        scores = {policy: {row: score for name, row, score in rows if name == policy} for policy in policies}
        return {policy: PolicyNews(*_moments(came.get(policy)), scores[policy]) for policy in policies}, last

    def routing_scores(self, policy: str, last: int = 1000) -> list[float]:
        """Routing scores of the last requests that a policy routed, newest first."""
        return self._last("routing_score", policy, last)

    def routing_features(self, policy: str, last: int = 1000) -> list[dict[str, float]]:
        """What was counted in the last questions that a policy routed, newest first."""
        return [json.loads(each) for each in self._last("features", policy, last)]

    def scores_by_key(self, policy: str, last: int = 1000) -> list[tuple[str, float]]:
        """Key and routing score of the last requests with a key that a policy routed, newest first."""
        query = (
            "SELECT key_id, routing_score FROM decisions WHERE policy = ? AND key_id IS NOT NULL "
            "AND routing_score IS NOT NULL ORDER BY created DESC LIMIT ?"
        )
        self._batch.flush()
        with self._lock:
            return [(str(key), float(score)) for key, score in self._db.execute(query, (policy, last))]

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
        with self._lock:  # who reads just now reads to the end
            self._db.close()

    def write(self, rows: list[Decision]) -> None:
        """Keep decisions now, all or none; sqlite3.Error where that fails."""
        with self._lock, self._db:
            self._db.executemany(_INSERT, rows)


def _moments(sums: tuple[int, float, float, float, float] | None) -> tuple[Moments, Moments]:
    """Those of seconds and USD, of what SQL adds up."""
    if sums is None:
        return Moments(), Moments()
    n, seconds, seconds2, usd, usd2 = sums
    cost = usd / n
    return Moments(n, seconds, max(0.0, seconds2 - n * seconds**2)), Moments(n, cost, max(0.0, usd2 - n * cost**2))
