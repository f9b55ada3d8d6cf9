"""Where routing decisions are kept: in memory, or in a file."""

from __future__ import annotations

import json
import threading
from collections import deque
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING

from autopicker_lab.core import NotFoundError
from autopicker_lab.runtime.moments import Moments
from autopicker_lab.storage.decision import ANYONE, Decision, DecisionLog, unknown_decision, with_signal
from autopicker_lab.storage.decision_file import FileLog
from autopicker_lab.storage.policy_news import PolicyNews, ReadTo

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

_KEPT_IN_MEMORY = 10_000


def open_log(path: Path | None) -> DecisionLog:
    """A log in an SQLite file, or in memory."""
    return MemoryLog() if path is None else FileLog(path)


class MemoryLog:
    """The last ten thousand decisions of this process."""

    def __init__(self) -> None:
        self._kept: deque[Decision] = deque(maxlen=_KEPT_IN_MEMORY)
        self._scored: deque[int] = deque(maxlen=_KEPT_IN_MEMORY)  # numbers of decisions, as they were scored
        self._count = self._scores = 0  # of decisions and scores that there ever were
        self._lock = threading.Lock()  # else what is recorded meanwhile moves the places of the others

    def record(self, decision: Decision) -> None:
        """Keep the decision behind an answer."""
        with self._lock:
            self._count += 1
            self._kept.append(decision)

    def feedback(self, request_id: str, score: float, by: str | None = ANYONE) -> None:
        """Set how good an answer was, 0 to 1, see DecisionLog."""
        with self._lock:
            for i in self._positions(request_id, by):
                self._kept[i] = self._kept[i]._replace(score=score, scored_by=None)
                self._was_scored(i)

    def grade(self, chat_id: str, grade: float, grader: str) -> None:
        """Keep a grade, see DecisionLog."""
        with self._lock:
            for i in self._positions(chat_id, ANYONE):
                decision = self._kept[i]._replace(grade=grade)
                scored = decision.score is not None and decision.scored_by is None
                self._kept[i] = decision if scored else decision._replace(score=grade, scored_by=grader)
                self._was_scored(i)

    def _was_scored(self, position: int) -> None:
        self._scored.append(self._count - len(self._kept) + position + 1)
        self._scores += 1

    def signal(self, request_id: str, name: str, by: str | None = ANYONE) -> None:
        """Keep a signal, see DecisionLog."""
        with self._lock:
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
            raise unknown_decision(request_id)
        return found

    def rows(self) -> list[Decision]:
        """All decisions, oldest first."""
        return list(self._kept)

    def since(self, created: float) -> list[Decision]:
        """Decisions from a time on, oldest first."""
        return [decision for decision in list(self._kept) if decision.created >= created]

    def news(
        self, policies: Sequence[str], place: ReadTo, created: float = 0.0
    ) -> tuple[dict[str, PolicyNews], ReadTo]:
        """What came of some policies' answers, or was scored, since a place, see DecisionLog."""
        with self._lock:
            kept, scored, last = list(self._kept), list(self._scored), ReadTo(self._count, self._scores)
        numbered = {number: d for number, d in enumerate(kept, last.decision - len(kept) + 1) if d.created >= created}
        new = [(number, d) for number, d in numbered.items() if number > place.decision]
        again = scored[max(0, len(scored) - (last.score - place.score)) :]
        scores = [*new, *((number, numbered[number]) for number in again if number in numbered)]
        return news_of(policies, [d for _, d in new], scores), last

    def routing_scores(self, policy: str, last: int = 1000) -> list[float]:
        """Routing scores of the last requests that a policy routed, newest first."""
        scores = (d.routing_score for d in reversed(self.rows()) if d.policy == policy)
        return list(islice((score for score in scores if score is not None), last))

    def routing_features(self, policy: str, last: int = 1000) -> list[dict[str, float]]:
        """What was counted in the last questions that a policy routed, newest first."""
        counted = (d.features for d in reversed(self.rows()) if d.policy == policy)
        return [json.loads(each) for each in islice((each for each in counted if each is not None), last)]

    def scores_by_key(self, policy: str, last: int = 1000) -> list[tuple[str, float]]:
        """Key and routing score of the last requests with a key that a policy routed, newest first."""
        routed = ((d.key_id, d.routing_score) for d in reversed(self.rows()) if d.policy == policy)
        return list(islice(((key, score) for key, score in routed if key and score is not None), last))

    def close(self) -> None:
        """Write what waits, and give back what is held."""
        self._kept.clear()


def news_of(
    policies: Sequence[str], came: Iterable[Decision], scored: Iterable[tuple[int, Decision]]
) -> dict[str, PolicyNews]:
    """The news of some policies among decisions that came, and among numbered ones that were scored."""
    came = [d for d in came if d.latency_s is not None]
    rows = [(number, d) for number, d in scored if d.score is not None]
    return {
        policy: PolicyNews(
            Moments.of([d.latency_s or 0.0 for d in came if d.policy == policy]),
            Moments.of([d.cost_usd or 0.0 for d in came if d.policy == policy]),
            {number: d.score for number, d in rows if d.policy == policy and d.score is not None},
        )
        for policy in policies
    }
