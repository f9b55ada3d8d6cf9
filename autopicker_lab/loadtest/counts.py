"""Counts of requests that merge exactly, and single requests of a report."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class RequestRow(NamedTuple):
    """One request in a report.

    Attributes:
        due: seconds since the run began.
        send_delay: seconds from due until it was sent.
        ttft, latency: seconds from due to the first token (None without one) and to the end.
        error: the kind of error it is counted under; None: it was answered.
    """

    due: float
    send_delay: float
    ttft: float | None
    latency: float
    tokens: int
    kind: str
    error: str | None


@dataclass
class RequestCounts:
    """Counts of requests, of one kind or of all.

    Attributes:
        sent: requests that were due in the measured time.
        answered, good: of those, answered without an error, and within the SLO.
        tokens: of the answers.
        finished, finished_tokens: answers that ended in the measured time, and their tokens.
        errors: how many of each kind of error.
    """

    sent: int = 0
    answered: int = 0
    good: int = 0
    tokens: int = 0
    finished: int = 0
    finished_tokens: int = 0
    errors: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, saved: dict[str, Any]) -> RequestCounts:
        """Read the counts of a saved report; counts that are not kept any more are left out."""
        names = {field.name for field in dataclasses.fields(cls)}
        return cls(**{name: value for name, value in saved.items() if name in names})

    def merge(self, other: RequestCounts) -> None:
        """Add the counts of another run."""
        for name in ("sent", "answered", "good", "tokens", "finished", "finished_tokens"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name, count in other.errors.items():
            self.errors[name] = self.errors.get(name, 0) + count
